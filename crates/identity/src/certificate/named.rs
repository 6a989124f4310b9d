//! Is the holder of a verified certificate one of those that are named? Exactly, and by the one name
//! that the certificate has of a kind; for doors that ask nothing more of a caller.

use std::collections::BTreeSet;

use portcullis_model::spiffe::SpiffeId;

use super::trust::Certificate;

/// Holders by their SPIFFE IDs and DNS names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    spiffe: BTreeSet<String>,
    dns: BTreeSet<String>,
}

impl Named {
    /// These; each a SPIFFE ID, or a DNS name in lower case.
    #[must_use]
    pub fn new(names: &BTreeSet<String>) -> Self {
        // what is a URI in a certificate is never compared with a DNS name, nor the other way round
        let (spiffe, dns) = names.iter().cloned().partition(|name| SpiffeId::parse(name).is_ok());
        Self { spiffe, dns }
    }

    /// The name by which the holder is one of them. A certificate with two URIs is nobody's by its
    /// URIs (SPIFFE X509-SVID section 2), and one with two DNS names nobody's by these.
    #[must_use]
    pub fn holder(&self, certificate: &Certificate) -> Option<&str> {
        let facts = certificate.facts();
        only(&facts.uris, &self.spiffe).or_else(|| only(&facts.dns, &self.dns))
    }
}

fn only<'a>(names: &[String], known: &'a BTreeSet<String>) -> Option<&'a str> {
    match names {
        [only] => known.get(only).map(String::as_str),
        [] | [_, _, ..] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Named;
    use crate::certificate::{Certificate, Facts};
    use portcullis_model::Timestamp;

    fn holder(uris: &[&str], dns: &[&str]) -> Option<String> {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let named = Named::new(
            &["spiffe://ops.example/ann", "bob.ops.example"]
                .map(str::to_owned)
                .into_iter()
                .collect(),
        );
        let facts = Facts {
            fingerprint: String::new(),
            issuer: String::new(),
            dns: texts(dns),
            uris: texts(uris),
            not_before: Timestamp::from_secs(0),
            not_after: Timestamp::from_secs(1),
        };
        named.holder(&Certificate::from_record(facts)).map(str::to_owned)
    }

    #[test]
    fn t51_t52_only_the_one_exact_name_is_somebody() {
        let ann = "spiffe://ops.example/ann";
        assert_eq!(holder(&[ann], &[]).as_deref(), Some(ann));
        assert_eq!(holder(&[ann], &["a.example", "b.example"]).as_deref(), Some(ann));
        assert_eq!(holder(&[], &["bob.ops.example"]).as_deref(), Some("bob.ops.example"));
        for (uris, dns) in [
            (&[ann, ann][..], &[][..]),
            (&[ann, "spiffe://ops.example/eve"], &[]),
            (&["spiffe://ops.example/ann/x"], &[]),
            (&["spiffe://OPS.example/ann"], &[]),
            (&["bob.ops.example"], &[]),
            (&[], &[ann]),
            (&[], &["bob.ops.example", "eve.example"]),
            (&[], &["*.ops.example"]),
            (&[], &["Bob.ops.example"]),
            (&[], &["x.bob.ops.example"]),
            (&[], &[]),
        ] {
            assert_eq!(holder(uris, dns), None, "{uris:?} {dns:?}");
        }
    }
}
