//! Recursive descent over bytes, its depth bounded; strings are taken in runs.

use serde_json::{Map, Number, Value};

use super::{Bounds, JsonError, JsonErrorKind};

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    bounds: Bounds,
    path: Vec<Step>,
}

enum Step {
    Member(String),
    Item(usize),
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8], bounds: Bounds) -> Self {
        Self { bytes, at: 0, bounds, path: Vec::new() }
    }

    pub(super) fn document(mut self) -> Result<Value, JsonError> {
        let value = self.value()?;
        self.blank();
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(self.error(JsonErrorKind::TrailingData)),
        }
    }

    fn value(&mut self) -> Result<Value, JsonError> {
        self.blank();
        match self.peek() {
            None => Err(self.error(JsonErrorKind::Truncated)),
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(Value::String),
            Some(b't') => self.literal(b"true", Value::Bool(true)),
            Some(b'f') => self.literal(b"false", Value::Bool(false)),
            Some(b'n') => self.literal(b"null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.error(JsonErrorKind::Syntax)),
        }
    }

    fn object(&mut self) -> Result<Value, JsonError> {
        self.open()?;
        let mut members = Map::new();
        self.blank();
        if self.skip(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.blank();
            let name = self.string()?;
            if members.contains_key(&name) {
                return Err(self.error(JsonErrorKind::DuplicateMember));
            }
            if members.len() >= self.bounds.members_max {
                return Err(self.error(JsonErrorKind::TooLarge));
            }
            self.blank();
            self.expect(b':')?;
            self.path.push(Step::Member(name));
            let value = self.value()?;
            if let Some(Step::Member(name)) = self.path.pop() {
                members.insert(name, value);
            }
            self.blank();
            if self.skip(b'}') {
                return Ok(Value::Object(members));
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self) -> Result<Value, JsonError> {
        self.open()?;
        let mut items = Vec::new();
        self.blank();
        if self.skip(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            if items.len() >= self.bounds.members_max {
                return Err(self.error(JsonErrorKind::TooLarge));
            }
            self.path.push(Step::Item(items.len()));
            items.push(self.value()?);
            self.path.pop();
            self.blank();
            if self.skip(b']') {
                return Ok(Value::Array(items));
            }
            self.expect(b',')?;
        }
    }

    fn open(&mut self) -> Result<(), JsonError> {
        if self.path.len() >= usize::from(self.bounds.depth_max) {
            return Err(self.error(JsonErrorKind::TooDeep));
        }
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let stop = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
            let Some(length) = rest.iter().position(stop) else {
                return Err(self.error(JsonErrorKind::Truncated));
            };
            let run = rest.get(..length).unwrap_or_default();
            let run =
                std::str::from_utf8(run).map_err(|_| self.error(JsonErrorKind::InvalidText))?;
            text.push_str(run);
            self.at = self.at.saturating_add(length);
            match self.next() {
                Some(b'"') => return Ok(text),
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(self.error(JsonErrorKind::Syntax)),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        Ok(match self.next() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            Some(_) => return Err(self.error(JsonErrorKind::Syntax)),
            None => return Err(self.error(JsonErrorKind::Truncated)),
        })
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.code_unit()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            if !(self.skip(b'\\') && self.skip(b'u')) {
                return Err(self.error(JsonErrorKind::InvalidText));
            }
            let second = self.code_unit()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.error(JsonErrorKind::InvalidText));
            }
            0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.error(JsonErrorKind::InvalidText))
    }

    fn code_unit(&mut self) -> Result<u32, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.error(JsonErrorKind::Syntax)) };
            unit = (unit << 4) | digit;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        self.skip(b'-');
        if !self.skip(b'0') {
            self.digits()?;
        }
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            if !self.skip(b'+') {
                self.skip(b'-');
            }
            self.digits()?;
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        let text = std::str::from_utf8(text).unwrap_or_default();
        let finite = text.parse::<f64>().is_ok_and(f64::is_finite);
        if text.len() > self.bounds.number_chars_max || !finite {
            return Err(self.error(JsonErrorKind::InvalidNumber));
        }
        let number: Result<Number, _> = text.parse();
        number.map(Value::Number).map_err(|_| self.error(JsonErrorKind::InvalidNumber))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at = self.at.saturating_add(1);
        }
        if self.at == start { Err(self.error(JsonErrorKind::InvalidNumber)) } else { Ok(()) }
    }

    fn literal(&mut self, text: &[u8], value: Value) -> Result<Value, JsonError> {
        let end = self.at.saturating_add(text.len());
        if self.bytes.get(self.at..end) == Some(text) {
            self.at = end;
            Ok(value)
        } else {
            Err(self.error(JsonErrorKind::Syntax))
        }
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at = self.at.saturating_add(1);
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(byte)
    }

    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at = self.at.saturating_add(usize::from(there));
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.skip(byte) {
            return Ok(());
        }
        let ended = self.peek().is_none();
        Err(self.error(if ended { JsonErrorKind::Truncated } else { JsonErrorKind::Syntax }))
    }

    fn error(&self, kind: JsonErrorKind) -> JsonError {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                Step::Item(index) => pointer.push_str(&index.to_string()),
                Step::Member(name) => {
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        JsonError { offset: self.at, pointer, kind }
    }
}
