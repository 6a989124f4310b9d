//! Which fields does a form hold (`application/x-www-form-urlencoded`, URL Standard section 5)? The
//! bytes are forwarded as they came; the decoded pairs are what is judged.
//!
//! Stricter than the standard, which never fails: a byte that a form encoder does not write, a
//! malformed escape, and text that is not UTF-8 are refused.

use std::borrow::Cow;

use portcullis_model::Reason;

use crate::path::decode;
use crate::violation::Violation;

/// Most fields.
const FIELDS_MAX: usize = 1024;

/// Name and value of a field, decoded.
pub type Field<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The fields in order.
///
/// # Errors
/// `inspect.body_malformed`, saying what stands there; never the text.
pub fn pairs(bytes: &[u8]) -> Result<Vec<Field<'_>>, Violation> {
    if let Some(at) = bytes.iter().position(|byte| !is_written(*byte)) {
        return Err(refuse(&format!("the form has a byte that must be encoded, at offset {at}")));
    }
    let mut pairs = Vec::new();
    for pair in bytes.split(|byte| *byte == b'&') {
        if pair.is_empty() {
            return Err(refuse("the form has an empty field"));
        }
        if pairs.len() >= FIELDS_MAX {
            return Err(refuse("the form has too many fields"));
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next());
        let value = value.ok_or_else(|| refuse("a field of the form has no `=`"))?;
        pairs.push((text(name)?, text(value)?));
    }
    Ok(pairs)
}

/// What form encoders leave as it is, and what their escapes are made of. A bare `;` ends a field to
/// some readers, and `[` and `]` nest it.
fn is_written(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"&=+%*-._~!'(),/:?@$".contains(&byte)
}

fn text(encoded: &[u8]) -> Result<Cow<'_, str>, Violation> {
    let plain = !encoded.iter().any(|byte| matches!(byte, b'%' | b'+'));
    if plain && let Ok(text) = std::str::from_utf8(encoded) {
        return Ok(Cow::Borrowed(text));
    }
    let spaced: Vec<u8> =
        encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let bytes = decode(&spaced).ok_or_else(|| refuse("the form has a malformed escape"))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("the form is not UTF-8"))?;
    if text.contains('\0') { Err(refuse("the form encodes a NUL")) } else { Ok(Cow::Owned(text)) }
}

fn refuse(detail: &str) -> Violation {
    Violation::new(Reason::BodyMalformed, detail)
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn fields_are_read_in_one_way_or_refused() {
        let read = pairs(b"a=1&b=x+y%0A%C3%A9&a=").unwrap();
        let read: Vec<(&str, &str)> = read.iter().map(|(name, text)| (&**name, &**text)).collect();
        assert_eq!(read, [("a", "1"), ("b", "x y\n\u{e9}"), ("a", "")]);
        for bad in ["", "a", "a=1&", "&a=1", "a=1&&b=2", "a=%", "a=%4", "a=%zz", "a=%00", "a=%FF"] {
            assert!(pairs(bad.as_bytes()).is_err(), "{bad:?}");
        }
        for bad in [&b"a=1;b=2"[..], b"a[b]=1", b"a=\xc3\xa9", b"a=\"", b"a=1\r\n", b"a= 1"] {
            assert!(pairs(bad).is_err(), "{bad:?}");
        }
    }
}
