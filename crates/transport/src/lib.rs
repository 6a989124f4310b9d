//! Bytes in and out: listening sockets, the guarded streams in front of the HTTP parsers, the pools of
//! connections to upstreams, and fetching that cannot be led astray.

pub mod address;
mod answered;
pub mod call;
pub mod fetch;
pub mod framed;
pub mod guarded;
pub mod listen;
pub mod post;
pub mod preface;
pub mod proxied;
pub mod tls;
pub mod told;
pub mod upstream;
