//! The door that carries requests.
//!
//! [`server`] listens and hands every connection to hyper behind the guarded stream; [`serve`] has
//! one request decided, carried and recorded; [`admin`] answers operators on a socket of its own.

pub mod admin;
pub mod answer;
pub mod body;
pub mod connections;
pub mod door;
pub mod pools;
mod proxied;
pub mod serve;
pub mod server;
pub mod streamed;

pub use door::Door;
pub use server::Running;
