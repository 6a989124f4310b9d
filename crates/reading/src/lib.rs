//! What does this message say, in one way only?
//!
//! Strict readers of untrusted bytes: what can be read in more than one way is refused, and what
//! is accepted is kept byte for byte.

pub mod baggage;
pub mod cookie;
pub mod form;
pub mod host;
pub mod http1;
pub mod http2;
pub mod json;
pub mod message;
pub mod owned;
pub mod path;
pub mod proxied;
pub mod query;
pub mod structured;
pub mod trace_context;
pub mod violation;
