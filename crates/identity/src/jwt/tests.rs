#![allow(clippy::needless_pass_by_value, reason = "json literals read best as values")]

use super::{Rules, TOKEN_BYTES_MAX, parse};
use crate::jwk::{Algorithm, KeySet};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_model::{PrincipalKind, Reason, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

const NOW: u64 = 1_800_000_000;

struct Issuer {
    pair: EcdsaKeyPair,
}

impl Issuer {
    fn new() -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    fn jwk(&self, extra: Value) -> Value {
        let point = self.pair.public_key().as_ref();
        let mut key = json!({"kty": "EC", "crv": "P-256", "kid": "k1",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])});
        merge(&mut key, extra);
        key
    }

    fn set(&self, extra: Value) -> Vec<u8> {
        json!({"keys": [self.jwk(extra)]}).to_string().into_bytes()
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn token(&self, header: Value, claims: Value) -> String {
        let mut head = json!({"alg": "ES256", "kid": "k1", "typ": "at+jwt"});
        merge(&mut head, header);
        let mut body = json!({"iss": "https://id.example", "aud": "api", "sub": "alice",
            "iat": NOW - 60, "exp": NOW + 600, "tenant": "acme", "scope": "a b",
            "client_id": "app", "jti": "j1"});
        merge(&mut body, claims);
        self.sign(&head.to_string(), &body.to_string())
    }
}

/// Null removes a member.
fn merge(into: &mut Value, extra: Value) {
    for (name, value) in extra.as_object().unwrap().clone() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(&name);
        } else {
            into[name] = value;
        }
    }
}

fn rules() -> Rules {
    Rules {
        provider: "idp".into(),
        issuer: "https://id.example".into(),
        audiences: ["api".to_owned()].into(),
        single_audience: false,
        algorithms: [Algorithm::Es256].into(),
        required: ["client_id".to_owned(), "jti".to_owned()].into(),
        types: ["at+jwt".to_owned()].into(),
        clock_skew: Duration::from_secs(30),
        max_lifetime: Duration::from_secs(3600),
        actors: std::collections::BTreeSet::new(),
        kind: PrincipalKind::User,
        tenant: Some("tenant".into()),
        scopes: Some("scope".into()),
        roles: Some("roles".into()),
        attributes: Default::default(),
        workload: None,
    }
}

fn judge(issuer: &Issuer, token: &str) -> Result<crate::Authenticated, Reason> {
    let (keys, _) = KeySet::parse(&issuer.set(json!({}))).unwrap();
    parse(token, TOKEN_BYTES_MAX)
        .and_then(|token| token.verify(&keys, &rules(), Timestamp::from_secs(NOW)))
        .map_err(|refused| refused.reason)
}

#[test]
fn a_good_token_becomes_its_principal() {
    let issuer = Issuer::new();
    let caller = judge(&issuer, &issuer.token(json!({}), json!({"roles": ["buyer"]}))).unwrap();
    let principal = caller.principal();
    assert_eq!(principal.qualified_name(), "idp|alice");
    assert_eq!(principal.tenant.as_deref(), Some("acme"));
    assert!(principal.scopes.contains("b") && principal.roles.contains("buyer"));
}

#[test]
fn t01_to_t04_algorithms() {
    let issuer = Issuer::new();
    for alg in ["none", "None", "NONE", "nOnE", "HS256", "PS256 ", ""] {
        let token = issuer.token(json!({"alg": alg}), json!({}));
        assert_eq!(judge(&issuer, &token), Err(Reason::AlgorithmRefused), "{alg}");
    }
    let token = issuer.token(json!({"alg": "PS256"}), json!({}));
    assert_eq!(judge(&issuer, &token), Err(Reason::AlgorithmRefused));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, issuer.pair.public_key().as_ref());
    let good = issuer.token(json!({"alg": "HS256"}), json!({}));
    let signed = good.rsplit_once('.').unwrap().0;
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&secret, signed.as_bytes()));
    assert_eq!(judge(&issuer, &format!("{signed}.{tag}")), Err(Reason::AlgorithmRefused));
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    assert!(judge(&issuer, &format!("{unsigned}.")).is_err());
}

#[test]
fn t05_and_t06_signatures() {
    let issuer = Issuer::new();
    let good = issuer.token(json!({}), json!({}));
    let signed = good.rsplit_once('.').unwrap().0;
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    for signature in [vec![], vec![0; 64], vec![0; 70], [order, order].concat()] {
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&signature));
        assert_eq!(judge(&issuer, &token), Err(Reason::SignatureInvalid), "{signature:?}");
    }
    let other = Issuer::new();
    assert_eq!(judge(&other, &good), Err(Reason::SignatureInvalid));
}

#[test]
fn t08_to_t16_headers_that_point_elsewhere() {
    let issuer = Issuer::new();
    for name in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip"] {
        let token = issuer.token(json!({name: ["exp"]}), json!({}));
        assert_eq!(judge(&issuer, &token), Err(Reason::CriticalHeaderRefused), "{name}");
    }
    for kid in ["../../etc/passwd", "' or 1=1"] {
        let token = issuer.token(json!({"kid": kid}), json!({}));
        assert!(judge(&issuer, &token).is_err(), "{kid}");
    }
    let token = issuer.token(json!({"kid": "other"}), json!({}));
    assert_eq!(judge(&issuer, &token), Err(Reason::KeyUnknown));
}

