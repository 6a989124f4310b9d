//! How often was this request sent, and where? Every further time takes from the count of its
//! request, from the retries under way, and from the budget of its upstream.

use std::sync::Arc;

use super::circuit::{Bound, Ticket};
use super::endpoint::Endpoint;
use super::observer::Event;
use super::shared::Upstream;

/// The tries of one request.
#[derive(Debug)]
pub(crate) struct Tries {
    left: u32,
    /// Endpoints that were asked.
    pub(crate) tried: Vec<u64>,
    /// The endpoint that is asked next, over a fresh connection.
    pub(crate) same: Option<Arc<Endpoint>>,
    retrying: Option<Ticket>,
}

impl Tries {
    /// None yet.
    pub(crate) const fn new(attempts_max: u32) -> Self {
        Self { left: attempts_max, tried: Vec::new(), same: None, retrying: None }
    }

    /// Whether there may be another, so that the request is worth a copy.
    pub(crate) const fn may_copy(&self) -> bool {
        self.left > 0
    }

    /// Takes another try; whether there is one.
    pub(crate) fn take(&mut self, upstream: &Upstream) -> bool {
        if self.left == 0 {
            return false;
        }
        if self.retrying.is_none() {
            let Ok(ticket) = upstream.enter(Bound::Retries) else { return false };
            self.retrying = Some(ticket);
        }
        if !upstream.budget.take() {
            return false;
        }
        self.left = self.left.saturating_sub(1);
        upstream.saw(Event::Retried);
        true
    }
}
