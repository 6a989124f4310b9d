//! Which names of certificates can a caller have? The rule that a provider of certificates declares,
//! read by whoever checks the declaration and by whoever judges a certificate.

use std::collections::BTreeSet;

use crate::SpiffeId;

/// Which name of a certificate is the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkloadNames {
    /// The one URI, a SPIFFE ID of this trust domain.
    Spiffe {
        /// The trust domain.
        trust_domain: String,
    },
    /// The one DNS name, which is or lies below one of these domains.
    Dns {
        /// The domains.
        domains: BTreeSet<String>,
    },
}

impl WorkloadNames {
    /// Whether a caller can have the name. Names are compared byte for byte: whoever issues a
    /// certificate writes it in lower case, or it is none.
    #[must_use]
    pub fn may_be(&self, name: &str) -> bool {
        match self {
            Self::Spiffe { trust_domain } => {
                SpiffeId::parse(name).is_ok_and(|id| id.trust_domain() == trust_domain)
            }
            Self::Dns { domains } => {
                let below = |domain: &String| {
                    name.strip_suffix(domain.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                };
                is_dns_name(name) && domains.iter().any(below)
            }
        }
    }
}

/// Whether a text is a DNS name: labels of lower case letters, digits, `-` and `_`, none empty, and
/// no wildcard.
#[must_use]
pub fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        (1..=63).contains(&label.len()) && label.bytes().all(ok)
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::WorkloadNames;

    #[test]
    fn t51_only_names_of_the_declared_domain_are_callers() {
        let spiffe = WorkloadNames::Spiffe { trust_domain: "prod.example".to_owned() };
        assert!(spiffe.may_be("spiffe://prod.example/billing"));
        for name in ["spiffe://test.example/billing", "spiffe://prod.example", "prod.example"] {
            assert!(!spiffe.may_be(name), "{name}");
        }
        let dns = WorkloadNames::Dns { domains: ["partner.example".to_owned()].into() };
        assert!(dns.may_be("partner.example") && dns.may_be("a.b.partner.example"));
        for name in [
            "evilpartner.example",
            "*.partner.example",
            "A.partner.example",
            ".partner.example",
            "",
        ] {
            assert!(!dns.may_be(name), "{name}");
        }
    }
}