#[test]
fn t07_t13_and_t14_key_sets() {
    let issuer = Issuer::new();
    let set = |keys: Value| KeySet::parse(json!({"keys": keys}).to_string().as_bytes());
    let key = issuer.jwk(json!({}));
    assert!(set(json!([key, {"kty": "oct", "k": "c2VjcmV0"}])).is_err());
    assert!(set(json!([key, key])).is_err());
    for bad in [
        json!({"use": "enc"}),
        json!({"key_ops": ["sign"]}),
        json!({"alg": "ES384"}),
        json!({"d": "AA"}),
        json!({"x": "AA"}),
    ] {
        let (keys, skipped) = KeySet::parse(&issuer.set(bad.clone())).unwrap();
        assert!(keys.is_empty() && skipped.len() == 1, "{bad}");
    }
    let short =
        json!({"kty": "RSA", "kid": "r", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([0xff; 128])});
    let (keys, skipped) = set(json!([short, key])).unwrap();
    assert_eq!((keys.len(), skipped.len()), (1, 1));
}

#[test]
fn t17_to_t23_forms() {
    let issuer = Issuer::new();
    let twice = issuer.sign(r#"{"alg":"ES256","kid":"k1","typ":"at+jwt","kid":"k2"}"#, "{}");
    let tenants = issuer
        .sign(r#"{"alg":"ES256","kid":"k1","typ":"at+jwt"}"#, r#"{"tenant":"a","tenant":"b"}"#);
    let good = issuer.token(json!({}), json!({}));
    let padded = format!("{good}=");
    let four = format!("{good}.a");
    let spaced = good.replacen('.', ". ", 1);
    let long = "a".repeat(TOKEN_BYTES_MAX + 1);
    for token in [&twice, &tenants, &padded, &four, &spaced, &long, "a.b", ""] {
        assert_eq!(judge(&issuer, token), Err(Reason::CredentialMalformed), "{token:.80}");
    }
}

#[test]
fn t24_to_t36_claims() {
    let issuer = Issuer::new();
    let cases = [
        (json!({"exp": null}), Reason::ClaimInvalid),
        (json!({"iat": null}), Reason::ClaimInvalid),
        (json!({"exp": (NOW + 600).to_string()}), Reason::ClaimInvalid),
        (json!({"exp": 1e300}), Reason::ClaimInvalid),
        (json!({"exp": -1}), Reason::ClaimInvalid),
        (json!({"exp": true}), Reason::ClaimInvalid),
        (json!({"nbf": "0"}), Reason::ClaimInvalid),
        (json!({"nbf": NOW + 31}), Reason::TokenNotYetValid),
        (json!({"iat": NOW + 31}), Reason::TokenNotYetValid),
        (json!({"exp": NOW - 31}), Reason::TokenExpired),
        (json!({"exp": NOW + 3600}), Reason::TokenLifetimeTooLong),
        (json!({"iss": "https://id.example/"}), Reason::IssuerRefused),
        (json!({"iss": ["https://id.example"]}), Reason::IssuerRefused),
        (json!({"iss": null}), Reason::IssuerRefused),
        (json!({"aud": null}), Reason::AudienceRefused),
        (json!({"aud": "other"}), Reason::AudienceRefused),
        (json!({"aud": ["api", 1]}), Reason::AudienceRefused),
        (json!({"sub": ""}), Reason::ClaimInvalid),
        (json!({"scope": ["a b"]}), Reason::ClaimInvalid),
        (json!({"scope": [7]}), Reason::ClaimInvalid),
        (json!({"scope": {"a": true}}), Reason::ClaimInvalid),
        (json!({"client_id": null}), Reason::ClaimInvalid),
        (json!({"client_id": ["app"]}), Reason::ClaimInvalid),
        (json!({"jti": null}), Reason::ClaimInvalid),
        (json!({"jti": ""}), Reason::ClaimInvalid),
        (json!({"tenant": 7}), Reason::ClaimInvalid),
        (json!({"cnf": {"jkt": "x"}}), Reason::CredentialNotAccepted),
        (json!({"cnf": {"x5t#S256": "AAAA"}}), Reason::CredentialNotAccepted),
        (json!({"cnf": {"x5t#S256": THUMBPRINT, "jkt": "x"}}), Reason::CredentialNotAccepted),
        (json!({"cnf": {}}), Reason::CredentialNotAccepted),
        (json!({"cnf": THUMBPRINT}), Reason::CredentialNotAccepted),
    ];
    for (claims, reason) in cases {
        let token = issuer.token(json!({}), claims.clone());
        assert_eq!(judge(&issuer, &token), Err(reason), "{claims}");
    }
    for claims in [json!({"exp": NOW - 29}), json!({"aud": ["api", "other"]})] {
        assert!(judge(&issuer, &issuer.token(json!({}), claims.clone())).is_ok(), "{claims}");
    }
}

#[test]
fn t31_to_t33_types() {
    let issuer = Issuer::new();
    for kind in ["JWT", "dpop+jwt", "logout+jwt", "token-introspection+jwt", ""] {
        let token = issuer.token(json!({"typ": kind}), json!({}));
        assert_eq!(judge(&issuer, &token), Err(Reason::TokenTypeRefused), "{kind}");
    }
    for kind in ["application/at+jwt", "AT+JWT"] {
        assert!(judge(&issuer, &issuer.token(json!({"typ": kind}), json!({}))).is_ok(), "{kind}");
    }
}

#[test]
fn a_kept_verification_does_not_outlive_the_token() {
    let issuer = Issuer::new();
    let caller = judge(&issuer, &issuer.token(json!({}), json!({}))).unwrap();
    let skew = Duration::from_secs(30);
    assert!(caller.check_time(skew, Timestamp::from_secs(NOW + 629)).is_ok());
    let late = caller.check_time(skew, Timestamp::from_secs(NOW + 630)).unwrap_err();
    assert_eq!(late.reason, Reason::TokenExpired);
}

/// SHA-256 of the empty text.
const THUMBPRINT: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

#[test]
fn t48_and_e20_a_bound_token_is_good_with_its_certificate_only() {
    let issuer = Issuer::new();
    let free = judge(&issuer, &issuer.token(json!({}), json!({}))).unwrap();
    assert!(free.check_sender(None).is_ok());
    let claims = json!({"cnf": {"x5t#S256": THUMBPRINT}});
    let bound = judge(&issuer, &issuer.token(json!({}), claims)).unwrap();
    let own = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert!(bound.check_sender(Some(own)).is_ok());
    for other in [None, Some(""), Some("e3b0c442")] {
        assert_eq!(bound.check_sender(other).unwrap_err().reason, Reason::SenderUnproven);
    }
}

#[test]
fn t56_a_jwt_svid_without_audience_is_nobodys() {
    let issuer = Issuer::new();
    let svid = json!({"sub": "spiffe://prod.example/billing", "aud": null});
    let token = issuer.token(json!({"typ": "JWT"}), svid);
    let rules = Rules { types: ["jwt".to_owned()].into(), ..rules() };
    let (keys, _) = KeySet::parse(&issuer.set(json!({}))).unwrap();
    let token = parse(&token, TOKEN_BYTES_MAX).unwrap();
    let refused = token.verify(&keys, &rules, Timestamp::from_secs(NOW)).unwrap_err();
    assert_eq!(refused.reason, Reason::AudienceRefused);
}

#[test]
fn t37_claims_are_read_where_and_as_they_are() {
    use super::{AttributeKind, AttributeRule};
    use portcullis_model::Attribute;
    let issuer = Issuer::new();
    let (keys, _) = KeySet::parse(&issuer.set(json!({}))).unwrap();
    let rule = |claim: &str, kind| AttributeRule { claim: claim.into(), kind, required: false };
    let rules = Rules {
        roles: Some("/realm_access/roles".into()),
        attributes: [
            ("groups".to_owned(), rule("groups", AttributeKind::TextOrTexts)),
            ("acr".to_owned(), rule("/a~1b", AttributeKind::Text)),
            ("auth_time".to_owned(), rule("auth_time", AttributeKind::Number)),
        ]
        .into(),
        ..rules()
    };
    let token = issuer.token(
        json!({}),
        json!({"scope": ["a", "b", "b"], "realm_access": {"roles": ["buyer"]},
            "groups": "staff", "a/b": "mfa", "auth_time": 5}),
    );
    let verified = parse(&token, TOKEN_BYTES_MAX).unwrap();
    let verified = verified.verify(&keys, &rules, Timestamp::from_secs(NOW)).unwrap();
    let principal = verified.principal();
    assert_eq!(principal.scopes, ["a".to_owned(), "b".to_owned()].into());
    assert_eq!(principal.roles, ["buyer".to_owned()].into());
    assert_eq!(principal.attributes["groups"], Attribute::Texts(["staff".to_owned()].into()));
    assert_eq!(principal.attributes["acr"], Attribute::Text("mfa".into()));
    assert_eq!(principal.attributes["auth_time"], Attribute::Number(5));
    // what is not there is not there, and what has another form refuses
    for (claims, well) in [
        (json!({"realm_access": {}}), true),
        (json!({"realm_access": "roles"}), true),
        (json!({"realm_access": {"roles": {"buyer": true}}}), false),
        (json!({"groups": 7}), false),
        (json!({"auth_time": "5"}), false),
        (json!({"auth_time": 5.5}), false),
        (json!({"a/b": ["mfa"]}), false),
    ] {
        let said = claims.to_string();
        let token = parse(&issuer.token(json!({}), claims), TOKEN_BYTES_MAX).unwrap();
        let judged = token.verify(&keys, &rules, Timestamp::from_secs(NOW));
        let reason = judged.as_ref().err().map(|refused| refused.reason);
        assert_eq!(reason, (!well).then_some(Reason::ClaimInvalid), "{said}");
    }
}
