//! How long, how much? Durations and sizes as they are written: a whole number and a unit.

use std::time::Duration;

/// Longest duration: 366 days.
const DURATION_MAX: Duration = Duration::from_secs(366 * 86_400);

/// Reads `250ms`, `30s`, `5m`, `1h` or `7d`.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text)?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => {
            return Err(format!(
                "`{text}` is not a duration such as `500ms`, `30s`, `5m`, `1h`, `7d`"
            ));
        }
    };
    let duration = millis.map(Duration::from_millis).filter(|length| *length <= DURATION_MAX);
    duration.ok_or_else(|| format!("`{text}` is longer than 366 days"))
}

/// Reads `512B`, `64KiB`, `1MiB` or `1GiB`.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text)?;
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(format!("`{text}` is not a size such as `512B`, `64KiB`, `1MiB`")),
    };
    let size = 1_u64.checked_shl(shift).and_then(|unit| unit.checked_mul(number));
    size.filter(|size| *size <= 1 << 40).ok_or_else(|| format!("`{text}` is more than 1 TiB"))
}

fn split(text: &str) -> Result<(u64, &str), String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or(("", text));
    let number =
        number.parse().map_err(|_| format!("`{text}` does not begin with a whole number"))?;
    Ok((number, unit))
}

#[cfg(test)]
mod tests {
    use super::{duration, size};
    use std::time::Duration;

    #[test]
    fn only_a_number_and_a_unit_is_read() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(size("64KiB"), Ok(65_536));
        for wrong in ["", "5", "m", "-1s", "1.5s", "1 s", "1S", "99999999999999999999s", "400d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "64", "64KB", "64kib", "99999999GiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
