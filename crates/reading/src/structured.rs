//! What does a structured field say (RFC 9651), in one way only?
//!
//! Dictionaries of items and inner lists, as signatures and digests use them. Where the standard lets
//! the last of two equal keys win, both are refused: another reader may take the first. Decimals, dates
//! and display strings have no use here and are refused.

use std::fmt;

/// Longest field in bytes.
const BYTES_MAX: usize = 16 * 1024;

/// Most members, items of a list, and parameters of one item.
const COUNT_MAX: usize = 64;

/// A value without parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bare {
    /// `?0` or `?1`.
    Boolean(bool),
    /// What stands between two colons; base64, not decoded.
    Bytes(String),
    /// A whole number of up to 15 digits.
    Integer(i64),
    /// A quoted text of visible ASCII.
    Text(String),
    /// A word.
    Token(String),
}

/// Parameters in their order, each once.
pub type Parameters = Vec<(String, Bare)>;

/// A value with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The value.
    pub bare: Bare,
    /// Its parameters.
    pub parameters: Parameters,
}

/// A member of a dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// One value.
    Item(Item),
    /// Values in parentheses, and parameters of all of them.
    List(Vec<Item>, Parameters),
}

/// Reads a dictionary: keys in their order, each once.
///
/// # Errors
/// The rule that it breaks.
pub fn dictionary(text: &str) -> Result<Vec<(String, Member)>, &'static str> {
    if text.len() > BYTES_MAX {
        return Err("it exceeds its bound");
    }
    let mut reader = Reader { rest: text.as_bytes() };
    let mut members: Vec<(String, Member)> = Vec::new();
    reader.skip(b" ");
    loop {
        let key = reader.key()?;
        if members.iter().any(|(known, _)| *known == key) {
            return Err("a key stands twice");
        }
        let member = if reader.eat(b'=') {
            reader.member()?
        } else {
            let parameters = reader.parameters()?;
            Member::Item(Item { bare: Bare::Boolean(true), parameters })
        };
        members.push((key, member));
        reader.skip(b" \t");
        if reader.rest.is_empty() {
            return Ok(members);
        }
        if !reader.eat(b',') || members.len() >= COUNT_MAX {
            return Err("members are not parted by commas, or there are too many");
        }
        reader.skip(b" \t");
    }
}

/// The canonical form of an inner list (RFC 9651 section 4.1.1.1).
#[must_use]
pub fn list(items: &[Item], parameters: &Parameters) -> String {
    let items: Vec<String> = items.iter().map(Item::to_string).collect();
    format!("({}){}", items.join(" "), Shown(parameters))
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.bare, Shown(&self.parameters))
    }
}

impl fmt::Display for Bare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "?{}", u8::from(*value)),
            Self::Bytes(text) => write!(f, ":{text}:"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Text(text) => {
                let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "\"{escaped}\"")
            }
            Self::Token(text) => f.write_str(text),
        }
    }
}

