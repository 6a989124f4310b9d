//! What was answered a moment ago? In fixed size, by token and revision.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_identity::introspection::Answer;
use portcullis_model::Timestamp;

/// Answers kept per issuer.
const ANSWERS_MAX: usize = 4096;

/// Answers of one issuer.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    revision: Arc<str>,
    young: HashMap<[u8; 32], Entry>,
    old: HashMap<[u8; 32], Entry>,
}

type Entry = (Arc<Answer>, Timestamp);

impl Kept {
    /// The answer about a token, and when it was given.
    pub(super) fn find(&self, revision: &str, digest: &[u8; 32]) -> Option<Entry> {
        let halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *halves.revision != *revision {
            return None;
        }
        halves.young.get(digest).or_else(|| halves.old.get(digest)).cloned()
    }

    /// Keeps an answer. Those of another revision are forgotten.
    pub(super) fn keep(
        &self,
        revision: &Arc<str>,
        digest: [u8; 32],
        answer: Arc<Answer>,
        as_of: Timestamp,
    ) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if halves.revision != *revision {
            *halves = Halves { revision: Arc::clone(revision), ..Halves::default() };
        }
        if halves.young.len() >= ANSWERS_MAX / 2 {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(digest, (answer, as_of));
    }
}
