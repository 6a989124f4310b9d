//! Where and why is a JSON text refused? Never says what stood there, only the place.

use thiserror::Error;

/// Why a text is not strict JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum JsonErrorKind {
    /// The text starts with a byte order mark (RFC 8259 section 8.1).
    #[error("byte order mark")]
    ByteOrderMark,
    /// A control character stands unescaped in a string.
    #[error("control character in a string")]
    ControlCharacter,
    /// A member name occurs twice in one object, after unescaping.
    #[error("duplicate member")]
    DuplicateMember,
    /// There is no value at all.
    #[error("no value")]
    Empty,
    /// A backslash is followed by something that is no escape.
    #[error("invalid escape")]
    InvalidEscape,
    /// A number is not of the form of RFC 8259 section 6: leading zero, lone sign, and the like.
    #[error("invalid number")]
    InvalidNumber,
    /// The bytes of a string are not UTF-8 (RFC 3629): overlong, surrogate, out of range, cut.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// A `\u` escape is half of a surrogate pair.
    #[error("lone surrogate")]
    LoneSurrogate,
    /// A number would overflow or underflow binary64.
    #[error("number out of range")]
    NumberOutOfRange,
    /// A number has too many digits.
    #[error("too many digits")]
    NumberTooLong,
    /// A string or member name has too many bytes.
    #[error("string too long")]
    StringTooLong,
    /// Containers are nested too deeply.
    #[error("nested too deeply")]
    TooDeep,
    /// The text has too many bytes.
    #[error("too many bytes")]
    TooLong,
    /// The text has too many members and elements.
    #[error("too many members")]
    TooManyMembers,
    /// Something follows the value.
    #[error("trailing data")]
    TrailingData,
    /// The text ends within the value.
    #[error("unexpected end")]
    Truncated,
    /// A byte that the grammar does not allow here.
    #[error("unexpected byte")]
    UnexpectedByte,
}

/// A refused text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}, in `{pointer}`")]
pub struct JsonError {
    /// Bytes before the place. For a string or number that is too long, the place is its start.
    pub offset: usize,
    /// JSON pointer (RFC 6901) of the value that was being read; cut at a bounded length.
    pub pointer: String,
    /// Why.
    pub kind: JsonErrorKind,
}

/// A refusal before its place within the value is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Bytes of the piece before the place; none where the offset is that of the token's start.
    pub(super) at: At,
    /// Why.
    pub(super) kind: JsonErrorKind,
}

/// Where a fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At this index of the piece.
    Piece(usize),
    /// At this offset of the text.
    Text(usize),
}

impl Fault {
    /// At an index of the piece.
    pub(super) const fn here(kind: JsonErrorKind, index: usize) -> Self {
        Self { at: At::Piece(index), kind }
    }

    /// At an offset of the text.
    pub(super) const fn at(kind: JsonErrorKind, offset: usize) -> Self {
        Self { at: At::Text(offset), kind }
    }
}
