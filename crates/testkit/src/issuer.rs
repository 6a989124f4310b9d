//! A token issuer: real keys, real signatures, and every way to get a token wrong.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// An issuer with one ES256 key.
#[derive(Debug)]
pub struct Issuer {
    kid: String,
    key: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

/// A token that is being made.
#[derive(Clone, Debug)]
pub struct Token {
    /// JOSE header.
    pub header: Value,
    /// Claims.
    pub claims: Value,
}

impl Token {
    /// Sets a claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    /// Removes a claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    /// Sets a member of the header.
    #[must_use]
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    /// The two parts that are signed.
    #[must_use]
    pub fn input(&self) -> String {
        format!("{}.{}", base64(self.header.to_string()), base64(self.claims.to_string()))
    }
}

impl Issuer {
    /// An issuer with a fresh key of this id.
    #[must_use]
    pub fn new(kid: &str) -> Self {
        let random = SystemRandom::new();
        let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(alg, &random).unwrap().as_ref().to_vec();
        let key = EcdsaKeyPair::from_pkcs8(alg, &pkcs8).unwrap();
        Self { kid: kid.to_owned(), key, pkcs8 }
    }

    /// Its key as a JWK.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let point = self.point();
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.kid, "alg": "ES256", "use": "sig",
            "x": base64(&point[1..33]), "y": base64(&point[33..65]),
        })
    }

    /// Its private key in PEM (PKCS#8).
    #[must_use]
    pub fn pem(&self) -> String {
        let text = base64_standard(&self.pkcs8);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    /// Its key set.
    #[must_use]
    pub fn jwks(&self) -> String {
        json!({"keys": [self.jwk()]}).to_string()
    }

    /// Its public key, uncompressed.
    #[must_use]
    pub fn point(&self) -> Vec<u8> {
        self.key.public_key().as_ref().to_vec()
    }

    /// A good token of a user of `acme` with both scopes, not signed yet.
    #[must_use]
    pub fn draft(&self, subject: &str) -> Token {
        let now = now();
        Token {
            header: json!({"alg": "ES256", "typ": "at+jwt", "kid": self.kid}),
            claims: json!({
                "iss": "https://id.shop.example", "aud": "https://api.shop.example",
                "sub": subject, "tenant": "acme", "scope": "orders:read orders:write",
                "client_id": "shop-app", "jti": format!("{subject}-{now}"),
                "roles": [], "iat": now, "exp": now + 600,
            }),
        }
    }

    /// A good token.
    #[must_use]
    pub fn token(&self, subject: &str) -> String {
        self.sign(&self.draft(subject))
    }

    /// Signs a token.
    #[must_use]
    pub fn sign(&self, token: &Token) -> String {
        self.sign_input(&token.input())
    }

    /// Signs any header and claims, given as texts.
    #[must_use]
    pub fn sign_texts(&self, header: &str, claims: &str) -> String {
        self.sign_input(&format!("{}.{}", base64(header), base64(claims)))
    }

    /// Signs any two parts.
    #[must_use]
    pub fn sign_input(&self, input: &str) -> String {
        let signature = self.key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", base64(signature))
    }

    /// Signs with the signature in DER, as ES256 must not be.
    #[must_use]
    pub fn sign_der(&self, token: &Token) -> String {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.pkcs8).unwrap();
        let signature = key.sign(&SystemRandom::new(), token.input().as_bytes()).unwrap();
        format!("{}.{}", token.input(), base64(signature))
    }
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// base64 with padding.
#[must_use]
pub fn base64_standard(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// base64url without padding.
#[must_use]
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
