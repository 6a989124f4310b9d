//! Does the sender of a token hold the key that it is bound to? A DPoP proof (RFC 9449 section 4.3),
//! read and judged strictly; its key comes from the proof, and the token says which key it must be.
//!
//! Pure: whether the proof was seen before is the window's word (`limit::Once`), asked only for
//! a proof that was verified, which [`Proven`] stands for. A proof is never kept.

pub mod nonce;
mod target;

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName};
use portcullis_model::{Reason, Timestamp};
use serde_json::{Map, Value};

use crate::authenticated::{Refused, token_digest};
use crate::jwk::{Algorithm, VerificationKey};
use crate::jwt::object;

pub use target::target;

/// The header that carries a proof.
pub const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Algorithms as a challenge names them (RFC 9449 section 7.1); all are asymmetric.
pub const ALGORITHMS: &str = "ES256 ES384 ES512 EdDSA PS256 PS384 PS512 RS256";

/// Longest proof in bytes.
const PROOF_BYTES_MAX: usize = 8 * 1024;

/// Longest `jti` in bytes.
const JTI_BYTES_MAX: usize = 256;

/// Latest accepted time, in seconds since the epoch: the year 9999.
const SECS_MAX: u64 = 253_402_300_799;

/// Headers that change what a proof means or name a key elsewhere.
const REFUSED_HEADERS: [&str; 8] = ["b64", "crit", "jku", "x5c", "x5t", "x5t#S256", "x5u", "zip"];

/// Members of a key that are nobody else's business (RFC 7518 section 6).
const PRIVATE: [&str; 8] = ["d", "dp", "dq", "k", "oth", "p", "q", "qi"];

/// A proof that has its form and nothing more.
pub struct Proof {
    signed: Vec<u8>,
    signature: Vec<u8>,
    algorithm: Algorithm,
    key: VerificationKey,
    thumbprint: String,
    claims: Map<String, Value>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proof({}, ..)", self.thumbprint)
    }
}

/// What a proof must prove.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Method of the request.
    pub method: &'a str,
    /// Its URI without query, as [`target()`] makes it.
    pub target: &'a str,
    /// The token that came with it.
    pub token: &'a str,
    /// Thumbprint of the key that the token is bound to.
    pub thumbprint: &'a str,
    /// How long a proof counts after it was made.
    pub age_max: Duration,
    /// Tolerated clock difference.
    pub clock_skew: Duration,
}

/// A proof that was verified. Whether it is the first of its name is not said yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    thumbprint: String,
    name: [u8; 16],
    until: Timestamp,
}

impl Proven {
    /// Thumbprint of the key that made it.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// What names it among all proofs: no other of this name may pass.
    #[must_use]
    pub const fn name(&self) -> [u8; 16] {
        self.name
    }

    /// When it has ended by its own age.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        self.until
    }
}

/// Reads the one proof of a request.
///
/// # Errors
/// `identify.proof_refused`: there is none or more than one, or it does not have the form of one.
pub fn parse(headers: &HeaderMap) -> Result<Proof, Refused> {
    let mut values = headers.get_all(DPOP).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(refused("there must be exactly one `DPoP`"));
    };
    let text = value.to_str().map_err(|_| refused("the proof is not ASCII"))?;
    if text.len() > PROOF_BYTES_MAX {
        return Err(refused("the proof exceeds its bound"));
    }
    let mut parts = text.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(refused("the proof does not have three parts"));
    };
    let members = object(header, 4, "header").map_err(of_proof)?;
    if let Some(name) = REFUSED_HEADERS.iter().find(|name| members.contains_key(**name)) {
        return Err(refused(&format!("header `{name}`")));
    }
    // RFC 9449 section 4.2: the type is explicit (RFC 8725 section 3.11)
    if members.get("typ").and_then(Value::as_str) != Some("dpop+jwt") {
        return Err(refused("`typ` is not `dpop+jwt`"));
    }
    let algorithm = members.get("alg").and_then(Value::as_str).and_then(algorithm);
    let algorithm = algorithm.ok_or_else(|| refused("`alg` is none of the accepted"))?;
    let jwk = members.get("jwk").and_then(Value::as_object);
    let jwk = jwk.ok_or_else(|| refused("there is no `jwk`"))?;
    if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
        return Err(refused("`jwk` has a private part"));
    }
    let (key, thumbprint) =
        VerificationKey::from_jwk(jwk).map_err(|why| refused(&format!("`jwk`: {why}")))?;
    if !key.fits(algorithm) {
        return Err(refused("`alg` is not the key's"));
    }
    Ok(Proof {
        signed: [header, ".", claims].concat().into_bytes(),
        signature: URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| refused("the signature's encoding"))?,
        algorithm,
        key,
        thumbprint,
        claims: object(claims, 4, "claims").map_err(of_proof)?,
    })
}

