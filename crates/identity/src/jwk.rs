//! Which keys does an issuer publish? A JWK set (RFC 7517), read strictly: a key that cannot
//! verify signatures safely is skipped and named, a set that mixes secrets with public keys or
//! repeats a key id is refused as a whole.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_reading::json;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value};
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Largest set in bytes.
pub const SET_BYTES_MAX: usize = 256 * 1024;

/// Signature algorithms (RFC 7518 section 3.1, RFC 8037). `none` and the symmetric ones are not
/// representable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the standard's own")]
pub enum Algorithm {
    Es256,
    Es384,
    Es512,
    EdDsa,
    Ps256,
    Ps384,
    Ps512,
    Rs256,
    Rs384,
    Rs512,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 10] = [
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// By its JWA name, exactly.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// Its JWA name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }
}

/// A key that can verify.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    kid: Option<String>,
    pinned: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Ec { algorithm: Algorithm, point: Vec<u8> },
    Ed { public: Vec<u8> },
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

/// An issuer's keys.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
}

/// A key that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its id, if it has one.
    pub kid: Option<String>,
    /// Why.
    pub why: &'static str,
}

/// A set that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetError(String);

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for KeySetError {}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// When it is not strict JSON, has no `keys`, holds a symmetric key, or repeats a `kid`.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Vec<SkippedKey>), KeySetError> {
        let refuse = |why: String| KeySetError(why);
        let set = json::parse(bytes, &json::Bounds::new(8, SET_BYTES_MAX))
            .map_err(|error| refuse(error.to_string()))?;
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or_else(|| refuse("the set has no `keys`".to_owned()))?;
        let mut found = Self::default();
        let mut skipped = Vec::new();
        for key in keys {
            let Some(key) = key.as_object() else {
                skipped.push(SkippedKey { kid: None, why: "not an object" });
                continue;
            };
            if text(key, "kty") == Some("oct") {
                return Err(refuse("the set holds a symmetric key".to_owned()));
            }
            let kid = text(key, "kid").map(str::to_owned);
            if kid.is_some() && found.keys.iter().any(|known| known.kid == kid) {
                return Err(refuse(format!("`kid` {kid:?} stands twice")));
            }
            match read(key) {
                Ok((material, pinned)) => {
                    found.keys.push(VerificationKey { kid, pinned, material });
                }
                Err(why) => skipped.push(SkippedKey { kid, why }),
            }
        }
        Ok((found, skipped))
    }

    /// The key that a token names; without a name, the only key that fits the algorithm.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&VerificationKey> {
        match kid {
            Some(kid) => self.keys.iter().find(|key| key.kid.as_deref() == Some(kid)),
            None => {
                let mut fitting = self.keys.iter().filter(|key| key.fits(algorithm));
                fitting.next().filter(|_| fitting.next().is_none())
            }
        }
    }

    /// How many keys can verify.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can verify.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl VerificationKey {
    /// The key that a JWK describes, and its thumbprint (RFC 7638, SHA-256, base64url).
    ///
    /// # Errors
    /// Why it cannot verify signatures safely.
    pub(crate) fn from_jwk(key: &Map<String, Value>) -> Result<(Self, String), &'static str> {
        let (material, pinned) = read(key)?;
        let members: &[&str] = match &material {
            Material::Ec { .. } => &["crv", "kty", "x", "y"],
            Material::Ed { .. } => &["crv", "kty", "x"],
            Material::Rsa { .. } => &["e", "kty", "n"],
        };
        // every member is a text of base64url or of the table above: nothing needs escaping
        let parts: Vec<String> = members
            .iter()
            .map(|name| format!("\"{name}\":\"{}\"", text(key, name).unwrap_or_default()))
            .collect();
        let digest = digest(&SHA256, format!("{{{}}}", parts.join(",")).as_bytes());
        Ok((Self { kid: None, pinned, material }, URL_SAFE_NO_PAD.encode(digest)))
    }

    /// The key of a `PUBLIC KEY` in PEM (RFC 7468 section 13), and the one algorithm that it verifies;
    /// for RSA that is PSS.
    ///
    /// # Errors
    /// Why it cannot verify signatures safely.
    pub fn from_pem(text: &str) -> Result<(Self, Algorithm), &'static str> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes())
            .map_err(|_| "it is no `PUBLIC KEY` in PEM")?;
        let (rest, spki) = SubjectPublicKeyInfo::from_der(spki.as_ref())
            .map_err(|_| "it is malformed within its PEM")?;
        if !rest.is_empty() {
            return Err("more follows within its PEM");
        }
        let raw = spki.subject_public_key.data.as_ref();
        let (material, algorithm) = match spki.parsed() {
            Ok(PublicKey::EC(_)) => match raw {
                [4, point @ ..] if point.len() == 64 => (
                    Material::Ec { algorithm: Algorithm::Es256, point: raw.to_vec() },
                    Algorithm::Es256,
                ),
                [4, point @ ..] if point.len() == 96 => (
                    Material::Ec { algorithm: Algorithm::Es384, point: raw.to_vec() },
                    Algorithm::Es384,
                ),
                _ => return Err("its curve is neither P-256 nor P-384"),
            },
            Ok(PublicKey::RSA(key)) => {
                let plain = |bytes: &[u8]| {
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    bytes.get(zeros..).unwrap_or_default().to_vec()
                };
                (rsa(plain(key.modulus), plain(key.exponent))?, Algorithm::Ps512)
            }
            _ if spki.algorithm.algorithm == OID_SIG_ED25519 && raw.len() == 32 => {
                (Material::Ed { public: raw.to_vec() }, Algorithm::EdDsa)
            }
            _ => return Err("its type is not known"),
        };
        Ok((Self { kid: None, pinned: Some(algorithm), material }, algorithm))
    }

    /// Whether this key may verify this algorithm: the key decides, never the token.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        let by_kind = match &self.material {
            Material::Ec { algorithm: own, .. } => *own == algorithm,
            Material::Ed { .. } => algorithm == Algorithm::EdDsa,
            Material::Rsa { .. } => matches!(
                algorithm,
                Algorithm::Ps256
                    | Algorithm::Ps384
                    | Algorithm::Ps512
                    | Algorithm::Rs256
                    | Algorithm::Rs384
                    | Algorithm::Rs512
            ),
        };
        by_kind && self.pinned.is_none_or(|pinned| pinned == algorithm)
    }

    /// Whether the signature over the message is this key's.
    #[must_use]
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        match &self.material {
            Material::Ed { public } => {
                UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
            }
            Material::Ec { algorithm, point } => {
                let scheme = match algorithm {
                    Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
                    Algorithm::Es512 => &ECDSA_P521_SHA512_FIXED,
                    Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
                    _ => return false,
                };
                UnparsedPublicKey::new(scheme, point).verify(message, signature).is_ok()
            }
            Material::Rsa { modulus, exponent } => {
                let scheme = match algorithm {
                    Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
                    Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
                    Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
                    Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
                    _ => return false,
                };
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(scheme, message, signature).is_ok()
            }
        }
    }
}

