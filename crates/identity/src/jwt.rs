//! Is this token one of the issuer's, meant for us, now? Strict JWS compact serialization (RFC
//! 7515) and JWT (RFC 7519, RFC 8725, RFC 9068).
//!
//! [`Unverified`] is all that parsing leaves; only [`Unverified::verify`] makes a caller of it.
//! Whatever a token says about its own key (`jwk`, `jku`, `x5u`, `x5c`) refuses it: nothing is
//! ever fetched on a token's word.

mod actors;
pub(crate) mod claims;
mod rules;
mod workload;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_model::{Reason, Timestamp};
use portcullis_reading::json;
use serde_json::{Map, Value};

use crate::authenticated::{Authenticated, Refused, hex, token_digest};
use crate::jwk::{Algorithm, KeySet};

pub use actors::ACTORS_MAX;
pub use rules::{AttributeKind, AttributeRule, Rules, Workload};

/// Largest token in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// The type of access tokens (RFC 9068 section 2.1).
const ACCESS_TOKEN: &str = "at+jwt";

/// Longest key id in bytes.
const KID_BYTES_MAX: usize = 256;

/// Headers that change what a token means or where its key comes from.
const REFUSED_HEADERS: &[&str] =
    &["b64", "crit", "jku", "jwk", "x5c", "x5t", "x5t#S256", "x5u", "zip"];

/// A token that has its form and nothing more. It is no caller:
///
/// ```compile_fail,E0308
/// use portcullis_identity::{Authenticated, jwt::Unverified};
///
/// fn believe(token: Unverified) -> Authenticated {
///     token
/// }
/// ```
///
/// and what it claims beyond its issuer and key cannot be read before it is verified:
///
/// ```compile_fail,E0616
/// use portcullis_identity::jwt::Unverified;
///
/// fn subject(token: &Unverified) -> Option<&str> {
///     token.claims.get("sub")?.as_str()
/// }
/// ```
pub struct Unverified {
    signed: Vec<u8>,
    signature: Vec<u8>,
    algorithm: Algorithm,
    kid: Option<String>,
    kind: Option<String>,
    claims: Map<String, Value>,
    handle: String,
}

impl std::fmt::Debug for Unverified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unverified({}, ..)", self.handle)
    }
}

/// Reads a token's form.
///
/// # Errors
/// When it is not three parts of strict base64url over strict JSON, or its header asks for
/// anything but a plain signature.
pub fn parse(token: &str, bytes_max: usize) -> Result<Unverified, Refused> {
    let malformed = |detail: &str| Refused::new(Reason::CredentialMalformed, detail);
    if token.len() > bytes_max {
        return Err(malformed("the token exceeds its bound"));
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("the token does not have three parts"));
    };
    let header_members = object(header, 4, "header")?;
    if let Some(name) = REFUSED_HEADERS.iter().find(|name| header_members.contains_key(**name)) {
        return Err(Refused::new(Reason::CriticalHeaderRefused, format!("header `{name}`")));
    }
    let algorithm = header_members.get("alg").and_then(Value::as_str).and_then(Algorithm::parse);
    let algorithm = algorithm
        .ok_or_else(|| Refused::new(Reason::AlgorithmRefused, "`alg` is none of the accepted"))?;
    let kid = header_text(&header_members, "kid")?;
    if kid.as_ref().is_some_and(|kid| {
        kid.len() > KID_BYTES_MAX || !kid.bytes().all(|byte| byte.is_ascii_graphic())
    }) {
        return Err(malformed("`kid` is too long or not plain"));
    }
    let signature =
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed("the signature's encoding"))?;
    let signed = [header, ".", claims].concat().into_bytes();
    Ok(Unverified {
        signed,
        signature,
        algorithm,
        kid,
        kind: header_text(&header_members, "typ")?,
        claims: object(claims, 16, "claims")?,
        handle: hex(token_digest(token).get(..16).unwrap_or_default()),
    })
}

impl Unverified {
    /// What it says its issuer is.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// What it says its key is.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Verifies signature and claims.
    ///
    /// # Errors
    /// The first rule that it breaks. [`Reason::KeyUnknown`]: the set lacks its key.
    pub fn verify(
        &self,
        keys: &KeySet,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Authenticated, Refused> {
        if self.issuer() != Some(rules.issuer.as_str()) {
            return Err(Refused::new(Reason::IssuerRefused, "`iss` is not the declared issuer"));
        }
        let kind = self.check_type(rules)?;
        if !rules.algorithms.contains(&self.algorithm) {
            return Err(Refused::new(Reason::AlgorithmRefused, "`alg` is not declared"));
        }
        let key = keys
            .find(self.kid(), self.algorithm)
            .ok_or_else(|| Refused::new(Reason::KeyUnknown, "no such key in the set"))?;
        if !key.fits(self.algorithm) {
            return Err(Refused::new(Reason::AlgorithmRefused, "`alg` is not the key's"));
        }
        if !key.verifies(self.algorithm, &self.signed, &self.signature) {
            return Err(Refused::new(Reason::SignatureInvalid, "the signature does not verify"));
        }
        let principal = claims::judge(&self.claims, &self.handle, rules, now)?;
        if kind == ACCESS_TOKEN {
            claims::profile(&self.claims, rules)?;
        }
        Ok(Authenticated::bound(principal, claims::bound_to(&self.claims)?))
    }

    fn check_type(&self, rules: &Rules) -> Result<String, Refused> {
        let kind = self.kind.as_deref().unwrap_or_default().to_ascii_lowercase();
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        if rules.types.contains(kind) {
            return Ok(kind.to_owned());
        }
        Err(Refused::new(Reason::TokenTypeRefused, "`typ` is not accepted"))
    }
}

fn header_text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, Refused> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refused::new(Reason::CredentialMalformed, format!("`{name}` is no text"))),
    }
}

/// One part of a token: strict JSON in strict base64url.
pub(crate) fn object(
    part: &str,
    depth_max: u16,
    name: &str,
) -> Result<Map<String, Value>, Refused> {
    let malformed = |detail: String| Refused::new(Reason::CredentialMalformed, detail);
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| malformed(format!("the {name} is not strict base64url")))?;
    match json::parse(&bytes, &json::Bounds::new(depth_max, TOKEN_BYTES_MAX)) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(malformed(format!("the {name} is no JSON object"))),
        Err(error) => Err(malformed(format!("the {name} is not strict JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests;
