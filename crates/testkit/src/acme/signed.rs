//! Is a request to the authority signed by its account (RFC 8555 section 6.2)? ES256 only.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::issuer::base64;

/// A request whose signature is right.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) url: String,
    pub(super) nonce: String,
    /// Key of the account.
    pub(super) jwk: Value,
    /// Whether the key came along, as it may for a new account only.
    pub(super) brings_key: bool,
    pub(super) payload: Value,
}

impl Signed {
    /// Reads and verifies a request; `account` finds the key of an account by its URL.
    pub(super) fn read(body: &[u8], account: impl Fn(&str) -> Option<Value>) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let part = |name: &str| body[name].as_str().map(str::to_owned);
        let (protected, payload) = (part("protected")?, part("payload")?);
        let header: Value = serde_json::from_slice(&decoded(&protected)?).ok()?;
        if header["alg"] != "ES256" {
            return None;
        }
        let (jwk, brings_key) = match (header.get("jwk"), header["kid"].as_str()) {
            (Some(jwk), None) => (jwk.clone(), true),
            (None, Some(kid)) => (account(kid)?, false),
            _ => return None,
        };
        let coordinate = |name: &str| decoded(jwk[name].as_str()?);
        let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        let input = format!("{protected}.{payload}");
        key.verify(input.as_bytes(), &decoded(&part("signature")?)?).ok()?;
        // a request that only reads has an empty payload
        let payload = serde_json::from_slice(&decoded(&payload)?).unwrap_or_default();
        let text = |name: &str| header[name].as_str().map(str::to_owned);
        Some(Self { url: text("url")?, nonce: text("nonce")?, jwk, brings_key, payload })
    }

    /// SHA-256 of the key in its one form (RFC 7638).
    pub(super) fn thumbprint(&self) -> String {
        let (x, y) = (&self.jwk["x"], &self.jwk["y"]);
        let canonical = json!({"crv": "P-256", "kty": "EC", "x": x, "y": y}).to_string();
        base64(digest(&SHA256, canonical.as_bytes()))
    }
}

/// base64url without padding.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
