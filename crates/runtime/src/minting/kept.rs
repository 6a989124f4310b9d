//! Was a token signed for this very order, and has it time left? Kept by everything that a token depends
//! on, so that no two callers, credentials, upstreams, operations or sets of scopes ever share one.
//! Fixed size: a full half pushes out the older half, which costs signatures and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_identity::minted::{Order, Signed};
use portcullis_model::Timestamp;

/// Tokens kept per process.
const TOKENS_MAX: usize = 8192;

/// A token is given again until this part of its life is left.
const LEFT_PART: u32 = 3;

/// Tokens by their orders.
#[derive(Debug, Default)]
pub(super) struct Kept {
    halves: Mutex<Halves>,
}

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<Order, Arc<Signed>>,
    old: HashMap<Order, Arc<Signed>>,
}

impl Kept {
    /// The token of an order.
    pub(super) fn find(&self, order: &Order, now: Timestamp) -> Option<Arc<Signed>> {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signed) = halves.young.get(order).filter(|signed| is_fresh(signed, now)) {
            return Some(Arc::clone(signed));
        }
        let (order, signed) = halves.old.remove_entry(order)?;
        if !is_fresh(&signed, now) {
            return None;
        }
        // used ones move to the young half and so outlive the next change of halves
        halves.admit(order, Arc::clone(&signed));
        Some(signed)
    }

    /// Keeps a token.
    pub(super) fn keep(&self, order: Order, signed: Arc<Signed>) {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner).admit(order, signed);
    }
}

impl Halves {
    fn admit(&mut self, order: Order, signed: Arc<Signed>) {
        if self.young.len() >= TOKENS_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(order, signed);
    }
}

fn is_fresh(signed: &Signed, now: Timestamp) -> bool {
    let life = signed.expires_at.since(signed.issued_at);
    let left = life.checked_div(LEFT_PART).unwrap_or_default();
    signed.issued_at <= now && now.plus(left) < signed.expires_at
}
