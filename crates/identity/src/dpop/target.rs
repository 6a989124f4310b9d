//! Which URI does a proof name? Both sides in one form, after RFC 3986 section 6.2.2 and 6.2.3:
//! scheme and host in lower case, no default port, nothing encoded that needs no encoding, hexadecimal
//! digits in upper case. Whatever would need more mending than that is no URI of a request.

use std::fmt::Write as _;

/// Longest URI in bytes.
const URI_BYTES_MAX: usize = 4096;

/// The URI of a request without query, from parts that were judged: the host in lower case, the path
/// canonical.
#[must_use]
pub fn target(scheme: &str, host: &str, port: u16, path: &str) -> String {
    match default_port(scheme) {
        Some(default) if default == port => format!("{scheme}://{host}{path}"),
        Some(_) | None => format!("{scheme}://{host}:{port}{path}"),
    }
}

/// The same form of a URI that somebody else wrote; nothing, where it is no `http` or `https` URI
/// with a host, or has user information, a query or a fragment.
pub(super) fn normal(uri: &str) -> Option<String> {
    if uri.len() > URI_BYTES_MAX || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let (scheme, rest) = uri.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default = default_port(&scheme)?;
    if rest.contains(['?', '#', '\\']) {
        return None;
    }
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, path),
        None => (rest, ""),
    };
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let port = if port.is_empty() { None } else { Some(port.strip_prefix(':')?) };
            (format!("[{address}]"), port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (authority.to_owned(), None),
        },
    };
    if host.is_empty() || host.contains(['@', '%']) {
        return None;
    }
    let port = match port {
        None => default,
        Some(text) if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) => {
            return None;
        }
        Some(text) => text.parse().ok()?,
    };
    Some(target(&scheme, &host.to_ascii_lowercase(), port, &format!("/{}", encoding(path)?)))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// A path with its percent-encoding in one form.
fn encoding(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            normal.push(char::from(byte));
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let octet = u8::try_from(digit()?.checked_mul(16)?.checked_add(digit()?)?).ok()?;
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            normal.push(char::from(octet));
        } else {
            // writing to a text cannot fail
            let _infallible = write!(normal, "%{octet:02X}");
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn t42_two_spellings_of_one_uri_are_one() {
        let one = "https://api.shop.example/v1/a%20b";
        for same in [
            "https://api.shop.example/v1/a%20b",
            "HTTPS://API.Shop.Example/v1/a%20b",
            "https://api.shop.example:443/v1/a%20b",
            "https://api.shop.example/v1/%61%20b",
            "https://api.shop.example/%761/a%20b",
        ] {
            assert_eq!(normal(same).as_deref(), Some(one), "{same}");
        }
        assert_eq!(normal("http://[::1]:80").as_deref(), Some("http://[::1]/"));
        assert_eq!(normal("http://a:8080/x").as_deref(), Some("http://a:8080/x"));
        assert_eq!(normal("http://a/%c3%a9").as_deref(), Some("http://a/%C3%A9"));
    }

    #[test]
    fn t42_what_is_no_uri_of_a_request() {
        for wrong in [
            "",
            "/v1",
            "api.shop.example/v1",
            "ftp://a/x",
            "https:///x",
            "https://a/x?y",
            "https://a/x#y",
            "https://u@a/x",
            "https://a:0443/x",
            "https://a:/x",
            "https://a:99999/x",
            "https://a/%zz",
            "https://a/%2",
            "https://a/ b",
            "https://a%2e/x",
            "https://[::1]x/",
            "https://a\\b/x",
        ] {
            assert_eq!(normal(wrong), None, "{wrong}");
        }
        // dot segments are not mended, and so meet no path of a request
        assert_eq!(normal("https://a/x/../y").as_deref(), Some("https://a/x/../y"));
    }
}
