//! Which value does a parameter's text stand for? The schema's type decides; the text must be the
//! one spelling of its value.

use serde_json::Value;

use crate::exact::is_exact;

/// Longest number in bytes, as in JSON bodies.
const NUMBER_BYTES_MAX: usize = 160;

/// The value of a text under a schema type; the text itself where it has no such value, so that
/// the schema refuses it.
pub(crate) fn value(text: &str, kind: Option<&str>) -> Value {
    let plain = || Value::String(text.to_owned());
    match kind {
        Some("boolean") => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => plain(),
        },
        Some(kind @ ("integer" | "number")) if is_number(text, kind == "number") => {
            serde_json::from_str(text).ok().filter(is_exact).unwrap_or_else(plain)
        }
        Some(_) | None => plain(),
    }
}

/// Digits as everybody reads them: no exponent, no sign but one `-`, no leading zeros, no negative
/// zero, and a fraction only where it may be one. `1e2` is a hundred to some and one to others.
fn is_number(text: &str, may_be_fraction: bool) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if may_be_fraction => (whole, fraction),
        Some(_) => return false,
        None => (digits, "0"),
    };
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    text.len() <= NUMBER_BYTES_MAX
        && plain(whole)
        && plain(fraction)
        && (whole == "0" || !whole.starts_with('0'))
        && !(zero && text.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::value;
    use serde_json::json;

    #[test]
    fn only_the_one_spelling_counts() {
        assert_eq!(value("12", Some("integer")), json!(12));
        assert_eq!(value("true", Some("boolean")), json!(true));
        assert_eq!(value("-0.5", Some("number")).to_string(), "-0.5");
        for text in ["1e2", "1E2", "1e-2", "-0.0", "1.", ".1", "-", "00", "0.99999999999999999999"]
        {
            assert_eq!(value(text, Some("number")), json!(text), "{text:?}");
        }
        let integers = ["+1", " 1", "01", "0x1", "1_0", "", "\"1\"", "TRUE", "1.0", "-0", "1e0"];
        for text in integers {
            assert_eq!(value(text, Some("integer")), json!(text), "{text:?}");
        }
        assert_eq!(value("TRUE", Some("boolean")), json!("TRUE"));
        assert_eq!(value("12", Some("string")), json!("12"));
    }
}
