//! How is a message framed, and within which bounds? The words that guard, head and chunks share.

use portcullis_model::Reason;

use crate::violation::Violation;

/// Bounds of a head.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Largest head in bytes.
    pub head_bytes_max: usize,
    /// Most headers.
    pub headers_max: usize,
    /// Longest target in bytes.
    pub target_bytes_max: usize,
}

/// How the body of a message is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// None, or this many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// Malformed framing.
pub(crate) fn malformed(detail: &str) -> Violation {
    Violation::new(Reason::MalformedFraming, detail)
}
