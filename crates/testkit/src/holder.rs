//! A client that holds a key and proves it (DPoP), in every way to get a proof wrong.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::issuer::{Issuer, Token, base64, now};

/// A holder of one ES256 key.
#[derive(Debug)]
pub struct Holder {
    key: EcdsaKeyPair,
    made: AtomicU32,
}

impl Default for Holder {
    fn default() -> Self {
        Self::new()
    }
}

impl Holder {
    /// A holder of a fresh key.
    #[must_use]
    pub fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { key, made: AtomicU32::new(0) }
    }

    /// Its public key as a JWK.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let point = self.key.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..])})
    }

    /// The thumbprint of its key (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        base64(digest(&SHA256, text.as_bytes()))
    }

    /// A good token of the issuer that is bound to its key.
    #[must_use]
    pub fn token(&self, issuer: &Issuer, subject: &str) -> String {
        let bound = json!({"jkt": self.thumbprint()});
        issuer.sign(&issuer.draft(subject).claim("cnf", bound))
    }

    /// A good proof, not signed yet; each has a `jti` of its own.
    #[must_use]
    pub fn draft(&self, method: &str, uri: &str, token: &str) -> Token {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        Token {
            header: json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()}),
            claims: json!({
                "jti": format!("proof-{number}"), "htm": method, "htu": uri, "iat": now(),
                "ath": base64(digest(&SHA256, token.as_bytes())),
            }),
        }
    }

    /// Signs a proof.
    #[must_use]
    pub fn sign(&self, proof: &Token) -> String {
        let input = proof.input();
        let signature = self.key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", base64(signature))
    }

    /// A good proof.
    #[must_use]
    pub fn proof(&self, method: &str, uri: &str, token: &str) -> String {
        self.sign(&self.draft(method, uri, token))
    }
}
