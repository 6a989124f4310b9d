//! A credential becomes a principal, or is refused with its reason.
//!
//! Pure: keys, rules and time are handed in. [`Authenticated`] is what only verification makes;
//! whatever has not been verified has another type.

pub mod api_key;
pub mod authenticated;
pub mod certificate;
pub mod content_digest;
pub mod credential;
pub mod dpop;
pub mod holder;
pub mod introspection;
pub mod jwk;
pub mod jwt;
pub mod metadata;
pub mod minted;
pub mod secrets;
pub mod signature;
pub mod webhook;

pub use authenticated::{Authenticated, Binding, Refused, token_digest};
