//! Is the chunked body well-formed? Sizes in plain hexadecimal, no extensions, no trailers,
//! CRLF everywhere (RFC 9112 section 7.1, the part in which everybody agrees). Upstreams may send
//! trailers, to a bound; they end at this hop.

use crate::violation::Violation;

use super::framing::malformed;

/// Most digits of a chunk size: 4 GiB less one, far above any bound on bodies.
const SIZE_DIGITS_MAX: u8 = 8;

/// Most bytes of trailers, where they are accepted.
const TRAILER_BYTES_MAX: usize = 8 * 1024;

/// State between bytes.
#[derive(Debug)]
pub(crate) struct Chunks {
    state: State,
    /// Bytes of trailers that may still come.
    trailers_left: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Size { value: u64, digits: u8 },
    SizeEnd { value: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    LastCr,
    LastLf,
    Trailer,
    TrailerLf,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { state: State::Size { value: 0, digits: 0 }, trailers_left: 0 }
    }
}

impl Chunks {
    /// Chunks that trailers may follow.
    pub(crate) fn with_trailers() -> Self {
        Self { trailers_left: TRAILER_BYTES_MAX, ..Self::default() }
    }

    /// Checks bytes; answers how many belong to this body and whether it is complete.
    pub(crate) fn advance(&mut self, input: &[u8]) -> Result<(usize, bool), Violation> {
        let mut rest = input;
        while let Some((byte, after)) = rest.split_first() {
            self.state = match self.state {
                State::Size { value, digits } => size(value, digits, *byte)?,
                State::SizeEnd { value } => match (byte, value) {
                    (b'\n', 0) => State::LastCr,
                    (b'\n', _) => State::Data { left: value },
                    _ => return Err(malformed("CR without LF in a chunk line")),
                },
                State::Data { left } => {
                    let available = u64::try_from(rest.len()).unwrap_or(u64::MAX);
                    let taken = available.min(left);
                    let left = left.saturating_sub(taken);
                    let taken = usize::try_from(taken).unwrap_or(rest.len());
                    rest = rest.get(taken..).unwrap_or_default();
                    self.state = if left == 0 { State::DataCr } else { State::Data { left } };
                    continue;
                }
                State::DataCr if *byte == b'\r' => State::DataLf,
                State::DataLf if *byte == b'\n' => State::Size { value: 0, digits: 0 },
                State::LastCr if *byte == b'\r' => State::LastLf,
                State::LastLf if *byte == b'\n' => {
                    return Ok((input.len().saturating_sub(after.len()), true));
                }
                State::LastCr | State::Trailer => self.trailer(*byte)?,
                State::TrailerLf if *byte == b'\n' => State::LastCr,
                State::TrailerLf => return Err(malformed("CR without LF in a trailer")),
                State::DataCr | State::DataLf => {
                    return Err(malformed("a chunk is longer than its size"));
                }
                State::LastLf => return Err(malformed("CR without LF after the last chunk")),
            };
            rest = after;
        }
        Ok((input.len(), false))
    }

    fn trailer(&mut self, byte: u8) -> Result<State, Violation> {
        let Some(left) = self.trailers_left.checked_sub(1) else {
            return Err(malformed("trailers are not accepted, or too long"));
        };
        self.trailers_left = left;
        match byte {
            b'\r' => Ok(State::TrailerLf),
            b'\t' | b' '..=b'~' | 0x80.. => Ok(State::Trailer),
            _ => Err(malformed("a trailer has a control character")),
        }
    }
}

fn size(value: u64, digits: u8, byte: u8) -> Result<State, Violation> {
    if byte == b'\r' && digits > 0 {
        return Ok(State::SizeEnd { value });
    }
    match char::from(byte).to_digit(16) {
        Some(digit) if digits < SIZE_DIGITS_MAX => Ok(State::Size {
            value: (value << 4) | u64::from(digit),
            digits: digits.saturating_add(1),
        }),
        Some(_) => Err(malformed("a chunk size is too long")),
        None => Err(malformed("a chunk size is not plain hexadecimal")),
    }
}
