//! Is a number the one that was judged? Schemas are checked in binary64; a number that it would
//! round passes as its neighbour: `99.00000000000000000001` as the integer 99. It is refused.

use serde_json::{Number, Value};

/// Whether every number of a value is judged as it stands: it fits 64-bit integers, or its digits
/// are those of its binary64.
pub(crate) fn is_exact(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => is_exact_number(number),
        // as deep as the bound on nesting, which the reader has held
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
    }
}

fn is_exact_number(number: &Number) -> bool {
    if number.as_i64().is_some() || number.as_u64().is_some() {
        return true;
    }
    let Some(float) = number.as_f64() else { return false };
    // `{:e}` writes the fewest digits that name this binary64 and no other
    digits(&number.to_string()) == digits(&format!("{float:e}"))
}

/// Significant digits, and the power of ten of the first; both without sign.
fn digits(text: &str) -> (String, Option<i64>) {
    let text = text.trim_start_matches('-');
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    let leading = i64::try_from(all.len().saturating_sub(significant.len())).ok();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return (String::new(), None);
    }
    let whole = i64::try_from(whole.len()).ok();
    let exponent = exponent.trim_start_matches('+').parse::<i64>().ok();
    let power = exponent
        .zip(whole.zip(leading))
        .map(|(exponent, (whole, leading))| exponent.saturating_add(whole).saturating_sub(leading));
    (significant.to_owned(), power)
}

#[cfg(test)]
mod tests {
    use super::is_exact;

    #[test]
    fn what_binary64_would_round_is_not_exact() {
        let exact = |text: &str| is_exact(&serde_json::from_str(text).unwrap());
        for text in [
            "0",
            "-0",
            "0.0",
            "1.50",
            "99.0",
            "0.1",
            "0.30000000000000004",
            "9007199254740993",
            "18446744073709551615",
            "-9223372036854775808",
            "1e300",
            "1E+2",
            "12e-3",
            "[1, {\"a\": 2.5}]",
        ] {
            assert!(exact(text), "{text}");
        }
        for text in [
            "99.00000000000000000001",
            "0.99999999999999999999",
            "9.5000000000000000000001",
            "18446744073709551617",
            "9007199254740993.5",
            "[1, {\"a\": 0.1000000000000000055511151231257827}]",
        ] {
            assert!(!exact(text), "{text}");
        }
    }
}
