//! The one pass over the bytes: grammar, bounds, and what was read, reported to a [`Sink`].
//!
//! Invariant: the verdict and its place depend on the bytes alone, never on how they were cut
//! into pieces nor on what the sink does with them.

use super::bounds::Bounds;
use super::error::{At, Fault, JsonError, JsonErrorKind};
use super::names::{Container, Path};
use super::number::{NumberScan, Step};
use super::text::{EscapeScan, Unescaped, Utf8Scan, plain_run};

/// Who hears what was read.
pub(super) trait Sink {
    /// Whether the text of numbers and string values is wanted at all.
    const KEEPS_TEXT: bool;
    /// `null`, `true` or `false`.
    fn literal(&mut self, value: Option<bool>);
    /// A number, as written. False: it cannot be held.
    fn number(&mut self, text: &str) -> bool;
    /// A string value, unescaped.
    fn string(&mut self, text: &str);
    /// A member name, unescaped.
    fn name(&mut self, text: &str);
    /// An array or object begins.
    fn open(&mut self, container: Container);
    /// The innermost array or object ends.
    fn close(&mut self);
}

/// The sink that wants nothing.
#[derive(Debug)]
pub(super) struct Nothing;

impl Sink for Nothing {
    const KEEPS_TEXT: bool = false;
    fn literal(&mut self, _: Option<bool>) {}
    fn number(&mut self, _: &str) -> bool {
        true
    }
    fn string(&mut self, _: &str) {}
    fn name(&mut self, _: &str) {}
    fn open(&mut self, _: Container) {}
    fn close(&mut self) {}
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum State {
    /// A value.
    Value,
    /// A value, or the end of an array that is empty so far.
    FirstElement,
    /// A name, or the end of an object that is empty so far.
    FirstName,
    /// A name.
    Name,
    /// The colon after a name.
    Colon,
    /// A comma or the end of the container; after the outermost value, nothing.
    After,
    /// The rest of a literal.
    Literal { rest: &'static [u8], value: Option<bool> },
    /// The rest of a number.
    Number(NumberScan),
    /// The rest of a string.
    Text(Text),
}

/// A string that is being read.
#[derive(Clone, Copy, Debug)]
struct Text {
    is_name: bool,
    /// Bytes after unescaping, so far, without the segment that is being read.
    len: usize,
    utf8: Utf8Scan,
    escape: Option<EscapeScan>,
}

/// Reads one JSON text, piece by piece.
#[derive(Debug)]
pub(super) struct Machine {
    bounds: Bounds,
    state: State,
    path: Path,
    /// Bytes of earlier pieces.
    passed: usize,
    /// Where the string or number that is being read starts.
    token_start: usize,
    /// Members and elements begun.
    members: usize,
    /// What earlier pieces and escapes gave of the string or number that is being read.
    scratch: Vec<u8>,
    refused: Option<JsonError>,
}

impl Machine {
    /// Before the first byte.
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            state: State::Value,
            path: Path::new(),
            passed: 0,
            token_start: 0,
            members: 0,
            scratch: Vec::new(),
            refused: None,
        }
    }

