//! Which certificate was ordered, is it time for another one, and how is one ordered (RFC 8555)?
//!
//! What is kept stands in a folder of its own, for its owner alone: the account's key, and one file
//! for each certificate with its key and chain, replaced as a whole. Names are proven by TLS-ALPN-01.

mod http;
pub(crate) mod kept;
mod order;

pub use kept::Kept;
pub use order::{AcmeError, order};
