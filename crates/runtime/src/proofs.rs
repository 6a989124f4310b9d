//! Was this proof seen before, and is its nonce ours? The window and the nonces of this process.
//!
//! Neither outlives the process nor reaches another: where proofs must have nonces, one that was made
//! for another process is refused here, so that what is not remembered cannot pass twice.

use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_identity::dpop::nonce::{Judged, Nonces};
use portcullis_limit::{Once, Seen};
use portcullis_model::Timestamp;

/// The window and the nonces.
#[derive(Debug)]
pub struct Proofs {
    once: Once,
    max: AtomicUsize,
    /// Nothing where there was no randomness: then no nonce counts.
    nonces: Option<Nonces>,
}

impl Proofs {
    /// An empty window for this many, and nonces under a fresh key.
    #[must_use]
    pub fn new(max: u32) -> Self {
        let mut key = [0; 32];
        let nonces = aws_lc_rs::rand::fill(&mut key).is_ok().then(|| Nonces::new(&key));
        let proofs = Self { once: Once::new(), max: AtomicUsize::new(0), nonces };
        proofs.hold(max);
        proofs
    }

    /// Remembers this many at once from now on.
    pub fn hold(&self, max: u32) {
        self.max.store(usize::try_from(max).unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// Whether it is the first of its name.
    #[must_use]
    pub fn first(&self, name: [u8; 16], until: Timestamp, now: Timestamp) -> Seen {
        self.once.insert(name, until, self.max.load(Ordering::Relaxed), now)
    }

    /// What is to be said of a nonce.
    #[must_use]
    pub fn nonce(&self, shown: Option<&str>, now: Timestamp) -> Judged {
        match &self.nonces {
            Some(nonces) => nonces.judge(shown, now),
            None => Judged { counts: false, next: None },
        }
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.once.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.once.is_empty()
    }
}
