#![allow(clippy::needless_pass_by_value, reason = "json literals read best as values")]

use super::{Expected, Proven, parse};
use crate::authenticated::token_digest;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use portcullis_model::{Reason, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

const NOW: u64 = 1_800_000_000;
const TARGET: &str = "https://api.shop.example/v1/orders";

struct Client {
    pair: EcdsaKeyPair,
}

impl Client {
    fn new() -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "x": part(&point[1..33]), "y": part(&point[33..])})
    }

    fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        URL_SAFE_NO_PAD.encode(token_digest(&text))
    }

    /// Null removes a member.
    fn proof(&self, header: Value, claims: Value) -> String {
        let mut head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        let mut body = json!({"jti": "j1", "htm": "GET", "htu": TARGET, "iat": NOW,
            "ath": URL_SAFE_NO_PAD.encode(token_digest("t0ken"))});
        for (into, extra) in [(&mut head, header), (&mut body, claims)] {
            for (name, value) in extra.as_object().unwrap().clone() {
                into[&name] = value;
            }
            into.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        }
        self.sign(&head.to_string(), &body.to_string())
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn judge_at(client: &Client, proofs: &[&str], now: u64) -> Result<Proven, String> {
    let mut headers = HeaderMap::new();
    for proof in proofs {
        headers.append("dpop", HeaderValue::from_str(proof).unwrap());
    }
    let thumbprint = client.thumbprint();
    let expected = Expected {
        method: "GET",
        target: TARGET,
        token: "t0ken",
        thumbprint: &thumbprint,
        age_max: Duration::from_secs(60),
        clock_skew: Duration::from_secs(5),
    };
    let proven = parse(&headers).and_then(|one| one.verify(&expected, Timestamp::from_secs(now)));
    proven.map_err(|refused| {
        assert_eq!(refused.reason, Reason::ProofRefused);
        refused.detail
    })
}

fn judge(client: &Client, proof: &str) -> Result<Proven, String> {
    judge_at(client, &[proof], NOW)
}

#[test]
fn a_good_proof_proves_its_key() {
    let client = Client::new();
    let proven = judge(&client, &client.proof(json!({}), json!({}))).unwrap();
    assert_eq!(proven.thumbprint(), client.thumbprint());
    assert_eq!(proven.until().as_secs(), NOW + 65);
    let again = judge(&client, &client.proof(json!({}), json!({"iat": NOW - 1}))).unwrap();
    assert_eq!(proven.name(), again.name(), "a `jti` names a proof, whatever else it says");
    let other = judge(&client, &client.proof(json!({}), json!({"jti": "j2"}))).unwrap();
    assert_ne!(proven.name(), other.name());
}

#[test]
fn rfc_7638_thumbprint_of_the_standard() {
    let jwk = json!({"kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"});
    let (_, thumbprint) = crate::jwk::VerificationKey::from_jwk(jwk.as_object().unwrap()).unwrap();
    assert_eq!(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn t41_exactly_one_proof() {
    let client = Client::new();
    let proof = client.proof(json!({}), json!({}));
    for several in [vec![], vec![proof.as_str(), proof.as_str()]] {
        assert_eq!(
            judge_at(&client, &several, NOW).unwrap_err(),
            "there must be exactly one `DPoP`"
        );
    }
    for wrong in ["", "a.b", "a.b.c", "a.b.c.d", &format!("{proof}, {proof}"), &format!("{proof}=")]
    {
        assert!(judge(&client, wrong).is_err(), "{wrong}");
    }
    let long = client.proof(json!({}), json!({"x": "y".repeat(9000)}));
    assert_eq!(judge(&client, &long).unwrap_err(), "the proof exceeds its bound");
}

#[test]
fn t42_t43_a_proof_is_for_one_request_and_one_token() {
    let client = Client::new();
    for (claims, detail) in [
        (json!({"htm": "POST"}), "`htm` is not the method"),
        (json!({"htm": "get"}), "`htm` is not the method"),
        (json!({"htm": null}), "claim `htm` is missing or no text"),
        (
            json!({"htu": format!("{TARGET}?a=b")}),
            "`htu` is not the URI of the request without query",
        ),
        (json!({"htu": format!("{TARGET}/")}), "`htu` is not the URI of the request without query"),
        (
            json!({"htu": "https://api.shop.example:8443/v1/orders"}),
            "`htu` is not the URI of the request without query",
        ),
        (
            json!({"htu": "http://api.shop.example/v1/orders"}),
            "`htu` is not the URI of the request without query",
        ),
        (
            json!({"htu": "https://evil.example/v1/orders"}),
            "`htu` is not the URI of the request without query",
        ),
        (
            json!({"ath": URL_SAFE_NO_PAD.encode(token_digest("other"))}),
            "`ath` is not the hash of the token",
        ),
        (json!({"ath": null}), "claim `ath` is missing or no text"),
        (json!({"jti": ""}), "`jti` is empty or exceeds its bound"),
        (json!({"jti": 7}), "claim `jti` is missing or no text"),
        (json!({"jti": "j".repeat(257)}), "`jti` is empty or exceeds its bound"),
    ] {
        assert_eq!(judge(&client, &client.proof(json!({}), claims)).unwrap_err(), detail);
    }
    for same in ["HTTPS://API.shop.example/v1/orders", "https://api.shop.example:443/v1/%6Frders"] {
        assert!(judge(&client, &client.proof(json!({}), json!({"htu": same}))).is_ok(), "{same}");
    }
}

#[test]
fn t45_its_time_is_short() {
    let client = Client::new();
    let proof = client.proof(json!({}), json!({}));
    for (now, good) in [(NOW - 6, false), (NOW - 5, true), (NOW + 64, true), (NOW + 65, false)] {
        assert_eq!(judge_at(&client, &[&proof], now).is_ok(), good, "{now}");
    }
    for (claims, good) in [
        (json!({"iat": null}), false),
        (json!({"iat": "1800000000"}), false),
        (json!({"iat": 1_800_000_000.5}), false),
        (json!({"iat": 1e308}), false),
        (json!({"iat": -1}), false),
        (json!({"exp": NOW - 5}), false),
        (json!({"exp": NOW + 1}), true),
        (json!({"nbf": NOW + 6}), false),
    ] {
        let proof = client.proof(json!({}), claims.clone());
        assert_eq!(judge(&client, &proof).is_ok(), good, "{claims}");
    }
}

#[test]
fn t46_t47_the_key_is_public_asymmetric_and_the_tokens_own() {
    let (client, other) = (Client::new(), Client::new());
    assert_eq!(
        judge(&client, &other.proof(json!({}), json!({}))).unwrap_err(),
        "the token is bound to another key"
    );
    // signed by another than the key that it shows
    let forged = other.proof(json!({"jwk": client.jwk()}), json!({}));
    assert_eq!(judge(&client, &forged).unwrap_err(), "the signature does not verify");
    let mut private = client.jwk();
    private["d"] = "AAAA".into();
    for (header, detail) in [
        (json!({"alg": "none"}), "`alg` is none of the accepted"),
        (json!({"alg": "HS256"}), "`alg` is none of the accepted"),
        (json!({"alg": "ES384"}), "`alg` is not the key's"),
        (json!({"alg": "RS256"}), "`alg` is not the key's"),
        (json!({"jwk": private}), "`jwk` has a private part"),
        (json!({"jwk": {"kty": "oct", "k": "AAAA"}}), "`jwk` has a private part"),
        (json!({"jwk": {"kty": "oct"}}), "`jwk`: its type is not known"),
        (json!({"jwk": null}), "there is no `jwk`"),
        (json!({"typ": "JWT"}), "`typ` is not `dpop+jwt`"),
        (json!({"typ": "application/dpop+jwt"}), "`typ` is not `dpop+jwt`"),
        (json!({"typ": null}), "`typ` is not `dpop+jwt`"),
        (json!({"crit": ["b64"], "b64": false}), "header `b64`"),
        (json!({"x5c": ["AAAA"]}), "header `x5c`"),
        (json!({"jku": "https://evil.example/jwks"}), "header `jku`"),
    ] {
        assert_eq!(judge(&client, &client.proof(header, json!({}))).unwrap_err(), detail);
    }
    // the public key as a secret
    let point = client.pair.public_key().as_ref();
    let input = client.proof(json!({}), json!({}));
    let (input, _) = input.rsplit_once('.').unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, point), input.as_bytes());
    let forged = format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()));
    assert_eq!(judge(&client, &forged).unwrap_err(), "the signature does not verify");
}

#[test]
fn t17_t18_members_stand_once() {
    let client = Client::new();
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": client.jwk()}).to_string();
    let claims =
        format!(r#"{{"jti":"a","jti":"b","htm":"GET","htu":"{TARGET}","iat":{NOW},"ath":"x"}}"#);
    assert!(judge(&client, &client.sign(&header, &claims)).unwrap_err().contains("strict JSON"));
    let header = header.replacen('{', r#"{"typ":"JWT","#, 1);
    assert!(judge(&client, &client.sign(&header, "{}")).unwrap_err().contains("strict JSON"));
}
