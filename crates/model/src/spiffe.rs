//! Which workload is it, in SPIFFE's words? The strict form of a SPIFFE ID (SPIFFE-ID standard,
//! sections 2.1 to 2.4): a trust domain and a path, and nothing else that a URI could have.
//!
//! What is not in this form is refused, never repaired: an ID is compared byte for byte.

use std::fmt;

/// Longest ID in bytes (section 2.3).
const ID_BYTES_MAX: usize = 2048;

/// Longest trust domain in bytes (section 2.1).
const TRUST_DOMAIN_BYTES_MAX: usize = 255;

/// A SPIFFE ID of a workload: `spiffe://trust-domain/path`, the path not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    text: String,
    trust_domain_bytes: usize,
}

/// Why a text is no SPIFFE ID of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSpiffe(&'static str);

impl fmt::Display for NotSpiffe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NotSpiffe {}

impl SpiffeId {
    /// Reads an ID.
    ///
    /// # Errors
    /// Says which rule of the standard it breaks.
    pub fn parse(text: &str) -> Result<Self, NotSpiffe> {
        if text.len() > ID_BYTES_MAX {
            return Err(NotSpiffe("it is longer than 2048 bytes"));
        }
        let rest = text
            .strip_prefix("spiffe://")
            .ok_or(NotSpiffe("it does not begin with `spiffe://`"))?;
        let (trust_domain, path) =
            rest.split_once('/').ok_or(NotSpiffe("it names no workload, only a trust domain"))?;
        if !is_trust_domain(trust_domain) {
            return Err(NotSpiffe("its trust domain has more than `a-z`, `0-9`, `.`, `-`, `_`"));
        }
        if !path.split('/').all(is_segment) {
            return Err(NotSpiffe("its path is not of plain segments"));
        }
        Ok(Self { trust_domain_bytes: trust_domain.len(), text: text.to_owned() })
    }

    /// The whole ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        let rest = self.text.strip_prefix("spiffe://").unwrap_or_default();
        rest.get(..self.trust_domain_bytes).unwrap_or_default()
    }
}

/// Whether a text names a trust domain. Upper case, a port, user information and percent escapes
/// are none of it.
#[must_use]
pub fn is_trust_domain(text: &str) -> bool {
    let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
    (1..=TRUST_DOMAIN_BYTES_MAX).contains(&text.len()) && text.bytes().all(ok)
}

/// A segment of the path: not empty, no dot segment, no escape, query or fragment.
fn is_segment(text: &str) -> bool {
    let ok = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    !text.is_empty() && text != "." && text != ".." && text.bytes().all(ok)
}

#[cfg(test)]
mod tests {
    use super::SpiffeId;

    #[test]
    fn t55_only_the_strict_form_is_an_id() {
        let id = SpiffeId::parse("spiffe://prod.shop.example/ns/billing/sa_1").unwrap();
        assert_eq!(id.trust_domain(), "prod.shop.example");
        assert_eq!(id.as_str(), "spiffe://prod.shop.example/ns/billing/sa_1");
        for text in [
            "spiffe://prod.shop.example",
            "spiffe://prod.shop.example/",
            "spiffe://prod.shop.example/a/",
            "spiffe://prod.shop.example//a",
            "spiffe://prod.shop.example/a/../b",
            "spiffe://prod.shop.example/./a",
            "spiffe://prod.shop.example/a?b=c",
            "spiffe://prod.shop.example/a#b",
            "spiffe://prod.shop.example/%61",
            "spiffe://prod.shop.example:8443/a",
            "spiffe://user@prod.shop.example/a",
            "spiffe://Prod.shop.example/a",
            "SPIFFE://prod.shop.example/a",
            "spiffe:///a",
            "https://prod.shop.example/a",
            "spiffe://prod.shop.example/\u{e4}",
            "",
        ] {
            assert!(SpiffeId::parse(text).is_err(), "{text}");
        }
        let long = format!("spiffe://prod/{}", "a".repeat(2040));
        assert!(SpiffeId::parse(&long).is_err());
        assert!(SpiffeId::parse(&format!("spiffe://{}/a", "a".repeat(256))).is_err());
    }
}
