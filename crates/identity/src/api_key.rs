//! Is this API key one of ours? `pck_<id>_<secret>_<checksum>`: 96 bits of public id, 256 bits of
//! secret, 32 bits of checksum so that a typing error or a scanner is told from a wrong key
//! without any look-up. Only `HMAC-SHA-256(pepper, key)` is stored.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, rand};
use portcullis_model::{
    CredentialKind, CredentialRef, Principal, PrincipalKind, ProviderId, Reason, Timestamp,
};
use portcullis_reading::json;
use serde::{Deserialize, Serialize};

use crate::authenticated::{Authenticated, Refused, hex};

const PREFIX: &str = "pck";
const ID_BYTES: usize = 12;
const SECRET_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;
/// Shortest pepper in bytes: as strong as the hash.
const PEPPER_BYTES_MIN: usize = 32;
/// Largest key file in bytes: some ten thousand keys.
const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The secret that keys the stored hashes.
pub struct Pepper(hmac::Key);

impl Pepper {
    /// Takes the secret.
    ///
    /// # Errors
    /// When it has less than 32 bytes.
    pub fn new(secret: &[u8]) -> Result<Self, PepperTooShort> {
        if secret.len() < PEPPER_BYTES_MIN {
            return Err(PepperTooShort);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

/// The pepper has less than 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PepperTooShort;

impl fmt::Display for PepperTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pepper has at least {PEPPER_BYTES_MIN} bytes")
    }
}

impl std::error::Error for PepperTooShort {}

/// A key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredKey {
    /// Public id.
    pub id: String,
    /// Keyed hash of the key, hexadecimal.
    pub hash: String,
    /// Who holds it, in words.
    pub holder: String,
    /// Tenant, if it belongs to one.
    pub tenant: Option<String>,
    /// Granted scopes.
    pub scopes: BTreeSet<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops being valid.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// A key as it was shown: well-formed, not verified.
pub struct Presented {
    text: String,
    id: String,
}

impl Presented {
    /// Public id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented({}, ..)", self.id)
    }
}

/// All stored keys of a provider.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: HashMap<String, Arc<StoredKey>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    keys: Vec<StoredKey>,
}

impl Keyring {
    /// Reads a key file.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value = json::parse(bytes, &json::Bounds::new(8, FILE_BYTES_MAX))
            .map_err(|error| error.to_string())?;
        let file: KeyFile = serde_json::from_value(value).map_err(|error| error.to_string())?;
        if file.version != 1 {
            return Err(format!("version {} of the key file is not known", file.version));
        }
        let mut keys = HashMap::new();
        for key in file.keys {
            if let Some(twice) = keys.insert(key.id.clone(), Arc::new(key)) {
                return Err(format!("key `{}` stands twice", twice.id));
            }
        }
        Ok(Self { keys })
    }

    /// Writes a key file.
    #[must_use]
    pub fn render(keys: Vec<StoredKey>) -> String {
        serde_json::to_string_pretty(&KeyFile { version: 1, keys }).unwrap_or_default()
    }

    /// All keys, by time of making.
    #[must_use]
    pub fn all(&self) -> Vec<StoredKey> {
        let mut keys: Vec<StoredKey> = self.keys.values().map(|key| (**key).clone()).collect();
        keys.sort_by(|left, right| (left.created, &left.id).cmp(&(right.created, &right.id)));
        keys
    }

    /// The key of this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<StoredKey>> {
        self.keys.get(id).cloned()
    }
}

/// Reads a key as it was shown.
///
/// # Errors
/// `identify.credential_malformed`.
pub fn parse(text: &str) -> Result<Presented, Refused> {
    let malformed = |detail: &str| Refused::new(Reason::CredentialMalformed, detail);
    let mut parts = text.split('_');
    let (Some(PREFIX), Some(id), Some(secret), Some(sum), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("the API key does not have its four parts"));
    };
    let is_hex = |part: &str, bytes: usize| {
        part.len() == bytes * 2 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !is_hex(id, ID_BYTES) || !is_hex(secret, SECRET_BYTES) {
        return Err(malformed("a part of the API key has the wrong form"));
    }
    if sum != checksum(id, secret) {
        return Err(malformed("the checksum of the API key is wrong"));
    }
    Ok(Presented { text: text.to_owned(), id: id.to_owned() })
}

