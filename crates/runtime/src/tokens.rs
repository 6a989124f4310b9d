//! Was this very token verified before, under this snapshot?
//!
//! Keyed by the SHA-256 of the whole token and the snapshot's revision, so that no two tokens and
//! no two configurations ever share an answer (E15). Fixed size: a full set drops its oldest
//! entry, which costs a verification and nothing else. Only successes are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_identity::Authenticated;

/// Verifications kept per process.
const TOKENS_MAX: usize = 8192;

/// The cache.
#[derive(Debug, Default)]
pub struct Tokens {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    revision: Arc<str>,
    young: HashMap<[u8; 32], Arc<Authenticated>>,
    old: HashMap<[u8; 32], Arc<Authenticated>>,
}

impl Tokens {
    /// The caller that this token stands for, if it was verified under this revision.
    #[must_use]
    pub fn find(&self, revision: &str, digest: &[u8; 32]) -> Option<Arc<Authenticated>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept.revision != *revision {
            return None;
        }
        if let Some(found) = kept.young.get(digest) {
            return Some(Arc::clone(found));
        }
        // used entries move to the young half and so outlive the next change of halves
        let found = kept.old.remove(digest)?;
        kept.young.insert(*digest, Arc::clone(&found));
        Some(found)
    }

    /// Keeps a verification.
    pub fn keep(&self, revision: &Arc<str>, digest: [u8; 32], caller: Arc<Authenticated>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.revision != *revision {
            *kept = Kept { revision: Arc::clone(revision), ..Kept::default() };
        }
        if kept.young.len() >= TOKENS_MAX / 2 {
            kept.old = std::mem::take(&mut kept.young);
        }
        kept.young.insert(digest, caller);
    }

    /// Forgets everything: keys changed, and with them what is valid.
    pub fn clear(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }
}
