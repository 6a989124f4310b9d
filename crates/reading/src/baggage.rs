//! What else does the caller ask to be carried along its trace? The header `baggage` (W3C Baggage,
//! section 3), of which a boundary lets through the keys that it names and nothing else.

use http::{HeaderMap, HeaderName};

/// Where it stands.
pub const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Most members (section 3.3.2).
const MEMBERS_MAX: usize = 64;

/// Longest of all together, in bytes (section 3.3.2).
const BYTES_MAX: usize = 8192;

/// Keys and values in order, as they are encoded; properties are left out, because nobody named
/// them. `None` where anything is malformed, a key stands twice, or there is too much.
#[must_use]
pub fn members(headers: &HeaderMap) -> Option<Vec<(&str, &str)>> {
    let mut members: Vec<(&str, &str)> = Vec::new();
    let mut bytes = 0_usize;
    for value in headers.get_all(BAGGAGE) {
        bytes = bytes.saturating_add(value.len()).saturating_add(1);
        for member in value.to_str().ok()?.split(',') {
            let mut parts = member.split(';');
            let (key, text) = parts.next()?.split_once('=')?;
            let (key, text) = (key.trim_ascii(), text.trim_ascii());
            let twice = members.iter().any(|(known, _)| *known == key);
            if !is_key(key) || !is_value(text) || twice || !parts.all(is_property) {
                return None;
            }
            members.push((key, text));
            if members.len() > MEMBERS_MAX || bytes > BYTES_MAX.saturating_add(1) {
                return None;
            }
        }
    }
    Some(members)
}

/// The members that are listed, as a header value; `None` where none is left.
#[must_use]
pub fn listed(headers: &HeaderMap, keys: &[String]) -> Option<String> {
    let members = members(headers)?;
    let left: Vec<String> = members
        .into_iter()
        .filter(|(key, _)| keys.iter().any(|listed| listed == key))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    (!left.is_empty()).then(|| left.join(","))
}

/// Whether a text can be a key: a token (RFC 9110 section 5.6.2).
#[must_use]
pub fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// `baggage-octet`s: visible ASCII without `"`, `,`, `;` and `\`.
fn is_value(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic() && !b"\",;\\".contains(&b))
}

fn is_property(text: &str) -> bool {
    match text.split_once('=') {
        None => is_key(text.trim_ascii()),
        Some((key, value)) => is_key(key.trim_ascii()) && is_value(value.trim_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::{BAGGAGE, listed, members};
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(BAGGAGE, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_what_is_listed_is_left() {
        let sent = headers(&["userId=alice , tier = gold;ttl=5;secret", "is%20=x=y"]);
        assert_eq!(
            members(&sent).unwrap(),
            [("userId", "alice"), ("tier", "gold"), ("is%20", "x=y")]
        );
        assert_eq!(listed(&sent, &["tier".to_owned()]).as_deref(), Some("tier=gold"));
        assert_eq!(listed(&sent, &["Tier".to_owned()]), None);
        assert_eq!(listed(&sent, &[]), None);
    }

    #[test]
    fn what_is_malformed_is_dropped_whole() {
        let many: Vec<String> = (0..65).map(|n| format!("k{n}=1")).collect();
        for wrong in
            ["", "a", "a=1,", "a=1,a=2", "=1", "a b=1", "a=1;", "a=\"1\"", "a=1 2", &many.join(",")]
        {
            assert_eq!(members(&headers(&[wrong])), None, "{wrong}");
        }
        assert_eq!(members(&HeaderMap::new()), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn what_is_listed_is_read_again(text in "[a-c]{1,2}=[ -~]{0,8}(,[a-c]{1,2}=[!-~]{0,8}){0,4}") {
            let keys = ["a".to_owned(), "b".to_owned()];
            if let Some(left) = listed(&headers(&[&text]), &keys) {
                prop_assert!(left.len() <= text.len());
                prop_assert_eq!(listed(&headers(&[&left]), &keys), Some(left));
            }
        }
    }
}
