//! What was written, and where?

use portcullis_diagnostics::Span;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub span: Span,
}
