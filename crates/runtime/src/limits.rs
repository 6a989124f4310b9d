//! How much has been used? The counters of this process, behind the guard and the declared
//! limits.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_config::Declaration;
use portcullis_config::declaration::LimitRule;
use portcullis_core::facts::{Guarded, LimitClaim, LimitsFact};
use portcullis_limit::{Buckets, Quota, Slots, Taken};
use portcullis_model::written;
use portcullis_model::{LimitId, Timestamp};

/// Keys counted at once; beyond them counters are shared, which refuses more, never less.
const KEYS_MAX: usize = 1 << 16;

/// Requests at once that are told apart.
const CONCURRENT_MAX: usize = 1 << 14;

/// The counters.
#[derive(Debug)]
pub struct Limits {
    counters: Arc<Counters>,
    rules: BTreeMap<LimitId, LimitRule>,
    address: Quota,
    failures: Quota,
}

#[derive(Debug)]
struct Counters {
    seed: u64,
    rates: Buckets,
    guards: Buckets,
    slots: Arc<Slots>,
    /// How often each limit refused; at most as many as are declared.
    refused: Mutex<BTreeMap<LimitId, u64>>,
}

/// Concurrency slots that a request holds; given back when it is dropped, however the request ends.
#[derive(Debug, Default)]
pub struct Held {
    keys: Vec<u64>,
    slots: Option<Arc<Slots>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(slots) = &self.slots else { return };
        for key in self.keys.drain(..) {
            slots.leave(key);
        }
    }
}

impl Limits {
    /// Empty counters for a declaration. `seed` keys the hashes, so that nobody can aim at a slot.
    #[must_use]
    pub fn new(declaration: &Declaration, seed: u64) -> Self {
        let counters = Counters {
            seed,
            rates: Buckets::new(KEYS_MAX),
            guards: Buckets::new(KEYS_MAX),
            slots: Arc::new(Slots::new(CONCURRENT_MAX)),
            refused: Mutex::default(),
        };
        Self::over(Arc::new(counters), declaration)
    }

    /// The rules of another declaration over the same counters.
    #[must_use]
    pub fn renewed(&self, declaration: &Declaration) -> Self {
        self.refused().retain(|limit, _| declaration.limits.contains_key(limit));
        Self::over(Arc::clone(&self.counters), declaration)
    }

    /// How often each limit has refused.
    #[must_use]
    pub fn refusals(&self) -> Vec<(LimitId, u64)> {
        self.refused().iter().map(|(limit, count)| (limit.clone(), *count)).collect()
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<LimitId, u64>> {
        self.counters.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn over(counters: Arc<Counters>, declaration: &Declaration) -> Self {
        let guards = &declaration.guards;
        let per = |amount: NonZeroU32, window| Quota { amount, window, burst: amount };
        Self {
            counters,
            rules: declaration.limits.iter().map(|(id, limit)| (id.clone(), limit.rule)).collect(),
            address: per(guards.address_rate, Duration::from_secs(1)),
            failures: per(guards.failure_rate, Duration::from_secs(60)),
        }
    }

    /// Takes one request of an address and looks whether it may still show credentials.
    #[must_use]
    pub fn guard(&self, address: IpAddr, now: Timestamp) -> Guarded {
        let text = written::address(portcullis_limit::client(address));
        let request = self.counters.guards.take(self.key(&["request", &text]), &self.address, now);
        let failures =
            self.counters.guards.peek(self.key(&["failure", &text]), &self.failures, now);
        let wait = |taken: &Taken| match taken {
            Taken::Admitted { .. } => 0,
            Taken::Refused { retry_after } => secs(*retry_after),
        };
        Guarded {
            admitted: matches!(request, Taken::Admitted { .. }),
            failures_left: matches!(failures, Taken::Admitted { .. }),
            retry_after_secs: wait(&request).max(wait(&failures)),
        }
    }

    /// Counts a refused credential against an address.
    pub fn count_failure(&self, address: IpAddr, now: Timestamp) {
        let key = self.key(&["failure", &written::address(portcullis_limit::client(address))]);
        // an allowance that is used up already needs no further count
        let _taken: Taken = self.counters.guards.take(key, &self.failures, now);
    }

    /// Takes from all of these limits, or from none.
    pub fn take(&self, claims: &[LimitClaim], held: &mut Held, now: Timestamp) -> LimitsFact {
        for claim in claims {
            if let Some(LimitRule::Rate { .. }) = self.rules.get(&claim.limit)
                && let Some(Taken::Refused { retry_after }) = self.rate(claim, now, true)
            {
                return self.exhausted(claim, false, secs(retry_after));
            }
        }
        for claim in claims {
            if let Some(LimitRule::Concurrent(max)) = self.rules.get(&claim.limit) {
                let key = self.claim_key(claim);
                if !self.counters.slots.enter(key, *max) {
                    *held = Held::default();
                    return self.exhausted(claim, true, 1);
                }
                held.slots = Some(Arc::clone(&self.counters.slots));
                held.keys.push(key);
            }
        }
        let mut taken = Vec::new();
        for claim in claims {
            match self.rate(claim, now, false) {
                None => {}
                Some(Taken::Refused { retry_after }) => {
                    *held = Held::default();
                    return self.exhausted(claim, false, secs(retry_after));
                }
                Some(admitted) => taken.push((claim.limit.clone(), admitted)),
            }
        }
        LimitsFact::Taken(taken)
    }

    fn exhausted(&self, claim: &LimitClaim, concurrent: bool, wait_secs: u64) -> LimitsFact {
        let mut refused = self.refused();
        let count = refused.entry(claim.limit.clone()).or_default();
        *count = count.saturating_add(1);
        LimitsFact::Exhausted {
            limit: claim.limit.clone(),
            concurrent,
            retry_after_secs: wait_secs,
        }
    }

    fn rate(&self, claim: &LimitClaim, now: Timestamp, only_look: bool) -> Option<Taken> {
        let Some(LimitRule::Rate { amount, window, burst }) = self.rules.get(&claim.limit) else {
            return None;
        };
        let quota = Quota { amount: *amount, window: *window, burst: *burst };
        let key = self.claim_key(claim);
        Some(if only_look {
            self.counters.rates.peek(key, &quota, now)
        } else {
            self.counters.rates.take(key, &quota, now)
        })
    }

    fn claim_key(&self, claim: &LimitClaim) -> u64 {
        let mut parts = vec![claim.limit.as_str()];
        parts.extend(claim.key.iter().map(String::as_str));
        self.key(&parts)
    }

    fn key(&self, parts: &[&str]) -> u64 {
        portcullis_limit::key(self.counters.seed, parts)
    }
}

/// Whole seconds, rounded up.
fn secs(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}
