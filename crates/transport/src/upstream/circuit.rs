//! Is there room for this request? Bounds over all workers; at a bound a request is refused at once
//! instead of making a slow upstream slower.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most of everything at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Requests under way.
    pub requests_max: usize,
    /// Requests that wait for a free connection.
    pub pending_max: usize,
    /// Requests that are being sent again.
    pub retries_max: usize,
}

/// Which bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Requests under way.
    Requests,
    /// Requests that wait.
    Pending,
    /// Requests that are being sent again.
    Retries,
}

impl Bound {
    /// In words.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::Requests => "too many requests under way",
            Self::Pending => "too many requests wait for a connection",
            Self::Retries => "too many requests are being sent again",
        }
    }
}

/// What is under way to one upstream.
#[derive(Debug)]
pub(crate) struct Circuit {
    rule: Rule,
    requests: AtomicUsize,
    pending: AtomicUsize,
    retries: AtomicUsize,
}

/// Room for one; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    circuit: Arc<Circuit>,
    bound: Bound,
}

impl Circuit {
    /// Nothing is under way.
    pub(crate) fn new(rule: Rule) -> Arc<Self> {
        let zero = || AtomicUsize::new(0);
        Arc::new(Self { rule, requests: zero(), pending: zero(), retries: zero() })
    }

    const fn counter(&self, bound: Bound) -> (&AtomicUsize, usize) {
        match bound {
            Bound::Requests => (&self.requests, self.rule.requests_max),
            Bound::Pending => (&self.pending, self.rule.pending_max),
            Bound::Retries => (&self.retries, self.rule.retries_max),
        }
    }

    /// Room for one more; `None` at the bound.
    pub(crate) fn enter(self: &Arc<Self>, bound: Bound) -> Option<Ticket> {
        let (counter, max) = self.counter(bound);
        if counter.fetch_add(1, Ordering::Relaxed) < max {
            return Some(Ticket { circuit: Arc::clone(self), bound });
        }
        counter.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.circuit.counter(self.bound).0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Circuit, Rule};

    #[test]
    fn room_is_bounded_and_given_back() {
        let circuit = Circuit::new(Rule { requests_max: 2, pending_max: 1, retries_max: 0 });
        let first = circuit.enter(Bound::Requests);
        let second = circuit.enter(Bound::Requests);
        assert!(first.is_some() && second.is_some());
        assert!(circuit.enter(Bound::Requests).is_none());
        assert!(circuit.enter(Bound::Retries).is_none());
        drop(first);
        assert!(circuit.enter(Bound::Requests).is_some());
        assert!(circuit.enter(Bound::Pending).is_some(), "bounds are counted apart");
    }
}