/// Verifies a key. An unknown id costs the same work as a wrong secret.
///
/// # Errors
/// Unknown, revoked or expired.
pub fn verify(
    presented: &Presented,
    stored: Option<&StoredKey>,
    pepper: &Pepper,
    provider: &ProviderId,
    now: Timestamp,
) -> Result<Authenticated, Refused> {
    let hash = hash(&presented.text, pepper);
    let expected = stored.map_or("", |key| key.hash.as_str());
    let equal: bool = subtle::ConstantTimeEq::ct_eq(hash.as_bytes(), expected.as_bytes()).into();
    let refused = |reason: Reason| Refused::new(reason, format!("key `{}`", presented.id));
    let key = match stored {
        Some(key) if equal && key.id == presented.id => key,
        Some(_) | None => return Err(refused(Reason::ApiKeyUnknown)),
    };
    if key.revoked.is_some() {
        return Err(refused(Reason::ApiKeyRevoked));
    }
    if key.expires.is_some_and(|expires| now >= expires) {
        return Err(refused(Reason::ApiKeyExpired));
    }
    Ok(Authenticated::verified(Principal {
        kind: PrincipalKind::ApiKey,
        provider: Some(provider.clone()),
        subject: key.id.clone(),
        tenant: key.tenant.clone(),
        scopes: key.scopes.clone(),
        credential: Some(CredentialRef {
            kind: CredentialKind::ApiKey,
            handle: key.id.clone(),
            issued_at: Some(key.created),
            expires_at: key.expires,
        }),
        ..Principal::anonymous()
    }))
}

/// A new key: its text, shown once, and its id and hash, to be stored. `None` without randomness.
#[must_use]
pub fn fresh(pepper: &Pepper) -> Option<(String, String, String)> {
    let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
    rand::fill(&mut id).ok()?;
    rand::fill(&mut secret).ok()?;
    let (id, secret) = (hex(&id), hex(&secret));
    let text = format!("{PREFIX}_{id}_{secret}_{}", checksum(&id, &secret));
    let hash = hash(&text, pepper);
    Some((text, id, hash))
}

fn hash(text: &str, pepper: &Pepper) -> String {
    hex(hmac::sign(&pepper.0, text.as_bytes()).as_ref())
}

fn checksum(id: &str, secret: &str) -> String {
    let digest = digest(&SHA256, format!("{PREFIX}_{id}_{secret}").as_bytes());
    hex(digest.as_ref().get(..CHECKSUM_BYTES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Keyring, Pepper, StoredKey, fresh, parse, verify};
    use portcullis_model::{Reason, Timestamp};

    fn key() -> (String, StoredKey, Pepper) {
        let pepper = Pepper::new(&[7; 32]).unwrap();
        let (text, id, hash) = fresh(&pepper).unwrap();
        let stored = StoredKey {
            id,
            hash,
            holder: "partner".into(),
            tenant: Some("acme".into()),
            scopes: ["orders:read".to_owned()].into(),
            created: Timestamp::from_secs(1),
            expires: Some(Timestamp::from_secs(100)),
            revoked: None,
        };
        (text, stored, pepper)
    }

    #[test]
    fn a_key_is_known_until_it_expires_or_is_revoked() {
        let (text, mut stored, pepper) = key();
        let presented = parse(&text).unwrap();
        let judge = |stored: Option<&StoredKey>, pepper: &Pepper, at| {
            verify(&presented, stored, pepper, &"p".into(), Timestamp::from_secs(at))
                .map_err(|refused| refused.reason)
        };
        let caller = judge(Some(&stored), &pepper, 50).unwrap();
        assert_eq!(caller.principal().tenant.as_deref(), Some("acme"));
        assert_eq!(judge(Some(&stored), &pepper, 100), Err(Reason::ApiKeyExpired));
        assert_eq!(judge(None, &pepper, 50), Err(Reason::ApiKeyUnknown));
        let other = Pepper::new(&[8; 32]).unwrap();
        assert_eq!(judge(Some(&stored), &other, 50), Err(Reason::ApiKeyUnknown));
        stored.revoked = Some(Timestamp::from_secs(2));
        assert_eq!(judge(Some(&stored), &pepper, 50), Err(Reason::ApiKeyRevoked));
    }

    #[test]
    fn a_changed_character_is_a_malformed_key() {
        let (text, _, _) = key();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            assert!(parse(std::str::from_utf8(&bytes).unwrap()).is_err(), "at {at}");
        }
    }

    #[test]
    fn a_key_file_is_read_back_and_holds_no_key() {
        let (text, stored, _) = key();
        let file = Keyring::render(vec![stored.clone()]);
        let secret = text.split('_').nth(2).unwrap();
        assert!(!file.contains(secret));
        let ring = Keyring::parse(file.as_bytes()).unwrap();
        assert_eq!(ring.find(&stored.id).as_deref(), Some(&stored));
        assert!(Keyring::parse(b"{\"version\":2,\"keys\":[]}").is_err());
    }
}
