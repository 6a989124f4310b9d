//! A value, and where it was written: a later step may still find something to say about the line.

use portcullis_diagnostics::Span;

/// A value and where it was written. Two are the same where their values are, wherever they stand.
#[derive(Clone, Debug)]
pub struct Declared<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T: PartialEq> PartialEq for Declared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Declared<T> {}
