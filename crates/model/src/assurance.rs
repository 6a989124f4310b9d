//! How strongly must a caller have signed in, and how lately (RFC 9470)?

/// What a caller is asked for whose sign-in is not enough. At least one of the two says something.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepUp {
    /// Accepted values of `acr`, the most preferred first; any, where there is none.
    pub acr: Vec<String>,
    /// Longest time since the sign-in, in seconds.
    pub max_age_secs: Option<u64>,
}

/// Longest `max_age`, in seconds: a year.
const MAX_AGE_SECS_MAX: u64 = 366 * 86_400;

impl StepUp {
    /// Reads `acr=one two; max_age=300`: either part may be left out, not both.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (mut acr, mut max_age_secs) = (None, None);
        for part in text.split(';').map(str::trim) {
            match part.split_once('=').map(|(key, value)| (key.trim(), value.trim()))? {
                ("acr", values) if acr.is_none() => {
                    let values: Vec<String> =
                        values.split_ascii_whitespace().map(str::to_owned).collect();
                    acr = Some(values).filter(|values| !values.is_empty());
                    acr.as_ref().filter(|values| values.iter().all(|one| is_acr(one)))?;
                }
                ("max_age", secs) if max_age_secs.is_none() => {
                    let digits = secs.bytes().all(|byte| byte.is_ascii_digit());
                    let secs = secs.parse::<u64>().ok().filter(|_| digits)?;
                    max_age_secs = Some(secs).filter(|secs| *secs <= MAX_AGE_SECS_MAX);
                    max_age_secs?;
                }
                _ => return None,
            }
        }
        Some(Self { acr: acr.unwrap_or_default(), max_age_secs })
    }

    /// Both demands together: a value that the first accepts, and the shorter time.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let acr = if self.acr.is_empty() { &other.acr } else { &self.acr };
        let max_age_secs = match (self.max_age_secs, other.max_age_secs) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { acr: acr.clone(), max_age_secs }
    }
}

/// Whether it can stand in a challenge, as one of a list with spaces.
#[must_use]
pub fn is_acr(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    !text.is_empty() && text.len() <= 255 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::StepUp;

    #[test]
    fn what_is_asked_is_read_whole_or_not_at_all() {
        let read = |text| StepUp::parse(text).map(|read| (read.acr.join("+"), read.max_age_secs));
        assert_eq!(read("acr=mfa hwk; max_age=300"), Some(("mfa+hwk".to_owned(), Some(300))));
        assert_eq!(read("max_age=0"), Some((String::new(), Some(0))));
        assert_eq!(read("acr=urn:x:mfa"), Some(("urn:x:mfa".to_owned(), None)));
        for wrong in [
            "",
            "acr",
            "acr=",
            "acr=a;acr=b",
            "max_age=-1",
            "max_age=+1",
            "max_age=5m",
            "max_age=",
            "acr=\"a",
            "level=2",
            "acr=a;",
            "max_age=99999999999",
            "max_age=1;max_age=2",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
