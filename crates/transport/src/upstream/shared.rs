//! What do all workers know of one upstream? Its endpoints and how they fare, what is under way to
//! it, and what is left of its budget for retries. One per process; pools of connections are not.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderName;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::balance;
use super::circuit::{Bound, Circuit, Ticket};
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::observer::{Endpoints, Event, Observer};
use super::outlier::Outlier;
use super::resolve::{Known, Resolver, Unresolved};
use super::retry::Budget;
use super::target::Target;

/// One upstream.
#[derive(Debug)]
pub struct Upstream {
    target: Target,
    members: ArcSwap<Members>,
    resolved: Notify,
    outlier: Option<Outlier>,
    pub(crate) circuit: Arc<Circuit>,
    pub(crate) budget: Budget,
    pub(crate) trailers: Arc<[HeaderName]>,
    pub(crate) resolver: Arc<dyn Resolver>,
    observer: Arc<dyn Observer>,
}

/// The endpoints at the moment.
#[derive(Debug, Default)]
struct Members {
    endpoints: Vec<Arc<Endpoint>>,
    /// Whether every name was looked up at least once.
    known: bool,
    /// Why there are none.
    why: Option<Unresolved>,
}

impl Upstream {
    /// An upstream whose names are not looked up yet; [`super::keeper::Keeper::tend`] does.
    #[must_use]
    pub fn new(
        target: Target,
        resolver: Arc<dyn Resolver>,
        observer: Arc<dyn Observer>,
    ) -> Arc<Self> {
        Arc::new(Self {
            members: ArcSwap::default(),
            resolved: Notify::new(),
            outlier: target.outlier.map(Outlier::new),
            circuit: Circuit::new(target.circuit),
            budget: Budget::new(target.retries.budget_percent),
            trailers: Arc::from(target.trailers.clone()),
            target,
            resolver,
            observer,
        })
    }

    /// Where, and under which rules.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The endpoints at the moment.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.members.load().endpoints.clone()
    }

    /// How many endpoints there are, by state.
    #[must_use]
    pub fn counts(&self) -> Endpoints {
        let mut counts = Endpoints::default();
        for endpoint in &self.members.load().endpoints {
            let count = match (endpoint.is_unhealthy(), endpoint.is_ejected()) {
                (true, _) => &mut counts.unhealthy,
                (false, true) => &mut counts.ejected,
                (false, false) => &mut counts.available,
            };
            *count = count.saturating_add(1);
        }
        counts
    }

    /// Tells whoever counts.
    pub(crate) fn saw(&self, event: Event) {
        self.observer.saw(event);
    }

    /// Room for one more; at the bound, why not.
    pub(crate) fn enter(&self, bound: Bound) -> Result<Ticket, Failure> {
        self.circuit.enter(bound).ok_or_else(|| {
            self.saw(Event::Bounded(bound));
            Failure::Overloaded(bound.said())
        })
    }

    /// The endpoint that takes a request.
    pub(crate) async fn choose(
        &self,
        key: Option<u64>,
        tried: &[u64],
        random: u64,
    ) -> Result<Arc<Endpoint>, Failure> {
        let members = self.members.load();
        if let Some(endpoint) = balance::choose(&members.endpoints, key, tried, random) {
            return Ok(Arc::clone(endpoint));
        }
        drop(members);
        Box::pin(self.wait_until_known(self.target.timeouts.connect)).await;
        let members = self.members.load();
        match balance::choose(&members.endpoints, key, tried, random) {
            Some(endpoint) => Ok(Arc::clone(endpoint)),
            None => Err(why_none(&members)),
        }
    }

    /// Whether there is an endpoint beside this one and those that were tried.
    pub(crate) fn has_other(&self, than: &Endpoint, tried: &[u64]) -> bool {
        let members = self.members.load();
        let other = |one: &Arc<Endpoint>| {
            one.is_available() && one.id != than.id && !tried.contains(&one.id)
        };
        members.endpoints.iter().any(other)
    }

    /// At the start requests wait for the names to be looked up.
    pub async fn wait_until_known(&self, patience: Duration) {
        let known = async {
            loop {
                let notified = self.resolved.notified();
                let mut notified = std::pin::pin!(notified);
                notified.as_mut().enable();
                if self.members.load().known {
                    return;
                }
                notified.await;
            }
        };
        if timeout(patience, known).await.is_err() {
            tracing::debug!("the names of an upstream are not looked up yet");
        }
    }

    /// An endpoint answered well, or did not.
    pub(crate) fn fared(&self, endpoint: &Endpoint, well: bool) {
        let Some(outlier) = &self.outlier else { return };
        if well {
            Outlier::good(endpoint);
        } else if outlier.failed(endpoint, &self.members.load().endpoints) {
            tracing::warn!(endpoint = %endpoint.address, "an endpoint is ejected");
            self.saw(Event::Ejected);
        }
    }

    /// Takes what is known of the names; endpoints that stay keep their state.
    pub(crate) fn learn(&self, known: &[Known]) {
        let before = self.members.load_full();
        let mut members = Members { known: true, ..Members::default() };
        for one in known {
            for address in one.addresses() {
                let same = |endpoint: &&Arc<Endpoint>| {
                    endpoint.address == *address && endpoint.authority == *one.authority()
                };
                let endpoint = before.endpoints.iter().find(same).cloned();
                let fresh = || Endpoint::new(one.authority().clone(), *address);
                members.endpoints.push(endpoint.unwrap_or_else(fresh));
            }
            members.why = members.why.take().or_else(|| one.unresolved.clone());
        }
        self.members.store(Arc::new(members));
        self.resolved.notify_waiters();
    }
}

fn why_none(members: &Members) -> Failure {
    match (&members.why, members.endpoints.is_empty()) {
        (Some(Unresolved::Refused(why)), true) => Failure::AddressRefused(why.clone()),
        (Some(Unresolved::Failed(why)), true) => Failure::Unreachable(why.clone()),
        (None, true) => Failure::Unreachable("its names are not looked up yet".to_owned()),
        (_, false) => Failure::Unhealthy("every address fails its health checks".to_owned()),
    }
}