impl Proof {
    /// The nonce that it was made with, if any.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.claims.get("nonce").and_then(Value::as_str)
    }

    /// Verifies it; what costs most comes last.
    ///
    /// # Errors
    /// `identify.proof_refused`, with the first rule that it breaks.
    pub fn verify(&self, expected: &Expected<'_>, now: Timestamp) -> Result<Proven, Refused> {
        if self.thumbprint != expected.thumbprint {
            return Err(refused("the token is bound to another key"));
        }
        if self.text("htm")? != expected.method {
            return Err(refused("`htm` is not the method"));
        }
        if target::normal(self.text("htu")?).as_deref() != Some(expected.target) {
            return Err(refused("`htu` is not the URI of the request without query"));
        }
        if self.text("ath")? != URL_SAFE_NO_PAD.encode(token_digest(expected.token)) {
            return Err(refused("`ath` is not the hash of the token"));
        }
        let jti = self.text("jti")?;
        if jti.is_empty() || jti.len() > JTI_BYTES_MAX {
            return Err(refused("`jti` is empty or exceeds its bound"));
        }
        let until = self.check_time(expected, now)?;
        if !self.key.verifies(self.algorithm, &self.signed, &self.signature) {
            return Err(refused("the signature does not verify"));
        }
        Ok(Proven { thumbprint: self.thumbprint.clone(), name: name(&self.thumbprint, jti), until })
    }

    /// Until when it counts.
    fn check_time(&self, expected: &Expected<'_>, now: Timestamp) -> Result<Timestamp, Refused> {
        let issued = self.time("iat")?.ok_or_else(|| refused("claim `iat` is missing"))?;
        let until = issued.plus(expected.age_max).plus(expected.clock_skew);
        if issued > now.plus(expected.clock_skew) {
            return Err(refused("`iat` lies ahead"));
        }
        let ended = self.time("exp")?.is_some_and(|end| now >= end.plus(expected.clock_skew));
        if now >= until || ended {
            return Err(refused("it is too old"));
        }
        if self.time("nbf")?.is_some_and(|begin| begin > now.plus(expected.clock_skew)) {
            return Err(refused("`nbf` lies ahead"));
        }
        Ok(until)
    }

    fn text(&self, name: &str) -> Result<&str, Refused> {
        let text = self.claims.get(name).and_then(Value::as_str);
        text.ok_or_else(|| refused(&format!("claim `{name}` is missing or no text")))
    }

    /// A whole number of seconds.
    fn time(&self, name: &str) -> Result<Option<Timestamp>, Refused> {
        let Some(value) = self.claims.get(name) else { return Ok(None) };
        let secs = value.as_u64().filter(|secs| *secs <= SECS_MAX);
        let secs = secs.ok_or_else(|| refused(&format!("claim `{name}` is no time")))?;
        Ok(Some(Timestamp::from_secs(secs)))
    }
}

/// By its name; `Ed25519` is what RFC 9864 calls the one kind of `EdDSA` that keys here have.
fn algorithm(name: &str) -> Option<Algorithm> {
    let name = if name == "Ed25519" { "EdDSA" } else { name };
    let listed = ALGORITHMS.split(' ').any(|known| known == name);
    Algorithm::parse(name).filter(|_| listed)
}

/// A `jti` is unique among the proofs of its key.
fn name(thumbprint: &str, jti: &str) -> [u8; 16] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in ["dpop", thumbprint, jti] {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    name
}

fn of_proof(error: Refused) -> Refused {
    Refused { reason: Reason::ProofRefused, ..error }
}

fn refused(detail: &str) -> Refused {
    Refused::new(Reason::ProofRefused, detail)
}

#[cfg(test)]
mod tests;
