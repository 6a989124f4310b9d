//! Which endpoint answers so badly that it had better rest? One that fails several times one after
//! another is ejected for a while, longer each time up to a bound; never more than a declared
//! share of all, and never the last.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::endpoint::Endpoint;

/// When an endpoint is ejected, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Failures one after another: no answer, an invalid one, one that breaks off, or 502, 503, 504.
    pub consecutive_failures: u32,
    /// How long for the first time; twice as long each further time.
    pub eject_for: Duration,
    /// How long at most. Whoever was back for as long as this begins anew.
    pub eject_for_max: Duration,
    /// Largest share of endpoints that is ejected at once, in percent.
    pub ejected_percent_max: u8,
}

/// The judge of one upstream's endpoints.
#[derive(Debug)]
pub(crate) struct Outlier {
    rule: Rule,
    /// Held while one is ejected, so that two workers do not eject one too many.
    ejecting: Mutex<()>,
}

impl Outlier {
    /// A judge under this rule.
    pub(crate) const fn new(rule: Rule) -> Self {
        Self { rule, ejecting: Mutex::new(()) }
    }

    /// An endpoint answered well.
    pub(crate) fn good(endpoint: &Endpoint) {
        if endpoint.failures.load(Ordering::Relaxed) != 0 {
            endpoint.failures.store(0, Ordering::Relaxed);
        }
    }

    /// An endpoint failed; whether it was ejected for it.
    pub(crate) fn failed(&self, endpoint: &Endpoint, all: &[Arc<Endpoint>]) -> bool {
        let failures = endpoint.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < self.rule.consecutive_failures || endpoint.is_ejected() {
            return false;
        }
        let _only_one = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        let ejected = all.iter().filter(|one| one.is_ejected()).count();
        let share = all.len().saturating_mul(usize::from(self.rule.ejected_percent_max)) / 100;
        if endpoint.is_ejected() || ejected >= share.min(all.len().saturating_sub(1)) {
            return false;
        }
        if endpoint.back_for().is_some_and(|back| back >= millis(self.rule.eject_for_max)) {
            endpoint.ejections.store(0, Ordering::Relaxed);
        }
        let before = endpoint.ejections.fetch_add(1, Ordering::Relaxed);
        endpoint.failures.store(0, Ordering::Relaxed);
        endpoint.eject(self.rule.length(before));
        true
    }
}

impl Rule {
    /// How many milliseconds an endpoint rests that was ejected so often before.
    fn length(&self, before: u32) -> u64 {
        let doubled = 1_u64.checked_shl(before).unwrap_or(u64::MAX);
        millis(self.eject_for).saturating_mul(doubled).min(millis(self.eject_for_max))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Outlier, Rule};
    use crate::upstream::endpoint::{Authority, Endpoint};
    use std::sync::Arc;
    use std::time::Duration;

    fn endpoints(count: u16) -> Vec<Arc<Endpoint>> {
        let one = |port: u16| {
            let authority = Authority { host: "127.0.0.1".to_owned(), port };
            Endpoint::new(authority, ([127, 0, 0, 1], port).into())
        };
        (1..=count).map(one).collect()
    }

    fn judge(percent: u8) -> Outlier {
        Outlier::new(Rule {
            consecutive_failures: 3,
            eject_for: Duration::from_millis(400),
            eject_for_max: Duration::from_secs(1),
            ejected_percent_max: percent,
        })
    }

    #[test]
    fn only_failures_one_after_another_count() {
        let (judge, all) = (judge(50), endpoints(4));
        for _ in 0..10 {
            assert!(!judge.failed(&all[0], &all) && !judge.failed(&all[0], &all));
            Outlier::good(&all[0]);
        }
        let verdicts: Vec<bool> = (0..3).map(|_| judge.failed(&all[0], &all)).collect();
        assert_eq!(verdicts, [false, false, true]);
        assert!(all[0].is_ejected() && !all[0].is_available());
    }

    #[test]
    fn ejections_grow_to_their_bound_and_end() {
        let judge = judge(100);
        let lengths: Vec<u64> = [0, 1, 2, 3, 63, 64, u32::MAX]
            .into_iter()
            .map(|before| judge.rule.length(before))
            .collect();
        assert_eq!(lengths, [400, 800, 1000, 1000, 1000, 1000, 1000]);
        let all = endpoints(2);
        assert!((0..3).any(|_| judge.failed(&all[0], &all)));
        assert!(all[0].is_ejected() && all[0].back_for().is_none());
        std::thread::sleep(Duration::from_millis(500));
        assert!(all[0].is_available() && all[0].back_for().is_some());
    }

    #[test]
    fn never_more_than_the_share_and_never_the_last() {
        for (count, percent, most) in [(4, 50, 2), (4, 100, 3), (1, 100, 0), (3, 10, 0)] {
            let (judge, all) = (judge(percent), endpoints(count));
            for endpoint in &all {
                for _ in 0..9 {
                    judge.failed(endpoint, &all);
                }
            }
            let ejected = all.iter().filter(|one| one.is_ejected()).count();
            assert_eq!(ejected, most, "{percent} % of {count}");
        }
    }
}
