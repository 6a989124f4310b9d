//! Which characters does this string hold? Escapes (RFC 8259 section 7) and UTF-8 (RFC 3629),
//! byte by byte, so that a string may be cut anywhere.

use super::error::JsonErrorKind;

/// Bytes looked at together while a string is plain; the compiler turns one such block into a
/// few vector instructions.
const BLOCK_BYTES: usize = 16;

/// First code unit of the high, the low and beyond the low surrogates.
const SURROGATES_HIGH: u16 = 0xD800;
const SURROGATES_LOW: u16 = 0xDC00;
const SURROGATES_END: u16 = 0xE000;

/// How many bytes at the start are ASCII that stands for itself in a string.
#[inline]
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
    let whole = blocks.iter().take_while(|block| block.iter().fold(true, |ok, b| ok & plain(*b)));
    let run = whole.count() * BLOCK_BYTES;
    let rest = bytes.get(run..).unwrap_or_default();
    run + rest.iter().take_while(|byte| plain(**byte)).count()
}

#[inline]
const fn plain(byte: u8) -> bool {
    (byte >= 0x20) & (byte < 0x80) & (byte != b'"') & (byte != b'\\')
}

/// Checks multi-byte characters: what the next byte may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Utf8Scan {
    left: u8,
    low: u8,
    high: u8,
}

impl Utf8Scan {
    /// Between characters.
    pub(super) const fn new() -> Self {
        Self { left: 0, low: 0x80, high: 0xBF }
    }

    /// Whether a character is not yet whole.
    #[inline]
    pub(super) const fn is_open(&self) -> bool {
        self.left > 0
    }

    /// Takes a byte that is at least 0x80 or stands within a character. False: not UTF-8.
    #[inline]
    pub(super) const fn step(&mut self, byte: u8) -> bool {
        if self.left > 0 {
            if byte < self.low || byte > self.high {
                return false;
            }
            *self = Self { left: self.left - 1, low: 0x80, high: 0xBF };
            return true;
        }
        let (left, low, high) = match byte {
            0xC2..=0xDF => (1, 0x80, 0xBF),
            // No overlong forms, no surrogates, nothing above U+10FFFF.
            0xE0 => (2, 0xA0, 0xBF),
            0xED => (2, 0x80, 0x9F),
            0xE1..=0xEF => (2, 0x80, 0xBF),
            0xF0 => (3, 0x90, 0xBF),
            0xF1..=0xF3 => (3, 0x80, 0xBF),
            0xF4 => (3, 0x80, 0x8F),
            _ => return false,
        };
        *self = Self { left, low, high };
        true
    }
}

/// What a byte did to an escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unescaped {
    /// The escape goes on.
    Open,
    /// It stands for this character.
    Character(char),
    /// It is not one.
    Refused(JsonErrorKind),
}

/// Where in an escape we are. Starts after the backslash.
#[derive(Clone, Copy, Debug)]
pub(super) struct EscapeScan {
    part: Part,
    unit: u16,
    digits: u8,
    /// The first half of a surrogate pair, once read.
    high: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Letter,
    Hexadecimal,
    Backslash,
    U,
}

impl EscapeScan {
    /// After the backslash.
    pub(super) const fn new() -> Self {
        Self { part: Part::Letter, unit: 0, digits: 0, high: None }
    }

    /// Takes the next byte.
    pub(super) fn step(&mut self, byte: u8) -> Unescaped {
        match self.part {
            Part::Letter => self.letter(byte),
            Part::Hexadecimal => self.hexadecimal(byte),
            Part::Backslash if byte == b'\\' => self.go(Part::U),
            Part::U if byte == b'u' => self.go(Part::Hexadecimal),
            Part::Backslash | Part::U => Unescaped::Refused(JsonErrorKind::LoneSurrogate),
        }
    }

    fn go(&mut self, part: Part) -> Unescaped {
        self.part = part;
        Unescaped::Open
    }

    fn letter(&mut self, byte: u8) -> Unescaped {
        let character = match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.go(Part::Hexadecimal),
            _ => return Unescaped::Refused(JsonErrorKind::InvalidEscape),
        };
        Unescaped::Character(character)
    }

    fn hexadecimal(&mut self, byte: u8) -> Unescaped {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => return Unescaped::Refused(JsonErrorKind::InvalidEscape),
        };
        self.unit = self.unit << 4 | u16::from(value);
        self.digits += 1;
        if self.digits < 4 {
            return Unescaped::Open;
        }
        let unit = std::mem::take(&mut self.unit);
        self.digits = 0;
        self.unit_read(unit)
    }

    fn unit_read(&mut self, unit: u16) -> Unescaped {
        let scalar = match (self.high, unit) {
            (None, SURROGATES_HIGH..SURROGATES_LOW) => {
                self.high = Some(unit);
                return self.go(Part::Backslash);
            }
            (None, _) => u32::from(unit),
            (Some(high), SURROGATES_LOW..SURROGATES_END) => {
                let high = u32::from(high - SURROGATES_HIGH);
                0x1_0000 + (high << 10 | u32::from(unit - SURROGATES_LOW))
            }
            (Some(_), _) => return Unescaped::Refused(JsonErrorKind::LoneSurrogate),
        };
        // A low surrogate alone is no scalar value and fails here.
        char::from_u32(scalar)
            .map_or(Unescaped::Refused(JsonErrorKind::LoneSurrogate), Unescaped::Character)
    }
}
