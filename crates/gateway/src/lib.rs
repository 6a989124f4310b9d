//! The door that carries requests.
//!
//! [`server`] listens; a connection is handed to hyper behind the guard of its protocol, after its
//! [`handshake`] where it speaks TLS; [`serve`] has
//! one request decided, carried and recorded; [`admin`] answers operators on a socket of its own, over
//! which [`handover`] brings listening sockets to the next process.

pub mod admin;
pub mod answer;
pub mod body;
mod carry;
mod coded;
mod connection;
pub mod connections;
pub mod door;
pub mod handover;
pub mod handshake;
pub mod lifetime;
pub mod origin;
pub mod pools;
mod proxied;
mod replaced;
pub mod scrape;
pub mod seldom;
pub mod serve;
pub mod server;
pub mod stalled;
mod stop;
pub mod streamed;
pub mod tunnel;
pub mod upstreams;

pub use door::Door;
pub use server::Running;
pub use upstreams::Upstreams;
