//! Which value does a parameter's text stand for? The schema's type decides; the text must be the
//! one spelling of its value.

use serde_json::Value;

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
        Some("integer" | "number") => match serde_json::from_str::<Value>(text) {
            Ok(Value::Number(number)) if number.to_string() == text => Value::Number(number),
            Ok(_) | Err(_) => plain(),
        },
        Some(_) | None => plain(),
    }
}

#[cfg(test)]
mod tests {
    use super::value;
    use serde_json::json;

    #[test]
    fn only_the_one_spelling_counts() {
        assert_eq!(value("12", Some("integer")), json!(12));
        assert_eq!(value("true", Some("boolean")), json!(true));
        for text in ["+1", " 1", "01", "0x1", "1_0", "", "\"1\"", "TRUE"] {
            assert_eq!(value(text, Some("integer")), json!(text), "{text:?}");
        }
        assert_eq!(value("TRUE", Some("boolean")), json!("TRUE"));
        assert_eq!(value("12", Some("string")), json!("12"));
    }
}
