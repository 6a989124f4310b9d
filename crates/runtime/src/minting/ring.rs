//! Which key signs now, and which will? A ring of three ES256 keys in a folder of the gateway's own: the
//! one that signs, its successor, which is published for a whole period before it signs, and its
//! predecessor, whose last tokens are long over when it goes. So whoever fetches the public keys now and
//! then never meets a token whose key it has not seen.
//!
//! The ring turns when somebody needs it and its time has come. Processes that share the folder (one
//! takes over from another) turn it one at a time, and the second finds it turned. A ring that cannot be
//! turned is used for one more period, and said; then nothing is signed.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use portcullis_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::acme::kept::write;
use crate::private;

/// The ring, for its owner alone.
const RING: &str = "ring.json";

/// Its public keys, for everybody.
const PUBLIC: &str = "jwks.json";

/// Held while the ring is turned.
const LOCK: &str = "lock";

/// Largest file of a ring in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A ring that could not be turned is tried again after this.
const AGAIN: Duration = Duration::from_secs(60);

/// A ring of keys.
#[derive(Debug)]
pub(super) struct Ring {
    folder: PathBuf,
    period: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    keys: Arc<Keys>,
    tried: Option<Timestamp>,
}

/// The keys between two turns.
pub(super) struct Keys {
    turned: Timestamp,
    kid: String,
    pair: EcdsaKeyPair,
    public: Bytes,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({}, ..)", self.kid)
    }
}

/// The ring as it is kept. Keys are PKCS #8 in base64url.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// When the present key began to sign.
    turned: Timestamp,
    previous: Option<String>,
    current: String,
    next: String,
}

impl Ring {
    /// Opens the ring of a folder; makes one where there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, or others may read it.
    pub(super) fn open(folder: &Path, period: Duration, now: Timestamp) -> io::Result<Self> {
        let keys = turn(folder, period, now)?;
        let state = Mutex::new(State { keys: Arc::new(keys), tried: None });
        Ok(Self { folder: folder.to_owned(), period, state })
    }

    /// Whether it is the ring of this folder that turns as often.
    pub(super) fn is(&self, folder: &Path, period: Duration) -> bool {
        self.folder == folder && self.period == period
    }

    /// The keys of this moment; `None` where the ring should have been turned long ago.
    pub(super) fn at(&self, now: Timestamp) -> Option<Arc<Keys>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now >= state.keys.turned.plus(self.period);
        if due && state.tried.is_none_or(|tried| now.since(tried) >= AGAIN) {
            state.tried = Some(now);
            match turn(&self.folder, self.period, now) {
                Ok(keys) => *state = State { keys: Arc::new(keys), tried: None },
                Err(error) => {
                    let folder = self.folder.display();
                    tracing::error!(%folder, %error, "the key of our tokens cannot be changed");
                }
            }
        }
        let longest = self.period.saturating_mul(2);
        (now < state.keys.turned.plus(longest)).then(|| Arc::clone(&state.keys))
    }
}

impl Keys {
    /// Names the key that signs.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs (RFC 7518 section 3.4). `None` without randomness.
    pub(super) fn sign(&self, input: &[u8]) -> Option<Vec<u8>> {
        let signature = self.pair.sign(&SystemRandom::new(), input).ok()?;
        Some(signature.as_ref().to_vec())
    }

    /// All three public keys, as a JWK set.
    pub(super) fn public(&self) -> Bytes {
        self.public.clone()
    }

    fn read(written: &Written) -> io::Result<Self> {
        let current = pair(&written.current)?;
        let mut set = vec![jwk(&current), jwk(&pair(&written.next)?)];
        if let Some(previous) = &written.previous {
            set.push(jwk(&pair(previous)?));
        }
        Ok(Self {
            turned: written.turned,
            kid: thumbprint(&current),
            public: Bytes::from(json!({ "keys": set }).to_string()),
            pair: current,
        })
    }
}

/// The ring of a folder, turned if its time has come, made if there is none.
fn turn(folder: &Path, period: Duration, now: Timestamp) -> io::Result<Keys> {
    let path = folder.join(RING);
    make(folder)?;
    let lock = File::options().create(true).append(true).open(folder.join(LOCK))?;
    lock.lock()?;
    let standing = match read(&path) {
        Ok(written) if now < written.turned.plus(period) => {
            let keys = Keys::read(&written)?;
            return publish(folder, &keys).map(|()| keys);
        }
        Ok(written) => Some(written),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let written = match standing {
        None => Written { turned: now, previous: None, current: fresh()?, next: fresh()? },
        Some(was) => {
            Written { turned: now, previous: Some(was.current), current: was.next, next: fresh()? }
        }
    };
    let keys = Keys::read(&written)?;
    write(&path, &serde_json::to_string(&written)?)?;
    publish(folder, &keys)?;
    tracing::info!(kid = keys.kid, "this key signs our tokens now");
    Ok(keys)
}

/// The folder, for its owner alone.
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn read(path: &Path) -> io::Result<Written> {
    let file = File::open(path)?;
    private::check_key(path).map_err(io::Error::other)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// Writes the public keys beside, where they are not there already.
fn publish(folder: &Path, keys: &Keys) -> io::Result<()> {
    let path = folder.join(PUBLIC);
    let text = String::from_utf8_lossy(&keys.public);
    if std::fs::read_to_string(&path).is_ok_and(|standing| standing == text) {
        return Ok(());
    }
    write(&path, &text)
}

fn fresh() -> io::Result<String> {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new());
    let document = document.map_err(|_| io::Error::other("there is no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(document.as_ref()))
}

fn pair(text: &str) -> io::Result<EcdsaKeyPair> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "a key of the ring is malformed");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes).map_err(|_| invalid())
}

/// The point's coordinates (SEC 1 section 2.3.3, uncompressed).
fn coordinates(pair: &EcdsaKeyPair) -> (String, String) {
    let point = pair.public_key().as_ref();
    let encoded = |range| URL_SAFE_NO_PAD.encode(point.get(range).unwrap_or_default());
    (encoded(1..33), encoded(33..65))
}

/// RFC 7638.
fn thumbprint(pair: &EcdsaKeyPair) -> String {
    let (x, y) = coordinates(pair);
    let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

fn jwk(pair: &EcdsaKeyPair) -> Value {
    let (x, y) = coordinates(pair);
    let kid = thumbprint(pair);
    json!({
        "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256", "use": "sig",
    })
}

#[cfg(test)]
mod tests;
