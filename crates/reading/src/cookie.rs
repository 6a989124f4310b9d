//! Which cookies were sent (RFC 6265 section 5.4)? Only read where a contract names one; what else
//! stands in the header goes on as it came.

use http::HeaderMap;
use http::header::COOKIE;

/// Most cookies.
const COOKIES_MAX: usize = 256;

/// Names and values in order, as they stand; nothing is decoded. `None` where a value is not visible
/// ASCII, a name is missing, or there are too many.
#[must_use]
pub fn pairs(headers: &HeaderMap) -> Option<Vec<(&str, &str)>> {
    let mut pairs = Vec::new();
    for value in headers.get_all(COOKIE) {
        for pair in value.to_str().ok()?.split(';') {
            let (name, text) = pair.split_once('=')?;
            let name = name.trim_ascii();
            if name.is_empty() || pairs.len() >= COOKIES_MAX {
                return None;
            }
            pairs.push((name, text.trim_ascii()));
        }
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::pairs;
    use http::HeaderMap;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("cookie", value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn every_cookie_is_seen() {
        let sent = headers(&["a=1; b=x=y;a=2", "c="]);
        assert_eq!(pairs(&sent).unwrap(), [("a", "1"), ("b", "x=y"), ("a", "2"), ("c", "")]);
        assert_eq!(pairs(&HeaderMap::new()), Some(Vec::new()));
        for bad in ["a", "=1", "a=1;", "a=1; ;b=2", ""] {
            let sent = headers(&[bad]);
            assert_eq!(pairs(&sent), None, "{bad:?}");
        }
    }
}
