//! What do readers of proofs and signatures promise? A structured field reads as its one form; a proof
//! or signature that has its form vouches for nobody.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_identity::content_digest::ContentDigest;
use portcullis_identity::dpop::{self, Expected};
use portcullis_identity::secrets::Secrets;
use portcullis_identity::signature::{self, View};
use portcullis_identity::webhook::Scheme;
use portcullis_model::Timestamp;
use portcullis_reading::structured::{Member, dictionary, list};

/// Structured fields.
pub fn structured(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(members) = dictionary(text) else { return };
    let form = |member: &Member| match member {
        Member::Item(item) => item.to_string(),
        Member::List(items, parameters) => list(items, parameters),
    };
    let forms: Vec<String> =
        members.iter().map(|(key, member)| format!("{key}={}", form(member))).collect();
    let again = dictionary(&forms.join(", ")).expect("its one form can be read");
    assert_eq!(again, members, "{text:?}");
}

/// Heads with proofs and signatures, a line each.
pub fn proofs(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut headers = HeaderMap::new();
    for line in text.lines().take(16) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.trim()))
        else {
            continue;
        };
        headers.append(name, value);
    }
    let now = Timestamp::from_secs(1_800_000_000);
    let age_max = Duration::from_secs(60);
    if let Ok(proof) = dpop::parse(&headers) {
        let expected = Expected {
            method: "GET",
            target: "https://a.example/",
            token: "token",
            thumbprint: "none",
            age_max,
            clock_skew: Duration::ZERO,
        };
        assert!(proof.verify(&expected, now).is_err(), "no key has this thumbprint");
        assert!(!format!("{proof:?}").contains("eyJ"), "it shows");
    }
    if let Ok(unverified) = signature::parse(&headers) {
        let rules = signature::Rules {
            provider: "p".into(),
            keys: BTreeMap::new(),
            components: Vec::new(),
            tag: None,
            age_max,
            clock_skew: Duration::ZERO,
            nonces: false,
        };
        let view = View {
            method: "GET",
            scheme: "https",
            authority: "a.example",
            path: "/",
            query: None,
            pairs: &[],
            headers: &headers,
        };
        let verified = unverified.verify(&rules, &Secrets::default(), &view, now);
        assert!(verified.is_err(), "no key is declared");
    }
    if let Ok(digest) = ContentDigest::read(&headers) {
        let both = digest.check(b"").is_ok() && digest.check(b"x").is_ok();
        assert!(!both, "two bodies have one digest");
    }
    for scheme in [Scheme::Github, Scheme::Slack, Scheme::Standard, Scheme::Stripe] {
        let _read = scheme.parse(&headers);
    }
}
