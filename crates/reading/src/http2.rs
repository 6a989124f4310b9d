//! What may a client send over HTTP/2, and what does a head of it say? Two guards around the HTTP
//! layer, without I/O: [`frames`] counts what arrives before the layer works on it, [`head`] brings
//! the heads that it made into the one form that is read.

pub mod frames;
pub mod head;

pub use frames::{FrameBounds, FrameGuard};
