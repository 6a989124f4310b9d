//! What do all parts of a run share? The weather, the tally, the numbers, who vouches for tokens now,
//! and whether it is over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portcullis_testkit::{Dialer, Issuer};

use super::asked::{Expect, Got, Numbers, judge};
use super::estate::{Addresses, STALE_AFTER};
use super::ledger::Told;
use super::resources::Serving;
use super::tally::{Tally, Verdict};
use super::upstream::Notes;
use super::weather::{Fault, Weather};

/// After its keys may be believed no more, requests on their way may still be answered for so long.
const ON_THEIR_WAY: Duration = Duration::from_secs(2);

/// Who vouches for tokens.
#[derive(Clone, Debug)]
pub(super) struct Vouching {
    /// Now.
    pub(super) issuer: Arc<Issuer>,
    /// Counts the keys.
    pub(super) generation: u64,
    /// The last key that was withdrawn, and when.
    pub(super) withdrawn: Option<(Arc<Issuer>, Instant)>,
}

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) addresses: Addresses,
    pub(super) dialer: Dialer,
    pub(super) dialer_http2: Dialer,
    pub(super) billing: Dialer,
    pub(super) key: String,
    pub(super) weather: Arc<Weather>,
    pub(super) tally: Arc<Tally>,
    pub(super) notes: Arc<Notes>,
    pub(super) numbers: Numbers,
    pub(super) told: Told,
    pub(super) serving: Serving,
    pub(super) vouching: Mutex<Vouching>,
    pub(super) over: AtomicBool,
}

impl Run {
    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Sleeps, unless it is over before that.
    pub(super) fn sleep(&self, long: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < long && !self.is_over() {
            std::thread::sleep(Duration::from_millis(50).min(long));
        }
    }

    /// Who vouches for tokens now.
    pub(super) fn vouching(&self) -> Vouching {
        self.vouching.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another key vouches from now on.
    pub(super) fn vouch(&self, vouching: Vouching) {
        *self.vouching.lock().unwrap_or_else(PoisonError::into_inner) = vouching;
    }

    /// Judges what came of a request that was begun then.
    pub(super) fn settle(&self, client: &str, begun: Instant, expect: &Expect, got: &Got) -> bool {
        let under = self.weather.under(begun, Instant::now());
        let closed = self.weather.lasted(Fault::IssuerDown, STALE_AFTER + ON_THEIR_WAY, begun);
        let verdict = judge(expect, got, under, closed);
        self.tally.judged(client, under, &verdict);
        if let Got::Whole(answer) = got
            && answer.status != 101
            && !answer.id().is_empty()
        {
            self.told.push(answer.id());
        }
        matches!(verdict, Verdict::Right | Verdict::Refused)
    }
}
