//! Bytes in and out: listening sockets, the guarded stream in front of the HTTP parser, the pool of
//! connections to an upstream, and fetching that cannot be led astray.

pub mod address;
pub mod fetch;
pub mod guarded;
pub mod listen;
pub mod upstream;
