//! Which host is meant? Lower-case ASCII without port, from exactly one `Host` that agrees with
//! the target.

use std::fmt;

use http::header::HOST;
use http::{HeaderMap, Uri};
use portcullis_model::Reason;

use crate::violation::Violation;

/// A host without its port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// Reads the host of a request.
    ///
    /// # Errors
    /// `receive.invalid_host`: absent, repeated, malformed, or not the target's.
    pub fn read(headers: &HeaderMap, target: &Uri) -> Result<Self, Violation> {
        let mut values = headers.get_all(HOST).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(invalid("there must be exactly one `Host`"));
        };
        let text = value.to_str().map_err(|_| invalid("`Host` is not ASCII"))?;
        let host = Self::parse(text)?;
        if let Some(authority) = target.authority()
            && !authority.as_str().eq_ignore_ascii_case(text)
        {
            return Err(invalid("`Host` is not the host of the target"));
        }
        Ok(host)
    }

    /// Reads `host[:port]`.
    ///
    /// # Errors
    /// `receive.invalid_host`.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) =
                    rest.split_once(']').ok_or_else(|| invalid("`[` without `]`"))?;
                let ok = address.parse::<std::net::Ipv6Addr>().is_ok();
                if !ok || !(after.is_empty() || after.starts_with(':')) {
                    return Err(invalid("the address is malformed"));
                }
                (format!("[{address}]"), after.strip_prefix(':'))
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host.to_owned(), Some(port)),
                None => (text.to_owned(), None),
            },
        };
        if let Some(port) = port
            && (port.is_empty()
                || port.starts_with('0')
                || !port.bytes().all(|byte| byte.is_ascii_digit())
                || port.parse::<u16>().is_err())
        {
            return Err(invalid("the port is malformed"));
        }
        if !host.starts_with('[') {
            check_name(&host)?;
        }
        Ok(Self(host.to_ascii_lowercase()))
    }

    /// The host.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_name(name: &str) -> Result<(), Violation> {
    // RFC 1035 bounds; no trailing dot, because two spellings of one host are one too many
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.len() > 253 || !name.split('.').all(label_ok) {
        return Err(invalid("the name is malformed"));
    }
    Ok(())
}

fn invalid(detail: &str) -> Violation {
    Violation::new(Reason::InvalidHost, detail)
}

#[cfg(test)]
mod tests {
    use super::Host;

    #[test]
    fn a13_and_c10_hosts_have_one_spelling() {
        for bad in [
            "",
            "a b",
            "user@host",
            "host.",
            "host:",
            "host:0",
            "host:99999",
            "a..b",
            "[::1",
            "[::1%25eth0]",
            "h_x",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad:?} must be refused");
        }
        assert_eq!(Host::parse("API.Shop.example:8080").unwrap().as_str(), "api.shop.example");
        assert_eq!(Host::parse("[::1]:80").unwrap().as_str(), "[::1]");
    }
}
