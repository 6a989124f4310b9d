//! How does an upstream learn that a request came through here? It is signed (RFC 9421) with a key of
//! ours, after everything that is sent stands: what was judged is what is covered.
//!
//! What a caller signed was for us; none of it is beside our signature.

use std::path::Path;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue};
use portcullis_config::declaration::{SecretRef, SigningKey, StreamKind, UpstreamSignature};
use portcullis_core::forward::Outgoing;
use portcullis_identity::content_digest::{CONTENT_DIGEST, ContentDigest};
use portcullis_identity::secrets::SECRET_BYTES_MIN;
use portcullis_identity::signature::{SIGNATURE, SIGNATURE_INPUT, View, base};
use portcullis_model::Timestamp;
use portcullis_reading::structured::{Bare, Item, Parameters, list};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;

use crate::private;
use crate::stores::resolve;

/// Bytes of a nonce.
const NONCE_BYTES: usize = 16;

/// Signs requests to one upstream.
pub struct Signer {
    keyid: String,
    key: Key,
    components: Vec<String>,
    scheme: &'static str,
}

enum Key {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(Box<hmac::Key>),
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.keyid)
    }
}

impl Signer {
    /// As declared, for an upstream that speaks TLS or not.
    ///
    /// # Errors
    /// Says which file or variable cannot be used; never what it holds.
    pub fn open(declared: &UpstreamSignature, tls: bool, folder: &Path) -> Result<Self, String> {
        let key = match &declared.key {
            SigningKey::Private(secret) => {
                if let SecretRef::File(path) = secret {
                    let checked = private::check_key(&folder.join(path));
                    checked.map_err(|why| format!("`{path}`: {why}"))?;
                }
                private_key(&resolve(secret, folder)?)?
            }
            SigningKey::Shared(secret) => {
                let bytes = resolve(secret, folder)?;
                if bytes.len() < SECRET_BYTES_MIN {
                    return Err("the secret of its signatures is shorter than 16 bytes".to_owned());
                }
                Key::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
            }
        };
        Ok(Self {
            keyid: declared.keyid.clone(),
            key,
            components: declared.components.clone(),
            scheme: if tls { "https" } else { "http" },
        })
    }

    /// Signs a request that is about to be sent.
    ///
    /// # Errors
    /// When there is no randomness, or what is to be covered cannot be; then it must not be sent.
    pub fn sign(&self, outgoing: &mut Outgoing, now: Timestamp) -> Result<(), String> {
        for name in [SIGNATURE, SIGNATURE_INPUT, CONTENT_DIGEST] {
            outgoing.headers.remove(name);
        }
        if self.components.iter().any(|name| name == CONTENT_DIGEST.as_str()) {
            if outgoing.stream.as_ref().is_some_and(|stream| stream.kind == StreamKind::Grpc) {
                return Err("the body of a stream has no digest to sign".to_owned());
            }
            if !outgoing.body.is_empty() {
                let digest = ContentDigest::field(&outgoing.body);
                outgoing.headers.insert(CONTENT_DIGEST, value(&digest)?);
            }
        }
        let has = |name: &&String| {
            name.starts_with('@')
                || name.parse::<HeaderName>().is_ok_and(|name| outgoing.headers.contains_key(name))
        };
        let item = |name: &String| Item { bare: Bare::Text(name.clone()), parameters: Vec::new() };
        let items: Vec<Item> = self.components.iter().filter(has).map(item).collect();
        let parameters = self.parameters(now)?;
        let host = outgoing.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        let authority = host.unwrap_or_default().to_owned();
        let (path, query) = match outgoing.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (outgoing.target.as_str(), None),
        };
        let view = View {
            method: outgoing.method.as_str(),
            scheme: self.scheme,
            authority: &authority,
            path,
            query,
            pairs: &[],
            headers: &outgoing.headers,
        };
        let base = base(&items, &parameters, &view)?;
        let input = format!("portcullis={}", list(&items, &parameters));
        let signature = format!("portcullis=:{}:", STANDARD.encode(self.tag(base.as_bytes())?));
        outgoing.headers.insert(SIGNATURE_INPUT, value(&input)?);
        outgoing.headers.insert(SIGNATURE, value(&signature)?);
        Ok(())
    }

    fn parameters(&self, now: Timestamp) -> Result<Parameters, String> {
        let mut nonce = [0; NONCE_BYTES];
        fill(&mut nonce).map_err(|_| "there is no randomness".to_owned())?;
        let created = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let algorithm = match &self.key {
            Key::Ecdsa(_) => "ecdsa-p256-sha256",
            Key::Ed25519(_) => "ed25519",
            Key::Hmac(_) => "hmac-sha256",
        };
        let text = |text: &str| Bare::Text(text.to_owned());
        Ok(vec![
            ("created".to_owned(), Bare::Integer(created)),
            ("keyid".to_owned(), text(&self.keyid)),
            ("alg".to_owned(), text(algorithm)),
            ("nonce".to_owned(), text(&URL_SAFE_NO_PAD.encode(nonce))),
        ])
    }

    fn tag(&self, base: &[u8]) -> Result<Vec<u8>, String> {
        Ok(match &self.key {
            Key::Hmac(key) => hmac::sign(key, base).as_ref().to_vec(),
            Key::Ed25519(key) => key.sign(base).as_ref().to_vec(),
            Key::Ecdsa(key) => {
                let signed = key.sign(&SystemRandom::new(), base);
                signed.map_err(|_| "it cannot be signed".to_owned())?.as_ref().to_vec()
            }
        })
    }
}

fn private_key(pem: &[u8]) -> Result<Key, String> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem);
    let der = der.map_err(|_| "the key of its signatures is no `PRIVATE KEY` in PEM".to_owned())?;
    let bytes = der.secret_pkcs8_der();
    if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes) {
        return Ok(Key::Ed25519(key));
    }
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes);
    key.map(Key::Ecdsa)
        .map_err(|_| "the key of its signatures is of neither Ed25519 nor P-256".to_owned())
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| "what is signed is no field".to_owned())
}
