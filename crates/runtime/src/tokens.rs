//! Was this very token verified before, under this snapshot?
//!
//! Keyed by the SHA-256 of the whole token, the snapshot's revision and the epoch of the issuers'
//! keys, so that no two tokens and no two configurations ever share an answer (E15) and a change of
//! keys forgets everything at once, whoever fetched them (E13). Fixed size: a full half pushes out
//! the older half, which costs verifications and nothing else. Only successes are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_identity::Authenticated;
use portcullis_model::Timestamp;

/// A verification counts for this long; then the signature and the issuer's keys are looked at
/// again, so that a key which its issuer withdrew is not believed for a token's whole life.
const FRESH_FOR: Duration = Duration::from_secs(60);

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
    epoch: u64,
    young: HashMap<[u8; 32], Entry>,
    old: HashMap<[u8; 32], Entry>,
}

type Entry = (Arc<Authenticated>, Timestamp);

impl Tokens {
    /// The caller that this token stands for, if it was verified under this revision and epoch.
    #[must_use]
    pub fn find(
        &self,
        revision: &str,
        epoch: u64,
        digest: &[u8; 32],
        now: Timestamp,
    ) -> Option<Arc<Authenticated>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept.revision != *revision || kept.epoch != epoch {
            return None;
        }
        let fresh = |(_, since): &Entry| now.since(*since) < FRESH_FOR && *since <= now;
        if let Some((found, _)) = kept.young.get(digest).filter(|entry| fresh(entry)) {
            return Some(Arc::clone(found));
        }
        // used entries move to the young half and so outlive the next change of halves
        let entry = kept.old.remove(digest).filter(fresh)?;
        kept.admit(*digest, entry.clone());
        Some(entry.0)
    }

    /// Keeps a verification. `epoch` is that of before its keys were read: they may have changed
    /// since, and then it is never found.
    pub fn keep(
        &self,
        revision: &Arc<str>,
        epoch: u64,
        digest: [u8; 32],
        caller: Arc<Authenticated>,
        now: Timestamp,
    ) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.revision != *revision || kept.epoch < epoch {
            *kept = Kept { revision: Arc::clone(revision), epoch, ..Kept::default() };
        }
        if kept.epoch > epoch {
            return;
        }
        kept.admit(digest, (caller, now));
    }
}

impl Kept {
    fn admit(&mut self, digest: [u8; 32], entry: Entry) {
        if self.young.len() >= TOKENS_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, entry);
    }
}
