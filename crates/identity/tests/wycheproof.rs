//! Does the verification that tokens go through agree with Project Wycheproof? Keys are read as the
//! JWK sets of issuers are; a valid signature is accepted, an invalid one refused. What the project
//! leaves open ("acceptable") is refused here, and a test says so.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_identity::jwk::{Algorithm, KeySet, VerificationKey};
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// How many vectors of a set came out in which way.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    valid: usize,
    invalid: usize,
    acceptable: usize,
}

/// The key as an issuer would publish it, read as one.
fn key(jwk: &Value, algorithm: Algorithm) -> VerificationKey {
    let set = json!({"keys": [jwk]}).to_string();
    let (keys, skipped) = KeySet::parse(set.as_bytes()).unwrap();
    let key = keys.find(None, algorithm);
    key.unwrap_or_else(|| panic!("{jwk} is left out: {skipped:?}")).clone()
}

/// An unsigned number without leading zeros.
fn number(bytes: &[u8]) -> String {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap();
    URL_SAFE_NO_PAD.encode(&bytes[start..])
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Value {
    json!({"kty": "RSA", "n": number(modulus), "e": number(exponent)})
}

/// Runs a set: `$jwk` makes the key of a group.
macro_rules! run {
    ($module:ident, $name:ident, $algorithm:ident, $jwk:expr) => {{
        let set = $module::TestSet::load($module::TestName::$name).unwrap();
        let mut count = Count::default();
        for group in &set.test_groups {
            let jwk: Value = $jwk(group);
            let key = key(&jwk, Algorithm::$algorithm);
            for test in &group.tests {
                let accepted = key.verifies(Algorithm::$algorithm, &test.msg, &test.sig);
                let expected = test.result == TestResult::Valid;
                assert_eq!(accepted, expected, "{} {test:?}", stringify!($name));
                match test.result {
                    TestResult::Valid => count.valid += 1,
                    TestResult::Invalid => count.invalid += 1,
                    TestResult::Acceptable => count.acceptable += 1,
                }
            }
        }
        count
    }};
}

#[test]
fn ecdsa_with_signatures_of_fixed_length() {
    let jwk = |curve: &'static str| {
        move |group: &ecdsa::TestGroup| {
            let point = group.key.key.as_ref();
            let (x, y) = point[1..].split_at(point.len() / 2);
            let text = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
            json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
        }
    };
    let counts = [
        run!(ecdsa, EcdsaSecp256r1Sha256P1363, Es256, jwk("P-256")),
        run!(ecdsa, EcdsaSecp384r1Sha384P1363, Es384, jwk("P-384")),
        run!(ecdsa, EcdsaSecp521r1Sha512P1363, Es512, jwk("P-521")),
    ];
    for count in counts {
        assert!(count.valid > 100 && count.invalid > 50 && count.acceptable == 0, "{count:?}");
    }
}

#[test]
fn eddsa_over_curve_25519() {
    let jwk = |group: &eddsa::TestGroup| json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&group.key.pk)});
    let count = run!(eddsa, Ed25519, EdDsa, jwk);
    assert!(count.valid > 50 && count.invalid > 50 && count.acceptable == 0, "{count:?}");
}

#[test]
fn rsa_with_pkcs1_padding() {
    let jwk = |group: &rsa_pkcs1_verify::TestGroup| rsa(&group.key.n, &group.key.e);
    let counts = [
        run!(rsa_pkcs1_verify, Rsa2048Sha256, Rs256, jwk),
        run!(rsa_pkcs1_verify, Rsa2048Sha384, Rs384, jwk),
        run!(rsa_pkcs1_verify, Rsa2048Sha512, Rs512, jwk),
        run!(rsa_pkcs1_verify, Rsa3072Sha256, Rs256, jwk),
        run!(rsa_pkcs1_verify, Rsa3072Sha384, Rs384, jwk),
        run!(rsa_pkcs1_verify, Rsa3072Sha512, Rs512, jwk),
        run!(rsa_pkcs1_verify, Rsa4096Sha256, Rs256, jwk),
        run!(rsa_pkcs1_verify, Rsa4096Sha384, Rs384, jwk),
        run!(rsa_pkcs1_verify, Rsa4096Sha512, Rs512, jwk),
        run!(rsa_pkcs1_verify, Rsa8192Sha256, Rs256, jwk),
    ];
    for count in counts {
        // what is left open is a padding without its NULL
        assert!(count.valid > 5 && count.invalid > 200 && count.acceptable == 1, "{count:?}");
    }
}

#[test]
fn rsa_with_pss_padding() {
    let jwk = |group: &rsa_pss_verify::TestGroup| rsa(&group.key.n, &group.key.e);
    let counts = [
        run!(rsa_pss_verify, RsaPss2048Sha256Mgf1SaltLen32, Ps256, jwk),
        run!(rsa_pss_verify, RsaPss3072Sha256Mgf1SaltLen32, Ps256, jwk),
        run!(rsa_pss_verify, RsaPss4096Sha256Mgf1SaltLen32, Ps256, jwk),
        run!(rsa_pss_verify, RsaPss2048Sha384Mgf1SaltLen48, Ps384, jwk),
        run!(rsa_pss_verify, RsaPss4096Sha384Mgf1SaltLen48, Ps384, jwk),
        run!(rsa_pss_verify, RsaPss4096Sha512Mgf1SaltLen64, Ps512, jwk),
    ];
    for count in counts {
        assert!(count.valid > 50 && count.invalid > 20 && count.acceptable == 0, "{count:?}");
    }
}

#[test]
fn a_salt_of_another_length_is_not_that_of_the_algorithm() {
    // RFC 7518 section 3.5: the salt is as long as the digest
    let set = rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0;
    let set = rsa_pss_verify::TestSet::load(set).unwrap();
    for group in &set.test_groups {
        let key = key(&rsa(&group.key.n, &group.key.e), Algorithm::Ps256);
        // the invalid ones of this set are those whose salt is another, ours among them
        let mut valid = group.tests.iter().filter(|test| test.result == TestResult::Valid);
        assert!(valid.clone().count() > 50);
        assert!(valid.all(|test| !key.verifies(Algorithm::Ps256, &test.msg, &test.sig)));
    }
}
