//! What does this JSON text say, in one way only?
//!
//! RFC 8259 leaves open what repeated member names, lone surrogates, a byte order mark and huge
//! numbers mean; parsers differ, and a boundary that reads one meaning while the upstream reads
//! another decides nothing. This reader refuses all of these. What it accepts, every conforming
//! parser reads alike: names are unique after unescaping, strings are Unicode scalar values,
//! numbers fit into binary64 without overflow or underflow (their digits are kept exactly).
//!
//! There is one machine ([`machine`]). [`parse`] runs it with a builder of values, [`Checker`]
//! runs it without one, over pieces of any size; verdicts are therefore the same. It keeps no
//! stack of its own calls, looks at each byte once, and holds no more than the open path, the
//! names of open objects and one string.
//!
//! Left out on purpose: comments, trailing commas, several documents in a row, any other encoding
//! than UTF-8, and repair of anything.

use serde_json::Value;

mod bounds;
mod build;
mod error;
mod machine;
mod names;
mod number;
mod text;

#[cfg(test)]
mod tests;

pub use bounds::{Bounds, DEPTH_CEILING, MEMBERS_MAX, NUMBER_DIGITS_MAX};
pub use error::{JsonError, JsonErrorKind};

use build::Builder;
use machine::{Machine, Nothing};

/// Reads one JSON text.
///
/// Numbers keep their digits (`serde_json` with `arbitrary_precision`), so a 30-digit integer is
/// not rounded.
///
/// # Errors
/// The first place where the text is not strict JSON or exceeds a bound.
pub fn parse(bytes: &[u8], bounds: &Bounds) -> Result<Value, JsonError> {
    let mut machine = Machine::new(*bounds);
    let mut builder = Builder::default();
    machine.feed(bytes, &mut builder)?;
    machine.finish(&mut builder)?;
    // A machine that finished has closed every container, so the builder holds one value.
    builder.into_value().ok_or_else(|| machine.truncated())
}

/// Checks one JSON text that arrives in pieces, without building a value.
#[derive(Debug)]
pub struct Checker {
    machine: Machine,
}

impl Checker {
    /// A checker that has seen nothing.
    #[must_use]
    pub const fn new(bounds: Bounds) -> Self {
        Self { machine: Machine::new(bounds) }
    }

    /// Checks the next piece. Pieces may end anywhere, also within a character or an escape.
    ///
    /// # Errors
    /// The first place where the text is not strict JSON or exceeds a bound; the same again for
    /// every later piece.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), JsonError> {
        self.machine.feed(piece, &mut Nothing)
    }

    /// Says that the text ends here.
    ///
    /// # Errors
    /// If the text is not whole, or was refused before.
    pub fn finish(mut self) -> Result<(), JsonError> {
        self.machine.finish(&mut Nothing)
    }
}
