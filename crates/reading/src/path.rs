//! Which path is meant? One canonical spelling; every other is refused, never repaired.
//!
//! What is accepted is exactly what is matched, judged, recorded and forwarded, byte for byte.

use std::borrow::Cow;

use portcullis_model::Reason;

use crate::violation::Violation;

/// A path in its one spelling: begins with `/`, no dot segments, no empty segments but the last,
/// no `;`, percent-encoding (upper-case) only of what needs it and is not a delimiter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CanonicalPath(String);

impl CanonicalPath {
    /// Reads a raw path.
    ///
    /// # Errors
    /// `receive.ambiguous_target`, naming the rule that it breaks.
    pub fn parse(raw: &str) -> Result<Self, Violation> {
        let Some(rest) = raw.strip_prefix('/') else {
            return Err(ambiguous("the path does not begin with `/`"));
        };
        let last = rest.split('/').count().saturating_sub(1);
        for (at, segment) in rest.split('/').enumerate() {
            if segment.is_empty() && at != last {
                return Err(ambiguous("the path has an empty segment (`//`)"));
            }
            check_segment(segment)?;
        }
        Ok(Self(raw.to_owned()))
    }

    /// The bytes that are matched and forwarded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, still encoded. A final slash makes a last, empty one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }
}

/// A segment of a canonical path, decoded.
#[must_use]
pub fn decode_segment(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    match decode(segment.as_bytes()) {
        Some(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        None => Cow::Borrowed(segment),
    }
}

fn check_segment(segment: &str) -> Result<(), Violation> {
    if segment == "." || segment == ".." {
        return Err(ambiguous("the path has a dot segment"));
    }
    let bytes = segment.as_bytes();
    for byte in bytes {
        if *byte != b'%' && !is_path_char(*byte) {
            return Err(ambiguous("the path has a character that must not stand there"));
        }
    }
    let Some(decoded) = decode(bytes) else {
        return Err(ambiguous("the path has a malformed percent-encoding"));
    };
    if bytes.contains(&b'%') {
        check_encoding(bytes)?;
        if std::str::from_utf8(&decoded).is_err() {
            return Err(ambiguous("the path does not decode to UTF-8"));
        }
    }
    Ok(())
}

fn check_encoding(bytes: &[u8]) -> Result<(), Violation> {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digits = rest.get(at.saturating_add(1)..at.saturating_add(3)).unwrap_or_default();
        if digits.iter().any(u8::is_ascii_lowercase) {
            return Err(ambiguous("the path has a percent-encoding in lower case"));
        }
        let octet = decode_octet(digits).unwrap_or_default();
        if is_unreserved(octet) {
            return Err(ambiguous("the path encodes a character that needs no encoding"));
        }
        if octet.is_ascii_control() || b"/\\%;?#".contains(&octet) {
            return Err(ambiguous("the path encodes a delimiter or a control character"));
        }
        rest = rest.get(at.saturating_add(3)..).unwrap_or_default();
    }
    Ok(())
}

/// Decodes percent-encoding; `None` where it is malformed.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            decoded.push(decode_octet(after.get(..2)?)?);
            rest = after.get(2..)?;
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    Some(decoded)
}

fn decode_octet(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    match digits {
        [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
        _ => None,
    }
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// `pchar` of RFC 3986 without `;` (parameters) and `%` (handled apart).
const fn is_path_char(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@'
        )
}

fn ambiguous(detail: &str) -> Violation {
    Violation::new(Reason::AmbiguousTarget, detail)
}

#[cfg(test)]
mod tests {
    use super::CanonicalPath;
    use proptest::prelude::*;

    fn refused(raw: &str) {
        assert!(CanonicalPath::parse(raw).is_err(), "{raw:?} must be refused");
    }

    #[test]
    fn c01_empty_segments() {
        for raw in ["//admin", "///admin", "/a//b", ""] {
            refused(raw);
        }
    }

    #[test]
    fn c02_dot_segments() {
        for raw in ["/public/../admin", "/./a", "/a/..", "/a/."] {
            refused(raw);
        }
    }

    #[test]
    fn c03_encoded_dots_and_double_encoding() {
        for raw in ["/%2e%2e/a", "/%2E./a", "/.%2e/a", "/%252e/a", "/%25"] {
            refused(raw);
        }
    }

    #[test]
    fn c04_encoded_separators() {
        for raw in ["/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/a\\b"] {
            refused(raw);
        }
    }

    #[test]
    fn c05_controls_delimiters_and_bad_utf8() {
        for raw in
            ["/%00", "/%0d%0a", "/%3B", "/%3F", "/%23", "/%C0%AF", "/\u{e9}", "/a b", "/%", "/%4"]
        {
            refused(raw);
        }
    }

    #[test]
    fn c06_matrix_parameters() {
        refused("/a;jsessionid=1/b");
        refused("/a;/../b");
    }

    #[test]
    fn one_spelling_is_kept_byte_for_byte() {
        for raw in ["/", "/orders/42", "/orders/", "/a%20b/%C3%A9", "/a.b/..c"] {
            assert_eq!(CanonicalPath::parse(raw).map(|path| path.0), Ok(raw.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_unchanged(raw in "/[ -~]{0,24}") {
            if let Ok(path) = CanonicalPath::parse(&raw) {
                prop_assert_eq!(path.as_str(), raw.as_str());
                prop_assert!(!raw.contains("//") && !raw.contains(';'));
            }
        }
    }
}