fn read(key: &Map<String, Value>) -> Result<(Material, Option<Algorithm>), &'static str> {
    if key.contains_key("d") || key.contains_key("p") {
        return Err("it holds a private part");
    }
    if key.contains_key("use") && text(key, "use") != Some("sig") {
        return Err("its `use` is not `sig`");
    }
    if let Some(operations) = key.get("key_ops") {
        let operations = operations.as_array().map(Vec::as_slice).unwrap_or_default();
        if !operations.iter().any(|operation| operation.as_str() == Some("verify")) {
            return Err("its `key_ops` do not allow `verify`");
        }
    }
    let pinned = match key.get("alg") {
        None => None,
        Some(name) => {
            let known = name.as_str().and_then(Algorithm::parse);
            Some(known.ok_or("its `alg` is not a signature algorithm that is known here")?)
        }
    };
    let material = material(key)?;
    let one = VerificationKey { kid: None, pinned, material: material.clone() };
    match pinned {
        Some(algorithm) if !one.fits(algorithm) => Err("its `alg` does not fit its type"),
        Some(_) | None => Ok((material, pinned)),
    }
}

fn material(key: &Map<String, Value>) -> Result<Material, &'static str> {
    match (text(key, "kty"), text(key, "crv")) {
        (Some("EC"), Some(curve)) => {
            let (algorithm, width) = match curve {
                "P-256" => (Algorithm::Es256, 32),
                "P-384" => (Algorithm::Es384, 48),
                "P-521" => (Algorithm::Es512, 66),
                _ => return Err("its curve is not known"),
            };
            let (x, y) = (bytes(key, "x")?, bytes(key, "y")?);
            if x.len() != width || y.len() != width {
                return Err("its coordinates have the wrong length");
            }
            Ok(Material::Ec { algorithm, point: [&[4][..], &x, &y].concat() })
        }
        (Some("OKP"), Some("Ed25519")) => {
            let public = bytes(key, "x")?;
            if public.len() == 32 { Ok(Material::Ed { public }) } else { Err("it is not 32 bytes") }
        }
        (Some("RSA"), None) => rsa(bytes(key, "n")?, bytes(key, "e")?),
        _ => Err("its type is not known"),
    }
}

fn rsa(modulus: Vec<u8>, exponent: Vec<u8>) -> Result<Material, &'static str> {
    // 2048 to 8192 bits, without leading zeros
    let width_ok = (256..=1024).contains(&modulus.len());
    let plain = modulus.first().is_some_and(|first| *first >= 0x80);
    if width_ok && plain && exponent.len() <= 8 {
        Ok(Material::Rsa { modulus, exponent })
    } else {
        Err("its modulus is shorter than 2048 bits, longer than 8192, or not plain")
    }
}

fn text<'a>(key: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    key.get(name).and_then(Value::as_str)
}

fn bytes(key: &Map<String, Value>, name: &str) -> Result<Vec<u8>, &'static str> {
    let text = text(key, name).ok_or("a part of it is missing")?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "a part of it is not base64url")
}
