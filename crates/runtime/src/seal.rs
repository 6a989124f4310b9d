//! How do personal facts stay readable to the operator and to nobody else? AES-256-GCM under a
//! key of this node; whoever erases the key erases them. The same key, used as an HMAC key under
//! a label of its own, turns a principal's name into a handle that cannot be guessed back.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_model::written::hex;

/// Length of the key in bytes.
const KEY_BYTES: usize = 32;

/// The node's sealing key.
pub struct SealKey {
    cipher: LessSafeKey,
    handles: hmac::Key,
    nonces: Nonces,
}

/// Nonces that do not repeat: counted from a place among all 2^96 that is drawn when the key is
/// read. Two of `n` processes that seal `m` texts each meet with a chance below n² m / 2^96, far
/// less than with a nonce drawn for each (NIST SP 800-38D section 8.3), which also costs more than
/// the sealing.
struct Nonces {
    first: u128,
    count: AtomicU64,
}

impl Nonces {
    /// `None` without randomness.
    fn new() -> Option<Self> {
        let mut first = [0; 16];
        rand::fill(&mut first).ok()?;
        Some(Self { first: u128::from_be_bytes(first), count: AtomicU64::new(0) })
    }

    fn next(&self) -> [u8; NONCE_LEN] {
        let count = u128::from(self.count.fetch_add(1, Ordering::Relaxed));
        let [_, _, _, _, nonce @ ..] = self.first.wrapping_add(count).to_be_bytes();
        nonce
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(..)")
    }
}

impl SealKey {
    /// Reads the key, or makes one readable by its owner only.
    ///
    /// # Errors
    /// When the file cannot be read or made, everybody may write it, or it does not hold 32 bytes.
    pub fn load_or_make(path: &Path) -> std::io::Result<Self> {
        match std::fs::File::open(path) {
            Ok(file) => {
                crate::private::check(path).map_err(std::io::Error::other)?;
                let mut bytes = Vec::new();
                file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?;
                Self::from_bytes(&bytes)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut bytes = [0; KEY_BYTES];
                rand::fill(&mut bytes).map_err(|_| std::io::Error::other("no randomness"))?;
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                let mut file =
                    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                Self::from_bytes(&bytes)
            }
            Err(error) => Err(error),
        }
    }

    fn from_bytes(bytes: &[u8]) -> std::io::Result<Self> {
        let invalid = || std::io::Error::new(ErrorKind::InvalidData, "a seal key has 32 bytes");
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| invalid())?;
        let root = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let derived = hmac::sign(&root, b"portcullis principal handle v1");
        let nonces = Nonces::new().ok_or_else(|| std::io::Error::other("no randomness"))?;
        Ok(Self {
            nonces,
            cipher: LessSafeKey::new(key),
            handles: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
        })
    }

    /// Seals a text; `label` is bound to it and must be given again to open it. `None` only for
    /// texts beyond the bounds of the cipher.
    #[must_use]
    pub fn seal(&self, label: &str, text: &str) -> Option<String> {
        let nonce = self.nonces.next();
        let length = NONCE_LEN.saturating_add(text.len()).saturating_add(AES_256_GCM.tag_len());
        let mut whole = Vec::with_capacity(length);
        whole.extend_from_slice(&nonce);
        whole.extend_from_slice(text.as_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let aad = Aad::from(label.as_bytes());
        let inside = whole.get_mut(NONCE_LEN..)?;
        let tag = self.cipher.seal_in_place_separate_tag(nonce, aad, inside).ok()?;
        whole.extend_from_slice(tag.as_ref());
        Some(URL_SAFE_NO_PAD.encode(whole))
    }

    /// Opens a sealed text; `None` if it, the label or the key is not the one that sealed it.
    #[must_use]
    pub fn open(&self, label: &str, sealed: &str) -> Option<String> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let rest = bytes.split_off_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(&bytes).ok()?;
        let mut rest = rest;
        let plain =
            self.cipher.open_in_place(nonce, Aad::from(label.as_bytes()), &mut rest).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }

    /// A handle for a name: equal for equal names under this key, 16 bytes in hexadecimal.
    #[must_use]
    pub fn handle(&self, name: &str) -> String {
        let tag = hmac::sign(&self.handles, name.as_bytes());
        tag.as_ref().get(..16).map(hex).unwrap_or_default()
    }
}

trait SplitOffChecked {
    fn split_off_checked(&mut self, at: usize) -> Option<Vec<u8>>;
}

impl SplitOffChecked for Vec<u8> {
    fn split_off_checked(&mut self, at: usize) -> Option<Vec<u8>> {
        (at <= self.len()).then(|| self.split_off(at))
    }
}

#[cfg(test)]
mod tests {
    use super::SealKey;

    #[test]
    fn opens_only_what_it_sealed_under_the_same_label() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let key = SealKey::load_or_make(&path).unwrap();
        let sealed = key.seal("r1/message", "alice").unwrap();
        let again = SealKey::load_or_make(&path).unwrap();
        assert_eq!(again.open("r1/message", &sealed).as_deref(), Some("alice"));
        assert_eq!(again.open("r2/message", &sealed), None);
        let flipped = sealed.replace(sealed.chars().last().unwrap(), "0");
        assert!(flipped == sealed || again.open("r1/message", &flipped).is_none());
        assert_eq!(key.handle("p|alice"), again.handle("p|alice"));
        assert_ne!(key.handle("p|alice"), key.handle("p|bob"));
    }
}
