//! How do we prove who we are without a secret that both know? By a token that we sign (RFC 7523 section
//! 3), short-lived and each of its own.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_config::declaration::SigningAlgorithm;
use portcullis_model::Timestamp;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;

/// How long an assertion is good: for one question, with clocks that differ.
const LIFETIME: Duration = Duration::from_secs(60);

/// Signs assertions.
pub(super) struct Signer {
    key: Key,
    header: String,
    client_id: String,
    audience: String,
}

enum Key {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    /// A signer with a key in PEM (PKCS#8).
    pub(super) fn new(
        pem: &[u8],
        algorithm: SigningAlgorithm,
        kid: Option<&str>,
        client_id: &str,
        audience: &str,
    ) -> Result<Self, String> {
        let unusable = |why: String| format!("the signing key: {why}");
        let der =
            PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|one| unusable(one.to_string()))?;
        let der = der.secret_pkcs8_der();
        let (key, alg) = match algorithm {
            SigningAlgorithm::Es256 => {
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                (Key::Ec(key.map_err(|one| unusable(one.to_string()))?), "ES256")
            }
            SigningAlgorithm::EdDsa => {
                let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
                (Key::Ed(key.map_err(|one| unusable(one.to_string()))?), "EdDSA")
            }
        };
        let mut header = json!({"alg": alg, "typ": "JWT"});
        if let (Some(kid), Some(members)) = (kid, header.as_object_mut()) {
            members.insert("kid".to_owned(), kid.into());
        }
        let (client_id, audience) = (client_id.to_owned(), audience.to_owned());
        Ok(Self { key, header: URL_SAFE_NO_PAD.encode(header.to_string()), client_id, audience })
    }

    /// A signed assertion whose life begins at `now`; none is used twice.
    pub(super) fn sign(&self, now: Timestamp) -> Result<String, String> {
        let random = SystemRandom::new();
        let mut id = [0; 16];
        random.fill(&mut id).map_err(|_| "there is no randomness".to_owned())?;
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": URL_SAFE_NO_PAD.encode(id),
            "iat": now.as_secs(),
            "exp": now.plus(LIFETIME).as_secs(),
        });
        let input = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = match &self.key {
            Key::Ec(key) => key
                .sign(&random, input.as_bytes())
                .map_err(|_| "the assertion cannot be signed".to_owned())?
                .as_ref()
                .to_vec(),
            Key::Ed(key) => key.sign(input.as_bytes()).as_ref().to_vec(),
        };
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