    /// Reads a piece.
    pub(super) fn feed<S: Sink>(&mut self, piece: &[u8], sink: &mut S) -> Result<(), JsonError> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        let room = self.bounds.bytes_max.saturating_sub(self.passed).min(piece.len());
        let (within, beyond) = piece.split_at(room);
        let mut at = 0;
        while at < within.len() {
            match self.advance(within, at, sink) {
                Ok(next) => at = next,
                Err(fault) => return Err(self.refuse(fault)),
            }
        }
        self.passed += within.len();
        if !beyond.is_empty() {
            return Err(self.refuse(Fault::at(JsonErrorKind::TooLong, self.passed)));
        }
        Ok(())
    }

    /// The text ends here.
    pub(super) fn finish<S: Sink>(&mut self, sink: &mut S) -> Result<(), JsonError> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        if let State::Number(scan) = self.state {
            let ended = self.number_over(scan, &[], 0, sink);
            ended.map_err(|fault| self.refuse(fault))?;
        }
        match self.state {
            State::After if self.path.depth() == 0 => Ok(()),
            _ => Err(self.truncated()),
        }
    }

    /// The refusal of a text that ends too early.
    pub(super) fn truncated(&mut self) -> JsonError {
        let nothing = matches!(self.state, State::Value) && self.path.depth() == 0;
        let kind = if nothing { JsonErrorKind::Empty } else { JsonErrorKind::Truncated };
        self.refuse(Fault::at(kind, self.passed))
    }

    fn refuse(&mut self, fault: Fault) -> JsonError {
        let offset = match fault.at {
            At::Piece(index) => self.passed + index,
            At::Text(offset) => offset,
        };
        let error = JsonError { offset, pointer: self.path.pointer(), kind: fault.kind };
        self.refused = Some(error.clone());
        error
    }

    /// Reads on from `at`; says up to where.
    fn advance<S: Sink>(&mut self, piece: &[u8], at: usize, sink: &mut S) -> Result<usize, Fault> {
        match self.state {
            State::Text(text) => self.text(text, piece, at, sink),
            State::Number(scan) => self.number(scan, piece, at, sink),
            State::Literal { rest, value } => self.literal(rest, value, piece, at, sink),
            _ => self.structure(piece, at, sink),
        }
    }

    fn structure<S: Sink>(
        &mut self,
        piece: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let rest = piece.get(at..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| is_blank(**byte)).count();
        let at = at + blank;
        let Some(byte) = rest.get(blank).copied() else {
            return Ok(at);
        };
        let unexpected = Fault::here(JsonErrorKind::UnexpectedByte, at);
        match (self.state, byte) {
            (State::FirstElement, b']') | (State::FirstName, b'}') => self.close(at, sink)?,
            (State::Value | State::FirstElement, _) => return self.value(piece, byte, at, sink),
            (State::FirstName | State::Name, b'"') => self.begin_text(true, at)?,
            (State::Colon, b':') => self.state = State::Value,
            (State::After, _) => match (self.path.innermost(), byte) {
                (None, _) => return Err(Fault::here(JsonErrorKind::TrailingData, at)),
                (Some(Container::Array), b',') => self.state = State::Value,
                (Some(Container::Object), b',') => {
                    self.path.member_over();
                    self.state = State::Name;
                }
                (Some(Container::Array), b']') | (Some(Container::Object), b'}') => {
                    self.close(at, sink)?;
                }
                (Some(_), _) => return Err(unexpected),
            },
            _ => return Err(unexpected),
        }
        Ok(at + 1)
    }

    /// A value begins at `at` with `byte`.
    #[inline]
    fn value<S: Sink>(
        &mut self,
        piece: &[u8],
        byte: u8,
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        if self.path.innermost() == Some(Container::Array) {
            self.path.element();
            self.count(at)?;
        }
        match byte {
            b'"' => self.begin_text(false, at)?,
            b'{' => self.open(Container::Object, at, sink)?,
            b'[' => self.open(Container::Array, at, sink)?,
            b't' => return self.literal(b"true", Some(true), piece, at, sink),
            b'f' => return self.literal(b"false", Some(false), piece, at, sink),
            b'n' => return self.literal(b"null", None, piece, at, sink),
            b'-' | b'0'..=b'9' => {
                self.token_start = self.passed + at;
                self.scratch.clear();
                return self.number(NumberScan::new(), piece, at, sink);
            }
            // The first byte of the mark in UTF-8 or UTF-16; none of them can start a value.
            0xEF | 0xFE | 0xFF if self.passed + at == 0 => {
                return Err(Fault::here(JsonErrorKind::ByteOrderMark, at));
            }
            _ => return Err(Fault::here(JsonErrorKind::UnexpectedByte, at)),
        }
        Ok(at + 1)
    }

    fn count(&mut self, at: usize) -> Result<(), Fault> {
        self.members += 1;
        if self.members > self.bounds.members_max {
            return Err(Fault::here(JsonErrorKind::TooManyMembers, at));
        }
        Ok(())
    }

    fn open<S: Sink>(
        &mut self,
        container: Container,
        at: usize,
        sink: &mut S,
    ) -> Result<(), Fault> {
        if self.path.depth() >= self.bounds.depth() {
            return Err(Fault::here(JsonErrorKind::TooDeep, at));
        }
        self.path.open(container);
        sink.open(container);
        self.state = match container {
            Container::Array => State::FirstElement,
            Container::Object => State::FirstName,
        };
        Ok(())
    }

    fn close<S: Sink>(&mut self, at: usize, sink: &mut S) -> Result<(), Fault> {
        self.path.close().map_err(|offset| Fault::at(JsonErrorKind::DuplicateMember, offset))?;
        debug_assert!(at <= self.bounds.bytes_max, "bytes beyond the bound are never read");
        sink.close();
        self.state = State::After;
        Ok(())
    }

    #[inline]
    fn begin_text(&mut self, is_name: bool, at: usize) -> Result<(), Fault> {
        if is_name {
            self.count(at)?;
        }
        self.token_start = self.passed + at;
        self.scratch.clear();
        self.state = State::Text(Text { is_name, len: 0, utf8: Utf8Scan::new(), escape: None });
        Ok(())
    }

    fn literal<S: Sink>(
        &mut self,
        rest: &'static [u8],
        value: Option<bool>,
        piece: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let here = piece.get(at..).unwrap_or_default();
        let same = rest.iter().zip(here).take_while(|(a, b)| a == b).count();
        let left = rest.get(same..).unwrap_or_default();
        if left.is_empty() {
            sink.literal(value);
            self.state = State::After;
        } else if same == here.len() {
            self.state = State::Literal { rest: left, value };
        } else {
            return Err(Fault::here(JsonErrorKind::UnexpectedByte, at + same));
        }
        Ok(at + same)
    }

    fn number<S: Sink>(
        &mut self,
        mut scan: NumberScan,
        piece: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let here = piece.get(at..).unwrap_or_default();
        for (index, byte) in here.iter().enumerate() {
            match scan.step(*byte, self.bounds.number_digits_max) {
                Step::Taken => {}
                Step::Refused(JsonErrorKind::NumberTooLong) => {
                    return Err(Fault::at(JsonErrorKind::NumberTooLong, self.token_start));
                }
                Step::Refused(kind) => return Err(Fault::here(kind, at + index)),
                Step::Ended => {
                    self.number_over(scan, here, index, sink)?;
                    return Ok(at + index);
                }
            }
        }
        if S::KEEPS_TEXT {
            self.scratch.extend_from_slice(here);
        }
        self.state = State::Number(scan);
        Ok(piece.len())
    }

    /// The number ended after `len` bytes of `here`.
    fn number_over<S: Sink>(
        &mut self,
        scan: NumberScan,
        here: &[u8],
        len: usize,
        sink: &mut S,
    ) -> Result<(), Fault> {
        scan.finish().map_err(|kind| Fault::at(kind, self.token_start))?;
        let last = here.get(..len).unwrap_or_default();
        if S::KEEPS_TEXT {
            let bytes = joined(&mut self.scratch, last);
            let held = str::from_utf8(bytes).is_ok_and(|text| sink.number(text));
            if !held {
                return Err(Fault::at(JsonErrorKind::InvalidNumber, self.token_start));
            }
        }
        self.state = State::After;
        Ok(())
    }

    fn text<S: Sink>(
        &mut self,
        mut text: Text,
        piece: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let mut segment = at;
        let mut here = at;
        loop {
            if text.escape.is_none() && !text.utf8.is_open() {
                here += plain_run(piece.get(here..).unwrap_or_default());
            }
            let Some(byte) = piece.get(here).copied() else {
                break;
            };
            if let Some(escape) = &mut text.escape {
                match escape.step(byte) {
                    Unescaped::Open => {}
                    Unescaped::Refused(kind) => return Err(Fault::here(kind, here)),
                    Unescaped::Character(character) => {
                        text.escape = None;
                        text.len = self.grown(text.len, character.len_utf8())?;
                        self.keep::<S>(&text, character.encode_utf8(&mut [0; 4]).as_bytes());
                        segment = here + 1;
                    }
                }
            } else {
                let len = self.grown(text.len, here - segment)?;
                match byte {
                    _ if byte >= 0x80 || text.utf8.is_open() => {
                        if !text.utf8.step(byte) {
                            return Err(Fault::here(JsonErrorKind::InvalidUtf8, here));
                        }
                    }
                    b'"' => {
                        let last = piece.get(segment..here).unwrap_or_default();
                        self.text_over(text, last, sink)?;
                        return Ok(here + 1);
                    }
                    b'\\' => {
                        self.keep::<S>(&text, piece.get(segment..here).unwrap_or_default());
                        text.len = len;
                        text.escape = Some(EscapeScan::new());
                    }
                    _ => return Err(Fault::here(JsonErrorKind::ControlCharacter, here)),
                }
            }
            here += 1;
        }
        if text.escape.is_none() {
            text.len = self.grown(text.len, here - segment)?;
            self.keep::<S>(&text, piece.get(segment..).unwrap_or_default());
        }
        self.state = State::Text(text);
        Ok(piece.len())
    }

    /// The length of a string after `more` bytes.
    #[inline]
    fn grown(&self, len: usize, more: usize) -> Result<usize, Fault> {
        let grown = len + more;
        if grown > self.bounds.string_bytes_max {
            return Err(Fault::at(JsonErrorKind::StringTooLong, self.token_start));
        }
        Ok(grown)
    }

    fn keep<S: Sink>(&mut self, text: &Text, bytes: &[u8]) {
        if S::KEEPS_TEXT || text.is_name {
            self.scratch.extend_from_slice(bytes);
        }
    }

    /// The string ended; `last` is what was not kept yet.
    #[inline]
    fn text_over<S: Sink>(&mut self, text: Text, last: &[u8], sink: &mut S) -> Result<(), Fault> {
        if S::KEEPS_TEXT || text.is_name {
            let bytes = joined(&mut self.scratch, last);
            if S::KEEPS_TEXT {
                let read = str::from_utf8(bytes)
                    .map_err(|_| Fault::at(JsonErrorKind::InvalidUtf8, self.token_start))?;
                if text.is_name { sink.name(read) } else { sink.string(read) }
            }
            if text.is_name {
                self.path
                    .member(bytes, self.token_start)
                    .map_err(|offset| Fault::at(JsonErrorKind::DuplicateMember, offset))?;
            }
        }
        self.state = if text.is_name { State::Colon } else { State::After };
        Ok(())
    }
}

/// What was kept and the last bytes, in one; copies only if something was kept.
#[inline]
fn joined<'a>(scratch: &'a mut Vec<u8>, last: &'a [u8]) -> &'a [u8] {
    if scratch.is_empty() {
        return last;
    }
    scratch.extend_from_slice(last);
    scratch
}

#[inline]
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
