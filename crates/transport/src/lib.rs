//! Bytes in and out: listening sockets, the guarded streams in front of the HTTP parsers, the pool of
//! connections to an upstream, and fetching that cannot be led astray.

pub mod address;
mod answered;
pub mod fetch;
pub mod guarded;
pub mod listen;
pub mod proxied;
pub mod upstream;
