//! What do the readers of credentials and keys promise? That nothing is believed which was not
//! verified, that there is one spelling, and that secrets do not show.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_identity::api_key::{self, Keyring, Pepper};
use portcullis_identity::certificate::{Facts, Trust, expiry_of_list};
use portcullis_identity::credential::{Shown, extract};
use portcullis_identity::jwk::{Algorithm, KeySet, SET_BYTES_MAX};
use portcullis_identity::jwt;
use portcullis_reading::query::Query;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use crate::certificates::Authority;
use crate::walk::{NOW, World};

static SHOP: LazyLock<World> = LazyLock::new(World::shop);

/// Trust in an authority that has issued nothing.
static STRANGER: LazyLock<Trust> = LazyLock::new(|| {
    let root = Authority::root("stranger").pem();
    let root = CertificateDer::from_pem_slice(root.as_bytes()).unwrap();
    Trust::new(&[root], &[]).unwrap()
});

/// Bytes that are not anybody's signature.
const NO_SIGNATURE: [&[u8]; 4] = [&[], &[0; 64], &[0; 132], &[1; 256]];

/// Tokens, as they are before verification.
pub fn jwt(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(token) = jwt::parse(text, jwt::TOKEN_BYTES_MAX) else { return };
    assert!(text.len() <= jwt::TOKEN_BYTES_MAX);
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!(parts.len(), 3);
    for part in &parts {
        let decoded = URL_SAFE_NO_PAD.decode(part).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(decoded), *part, "it has another spelling");
    }
    let shown = format!("{token:?}");
    assert!(shown.len() < 64 && !parts.iter().any(|part| part.len() > 8 && shown.contains(part)));
    assert!(token.kid().is_none_or(|kid| kid.len() <= 256));
    for rules in SHOP.snapshot.tokens.values() {
        assert!(token.verify(&KeySet::default(), rules, NOW).is_err(), "verified by no key");
    }
}

/// Key sets of issuers.
pub fn jwk_set(bytes: &[u8]) {
    let Ok((keys, skipped)) = KeySet::parse(bytes) else { return };
    assert!(bytes.len() <= SET_BYTES_MAX);
    // the smallest key has more than eight bytes
    assert!(keys.len() + skipped.len() <= bytes.len());
    for algorithm in Algorithm::ALL {
        let Some(key) = keys.find(None, algorithm) else { continue };
        assert!(key.fits(algorithm));
        for other in Algorithm::ALL {
            for signature in NO_SIGNATURE {
                assert!(!key.verifies(other, b"message", signature), "{algorithm:?} {other:?}");
            }
        }
    }
}

/// Certificates and revocation lists, as clients and files bring them.
pub fn certificate(bytes: &[u8]) {
    let _anything = (Facts::is_authority(bytes), Facts::strength(bytes), expiry_of_list(bytes));
    if let Ok(facts) = Facts::read(bytes) {
        assert_eq!(facts.fingerprint.len(), 64);
        let names = facts.dns.iter().chain(&facts.uris);
        assert!(names.count() <= 100 && facts.issuer.len() <= 512);
        let again = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&again).unwrap(), facts, "a record has all of it");
    }
    let der = CertificateDer::from(bytes);
    assert!(STRANGER.verify(&[der], NOW).is_err(), "verified by nobody");
    let list = CertificateRevocationListDer::from(bytes);
    let _anything = Trust::new(&[CertificateDer::from(bytes)], &[list]);
}

/// API keys, as they are shown.
pub fn api_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(key) = api_key::parse(text) else { return };
    assert!(text.contains(key.id()) && !format!("{key:?}").contains(text));
    let pepper = Pepper::new(&[7; 32]).unwrap();
    assert!(api_key::verify(&key, None, &pepper, &"p".into(), NOW).is_err(), "nobody's key");
    for at in 0..text.len() {
        let mut other = text.as_bytes().to_vec();
        other[at] = if other[at] == b'0' { b'1' } else { b'0' };
        let other = String::from_utf8(other).unwrap();
        assert!(api_key::parse(&other).is_err(), "changed at {at}");
    }
}

/// Credentials of a request: a query in the first line, header lines after it.
pub fn credential(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let Ok(query) = Query::parse(Some(lines.next().unwrap_or_default())) else { return };
    let mut headers = HeaderMap::new();
    for line in lines.take(16) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.trim()))
        else {
            continue;
        };
        headers.append(name, value);
    }
    let key = HeaderName::from_static("x-api-key");
    let shown = extract(&headers, &query.pairs, &[&key]);
    let count = headers.get_all("authorization").iter().chain(headers.get_all(&key)).count();
    let Ok(shown) = shown else { return };
    assert!(!format!("{shown:?}").contains("eyJ"), "it shows");
    match shown {
        Shown::Nothing => assert_eq!(count, 0),
        Shown::ApiKey(text) => assert_eq!((count, headers[&key].to_str().unwrap()), (1, &*text)),
        Shown::Bearer(token) | Shown::Dpop(token) => {
            assert_eq!(count, 1);
            assert!(!token.is_empty() && !token.contains([' ', '\t', ',', ';', '"']));
            assert!(headers["authorization"].to_str().unwrap().ends_with(&token));
        }
    }
}

/// Files of stored API keys.
pub fn key_file(bytes: &[u8]) {
    let Ok(ring) = Keyring::parse(bytes) else { return };
    let keys = ring.all();
    for key in &keys {
        assert_eq!(ring.find(&key.id).as_deref(), Some(key));
    }
    let again = Keyring::parse(Keyring::render(keys.clone()).as_bytes()).unwrap();
    assert_eq!(again.all(), keys, "written and read, it says the same");
}
