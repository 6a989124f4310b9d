//! What does a head of HTTP/2 say in the one form that is read? The host stands in `Host`, cookies
//! stand in one line, and the bounds and characters are those of HTTP/1, so that whoever forwards it
//! over HTTP/1 forwards what was judged (attack case A15).

use http::header::{CONNECTION, COOKIE, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use portcullis_model::Reason;

use crate::http1::Bounds;
use crate::violation::Violation;

/// What every field costs besides its text (RFC 9113 section 6.5.2).
const FIELD_BYTES: usize = 32;

/// Headers of a connection, which HTTP/2 has none of (RFC 9113 section 8.2.2).
static CONNECTION_SPECIFIC: [HeaderName; 5] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Brings a head into the form that is read.
///
/// # Errors
/// A violation with a reason of the receive stage.
pub fn normalise(parts: &mut Parts, bounds: &Bounds) -> Result<(), Violation> {
    check_bounds(parts, bounds)?;
    for name in &CONNECTION_SPECIFIC {
        if parts.headers.contains_key(name) {
            return Err(invalid(format!("`{name}` has no place in HTTP/2")));
        }
    }
    // whoever reads them in HTTP/1 takes them away, and would read another text (RFC 9113 section 8.2.1)
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    for (name, value) in &parts.headers {
        if is_blank(value.as_bytes().first()) || is_blank(value.as_bytes().last()) {
            return Err(invalid(format!("`{name}` begins or ends with a blank")));
        }
    }
    if parts.headers.get_all(TE).iter().any(|value| value != "trailers") {
        return Err(invalid("`te` is not `trailers`"));
    }
    settle_host(parts)?;
    join_cookies(parts)
}

/// The host is that of `:authority`, or of `Host` where a client sends that alone (RFC 9113 section
/// 8.3.1). That there is exactly one, and that both agree, the reader of hosts sees to.
fn settle_host(parts: &mut Parts) -> Result<(), Violation> {
    match (parts.uri.scheme_str(), parts.uri.authority()) {
        (Some("http" | "https"), Some(authority)) => {
            if !parts.headers.contains_key(HOST) {
                let value = HeaderValue::from_str(authority.as_str()).map_err(|_| {
                    Violation::new(Reason::InvalidHost, "`:authority` is malformed")
                })?;
                parts.headers.insert(HOST, value);
            }
            Ok(())
        }
        // a target without authority carries no scheme here; it goes no further in any case
        (None, None) => Ok(()),
        (Some(_), _) | (None, Some(_)) => {
            Err(Violation::new(Reason::AmbiguousTarget, "the scheme is not HTTP"))
        }
    }
}

fn check_bounds(parts: &Parts, bounds: &Bounds) -> Result<(), Violation> {
    let target = parts.uri.path_and_query().map_or(0, |both| both.as_str().len());
    if target > bounds.target_bytes_max {
        return Err(Violation::new(Reason::TargetTooLong, "`:path`"));
    }
    if parts.headers.len() > bounds.headers_max {
        return Err(Violation::new(Reason::HeadTooLarge, "too many headers"));
    }
    let fields = parts.headers.iter().map(|(name, value)| {
        name.as_str().len().saturating_add(value.len()).saturating_add(FIELD_BYTES)
    });
    let bytes = fields.fold(target, usize::saturating_add);
    if bytes > bounds.head_bytes_max {
        return Err(Violation::new(Reason::HeadTooLarge, "the headers are too long"));
    }
    Ok(())
}

/// Cookies may stand in several fields, which mean one (RFC 9113 section 8.2.3).
fn join_cookies(parts: &mut Parts) -> Result<(), Violation> {
    if parts.headers.get_all(COOKIE).iter().count() < 2 {
        return Ok(());
    }
    let values: Vec<&[u8]> =
        parts.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let joined = HeaderValue::from_bytes(&values.join(&b"; "[..]))
        .map_err(|_| invalid("the cookies are malformed"))?;
    parts.headers.insert(COOKIE, joined);
    Ok(())
}

fn invalid(detail: impl Into<String>) -> Violation {
    Violation::new(Reason::InvalidHeader, detail)
}

#[cfg(test)]
mod tests {
    use super::normalise;
    use crate::http1::Bounds;
    use http::Request;
    use portcullis_model::Reason;

    fn head(uri: &str, headers: &[(&str, &str)]) -> Result<http::request::Parts, Reason> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let bounds = Bounds { head_bytes_max: 400, headers_max: 4, target_bytes_max: 20 };
        normalise(&mut parts, &bounds).map(|()| parts).map_err(|violation| violation.reason)
    }

    #[test]
    fn a15_one_form_for_both_versions() {
        let parts = head("http://a.example/x", &[("cookie", "a=1"), ("cookie", "b=2")]).unwrap();
        assert_eq!(parts.headers["host"], "a.example");
        assert_eq!(parts.headers["cookie"], "a=1; b=2");
        for (name, value) in [
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("te", "gzip"),
        ] {
            let refused = head("http://a.example/x", &[(name, value)]).unwrap_err();
            assert_eq!(refused, Reason::InvalidHeader, "{name}");
        }
        assert_eq!(head("ftp://a.example/x", &[]).unwrap_err(), Reason::AmbiguousTarget);
        assert_eq!(head("a.example:80", &[]).unwrap_err(), Reason::AmbiguousTarget);
        // `Host` alone is as good as `:authority` alone
        assert_eq!(head("/x", &[("host", "a.example")]).unwrap().headers["host"], "a.example");
        assert!(!head("/x", &[]).unwrap().headers.contains_key("host"));
    }

    #[test]
    fn b05_a_small_block_that_grows_is_refused() {
        let long = "x".repeat(400);
        let refused = head("http://a.example/", &[("x-long", &long)]).unwrap_err();
        assert_eq!(refused, Reason::HeadTooLarge);
        let many = [("a", ""), ("b", ""), ("c", ""), ("d", ""), ("e", "")];
        assert_eq!(head("http://a.example/", &many).unwrap_err(), Reason::HeadTooLarge);
        let target = format!("http://a.example/{}", "x".repeat(20));
        assert_eq!(head(&target, &[]).unwrap_err(), Reason::TargetTooLong);
    }
}