/// Parameters in their canonical form.
struct Shown<'a>(&'a Parameters);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in self.0 {
            match value {
                Bare::Boolean(true) => write!(f, ";{key}")?,
                other => write!(f, ";{key}={other}")?,
            }
        }
        Ok(())
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            let _eaten = self.take();
        }
        found
    }

    fn skip(&mut self, blanks: &[u8]) {
        while self.peek().is_some_and(|byte| blanks.contains(&byte)) {
            let _skipped = self.take();
        }
    }

    fn while_is(&mut self, is: impl Fn(u8) -> bool) -> String {
        let mut text = String::new();
        while let Some(byte) = self.peek().filter(|byte| is(*byte)) {
            text.push(char::from(byte));
            let _taken = self.take();
        }
        text
    }

    fn key(&mut self) -> Result<String, &'static str> {
        let begins = self.peek().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'*');
        let is = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
        };
        if begins { Ok(self.while_is(is)) } else { Err("a key is missing or malformed") }
    }

    fn member(&mut self) -> Result<Member, &'static str> {
        if !self.eat(b'(') {
            return Ok(Member::Item(self.item()?));
        }
        let mut items = Vec::new();
        loop {
            self.skip(b" ");
            if self.eat(b')') {
                return Ok(Member::List(items, self.parameters()?));
            }
            if items.len() >= COUNT_MAX {
                return Err("a list has too many items");
            }
            items.push(self.item()?);
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return Err("items of a list are not parted by spaces");
            }
        }
    }

    fn item(&mut self) -> Result<Item, &'static str> {
        Ok(Item { bare: self.bare()?, parameters: self.parameters()? })
    }

    fn parameters(&mut self) -> Result<Parameters, &'static str> {
        let mut parameters: Parameters = Vec::new();
        while self.eat(b';') {
            self.skip(b" ");
            let key = self.key()?;
            let value = if self.eat(b'=') { self.bare()? } else { Bare::Boolean(true) };
            if parameters.iter().any(|(known, _)| *known == key) {
                return Err("a parameter stands twice");
            }
            parameters.push((key, value));
            if parameters.len() > COUNT_MAX {
                return Err("there are too many parameters");
            }
        }
        Ok(parameters)
    }

    fn bare(&mut self) -> Result<Bare, &'static str> {
        match self.peek() {
            Some(b'"') => self.text(),
            Some(b':') => {
                let _colon = self.take();
                let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
                let text = self.while_is(base64);
                if self.eat(b':') { Ok(Bare::Bytes(text)) } else { Err("bytes are malformed") }
            }
            Some(b'?') => {
                let _mark = self.take();
                match self.take() {
                    Some(b'0') => Ok(Bare::Boolean(false)),
                    Some(b'1') => Ok(Bare::Boolean(true)),
                    Some(_) | None => Err("a truth value is malformed"),
                }
            }
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'*' => {
                let is = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&b);
                Ok(Bare::Token(self.while_is(is)))
            }
            Some(_) | None => Err("a value is missing or malformed"),
        }
    }

    fn text(&mut self) -> Result<Bare, &'static str> {
        let _quote = self.take();
        let mut text = String::new();
        loop {
            match self.take() {
                Some(b'"') => return Ok(Bare::Text(text)),
                Some(b'\\') => match self.take() {
                    Some(byte @ (b'"' | b'\\')) => text.push(char::from(byte)),
                    Some(_) | None => return Err("a text has a malformed escape"),
                },
                Some(byte @ b' '..=b'~') => text.push(char::from(byte)),
                Some(_) | None => return Err("a text has no end, or more than visible ASCII"),
            }
        }
    }

    fn integer(&mut self) -> Result<Bare, &'static str> {
        let negative = self.eat(b'-');
        let digits = self.while_is(|byte| byte.is_ascii_digit());
        if digits.is_empty() || digits.len() > 15 || self.peek() == Some(b'.') {
            return Err("a number is no whole one of up to 15 digits");
        }
        let value: i64 = digits.parse().map_err(|_| "a number is malformed")?;
        Ok(Bare::Integer(if negative { value.saturating_neg() } else { value }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bare, Member, dictionary, list};
    use proptest::prelude::*;

    fn one(text: &str) -> String {
        match dictionary(text).unwrap().remove(0).1 {
            Member::Item(item) => item.to_string(),
            Member::List(items, parameters) => list(&items, &parameters),
        }
    }

    #[test]
    fn a_list_has_one_form() {
        for (written, form) in [
            (r#"sig1=()"#, "()"),
            (
                r#"a=("@method" "x";name="y");created=1;keyid="k";b"#,
                r#"("@method" "x";name="y");created=1;keyid="k";b"#,
            ),
            (r#"a=(  "@method"   "x"  ); created=007"#, r#"("@method" "x");created=7"#),
            (r#"a=("\"\\");b=?0;c=?1"#, r#"("\"\\");b=?0;c"#),
            ("a=:AAAA:", ":AAAA:"),
            ("a=-1", "-1"),
            ("a=tok/en:x", "tok/en:x"),
            ("a", "?1"),
        ] {
            assert_eq!(one(written), form, "{written}");
        }
        let members = dictionary("a=1,\tb=2 , c=:x:").unwrap();
        let keys: Vec<_> = members.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "c"]);
        assert!(
            matches!(&members[2].1, Member::Item(item) if item.bare == Bare::Bytes("x".into()))
        );
    }

    #[test]
    fn what_can_be_read_in_two_ways_or_not_at_all_is_refused() {
        for wrong in [
            "",
            " ",
            ",",
            "a,",
            "a,,b",
            "a=1 b=2",
            "a=1, a=2",
            "a;x;x",
            "a=(1;y=1;y=2)",
            "A=1",
            "a=",
            "a=(",
            "a=(1",
            "a=(1,2)",
            "a=(\"x\"\"y\")",
            "a=\"x",
            "a=\"\\n\"",
            "a=\"\t\"",
            "a=:x",
            "a=:x y:",
            "a=1.5",
            "a=1234567890123456",
            "a=--1",
            "a=?2",
            "a=@1",
            "a=%\"x\"",
            "a=1;",
            "a=1;B=2",
            "a=((1))",
            "a=\u{e9}",
            "a=1\r\n, b=2",
        ] {
            assert!(dictionary(wrong).is_err(), "{wrong:?}");
        }
        let many = vec!["x"; 65].join(" ");
        assert!(dictionary(&format!("a=({many})")).is_err());
    }

    proptest! {
        #[test]
        fn the_one_form_reads_as_itself(text in "[a-c]=[(][ a-z\";=?0-9:]{0,24}[)](;[a-c]=[0-9]{1,3}){0,2}") {
            if dictionary(&text).is_ok() {
                let form = format!("a={}", one(&text));
                prop_assert_eq!(one(&form), one(&text));
            }
        }
    }
}
