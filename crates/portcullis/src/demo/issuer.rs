//! A token issuer with a key of its own: real tokens, and forged ones of every kind.

use anyhow::{Result, anyhow};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_runtime::clock;
use serde_json::{Value, json};

/// Id of its key.
const KID: &str = "shop-1";

/// An issuer.
#[derive(Debug)]
pub(super) struct Issuer {
    key: EcdsaKeyPair,
    stranger: EcdsaKeyPair,
}

/// What a token is made of.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// JOSE header.
    pub(super) header: Value,
    /// Claims.
    pub(super) claims: Value,
}

impl Draft {
    /// Changes a claim; `null` removes it.
    pub(super) fn claim(mut self, name: &str, value: Value) -> Self {
        if let Some(claims) = self.claims.as_object_mut() {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.to_owned(), value);
            }
        }
        self
    }

    /// Changes a member of the header.
    pub(super) fn header(mut self, name: &str, value: Value) -> Self {
        if let Some(header) = self.header.as_object_mut() {
            header.insert(name.to_owned(), value);
        }
        self
    }
}

impl Issuer {
    /// An issuer with fresh keys.
    pub(super) fn new() -> Result<Self> {
        let key = || {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .map_err(|_| anyhow!("a key cannot be made"))
        };
        Ok(Self { key: key()?, stranger: key()? })
    }

    /// Its JWK set.
    pub(super) fn jwks(&self) -> String {
        let point = self.key.public_key().as_ref();
        let part = |from: usize, to: usize| base64(point.get(from..to).unwrap_or_default());
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "kid": KID, "alg": "ES256", "use": "sig",
            "x": part(1, 33), "y": part(33, 65),
        }]})
        .to_string()
    }

    /// A draft of a good token; roles are separated by spaces.
    pub(super) fn draft(subject: &str, tenant: &str, scope: &str, roles: &str) -> Draft {
        let now = clock::now().as_secs();
        Draft {
            header: json!({"alg": "ES256", "typ": "at+jwt", "kid": KID}),
            claims: json!({
                "iss": "https://id.shop.example",
                "aud": "https://api.shop.example",
                "sub": subject,
                "client_id": "shop-app",
                "jti": format!("{subject}-{now}"),
                "tenant": tenant,
                "scope": scope,
                "roles": roles.split_whitespace().collect::<Vec<_>>(),
                "iat": now,
                "exp": now.saturating_add(600),
            }),
        }
    }

    /// A good token.
    pub(super) fn token(&self, subject: &str, tenant: &str, scope: &str, roles: &str) -> String {
        self.sign(&Self::draft(subject, tenant, scope, roles))
    }

    /// Signed by its key.
    pub(super) fn sign(&self, draft: &Draft) -> String {
        self.sign_text(&draft.header.to_string(), &draft.claims.to_string())
    }

    /// Any texts, signed by its key.
    pub(super) fn sign_text(&self, header: &str, claims: &str) -> String {
        signed(&self.key, header, claims)
    }

    /// Signed by somebody else's key, under its name.
    pub(super) fn forge(&self, draft: &Draft) -> String {
        signed(&self.stranger, &draft.header.to_string(), &draft.claims.to_string())
    }

    /// Signed with the published key as if it were a shared secret (algorithm confusion).
    pub(super) fn confuse(&self, draft: &Draft) -> String {
        let draft = draft.clone().header("alg", json!("HS256"));
        let input = input(&draft.header.to_string(), &draft.claims.to_string());
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.public_key().as_ref());
        format!("{input}.{}", base64(hmac::sign(&key, input.as_bytes()).as_ref()))
    }

    /// Not signed at all.
    pub(super) fn unsigned(draft: &Draft) -> String {
        let draft = draft.clone().header("alg", json!("none"));
        format!("{}.", input(&draft.header.to_string(), &draft.claims.to_string()))
    }

    /// A good token whose claims were changed after it was signed.
    pub(super) fn altered(&self, draft: &Draft, changed: &Draft) -> String {
        let good = self.sign(draft);
        let signature = good.rsplit('.').next().unwrap_or_default();
        format!("{}.{signature}", input(&changed.header.to_string(), &changed.claims.to_string()))
    }
}

fn signed(key: &EcdsaKeyPair, header: &str, claims: &str) -> String {
    let input = input(header, claims);
    // signing fails only without randomness; an empty signature is then refused like any bad one
    let signature = key.sign(&SystemRandom::new(), input.as_bytes());
    let signature = signature.map(|signature| base64(signature.as_ref())).unwrap_or_default();
    format!("{input}.{signature}")
}

fn input(header: &str, claims: &str) -> String {
    format!("{}.{}", base64(header.as_bytes()), base64(claims.as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
