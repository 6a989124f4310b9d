//! Which upstreams does a process have? One state for each, shared by all workers and kept over
//! reloads that do not change it; connections are each worker's own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderName;
use portcullis_config::Declaration;
use portcullis_config::declaration::StreamKind;
use portcullis_core::forward::{Outgoing, PRINCIPAL, TENANT};
use portcullis_model::{Reason, UpstreamId};
use portcullis_runtime::signing::Signer;
use portcullis_runtime::upstreams::target;
use portcullis_telemetry::Metrics;
use portcullis_transport::upstream::balance::{Balance, key};
use portcullis_transport::upstream::circuit::Bound;
use portcullis_transport::upstream::keeper::{Keeper, Tended};
use portcullis_transport::upstream::observer::{Endpoints, Event, Observer};
use portcullis_transport::upstream::resolve::System;
use portcullis_transport::upstream::{Ask, Failure, Pool, Upstream};

/// A worker's pools.
pub type Set = BTreeMap<UpstreamId, Arc<Pool>>;

/// What an anonymous caller is told apart by.
const CLIENT: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The principal of whoever shows no credential.
const ANONYMOUS: &[u8] = b"anonymous";

/// The upstreams of a process.
#[derive(Clone, Debug)]
pub struct Upstreams {
    known: BTreeMap<UpstreamId, Known>,
    signers: BTreeMap<UpstreamId, Arc<Signer>>,
    keeper: Arc<Keeper>,
}

/// An upstream, and that it is tended; no longer than it is declared.
#[derive(Clone, Debug)]
struct Known {
    upstream: Arc<Upstream>,
    counted: Arc<Counted>,
    _tended: Arc<Tended>,
}

/// Why upstreams cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A certificate or key.
    #[error("upstream `{0}`: {1}")]
    Material(UpstreamId, String),
    /// The thread that tends them.
    #[error("no thread to tend upstreams: {0}")]
    Thread(#[from] std::io::Error),
}

impl Upstreams {
    /// The upstreams of an estate in a folder.
    ///
    /// # Errors
    /// When a certificate or key cannot be used, or there can be no further thread.
    pub fn open(
        declaration: &Declaration,
        folder: &Path,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, OpenError> {
        let (known, signers) = (BTreeMap::new(), BTreeMap::new());
        let none = Self { known, signers, keeper: Arc::new(Keeper::start()?) };
        none.renewed(declaration, folder, metrics)
    }

    /// The upstreams of another declaration of the same estate. Those that are the same stay what
    /// they are.
    ///
    /// # Errors
    /// When a certificate or key cannot be used; then nothing has changed.
    pub fn renewed(
        &self,
        declaration: &Declaration,
        folder: &Path,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, OpenError> {
        let (mut known, mut signers) = (BTreeMap::new(), BTreeMap::new());
        for (id, declared) in &declaration.upstreams {
            if let Some(signature) = &declared.signature {
                let signer = Signer::open(signature, declared.tls.is_some(), folder);
                let signer = signer.map_err(|why| OpenError::Material(id.clone(), why))?;
                signers.insert(id.clone(), Arc::new(signer));
            }
            let target =
                target(declared, folder).map_err(|why| OpenError::Material(id.clone(), why))?;
            let same = self.known.get(id).filter(|one| *one.upstream.target() == target);
            let fresh = || {
                let counted = Arc::new(Counted {
                    id: id.clone(),
                    metrics: Arc::clone(metrics),
                    retired: Mutex::default(),
                });
                // its series are there from the beginning, not from when somebody first counts
                counted.saw(Event::Endpoints(Endpoints::default()));
                let observer: Arc<dyn Observer> = Arc::<Counted>::clone(&counted);
                let upstream = Upstream::new(target, Arc::new(System), observer);
                let tended = Arc::new(self.keeper.tend(&upstream));
                Known { upstream, counted, _tended: tended }
            };
            known.insert(id.clone(), same.cloned().unwrap_or_else(fresh));
        }
        Ok(Self { known, signers, keeper: Arc::clone(&self.keeper) })
    }

    /// What signs requests to an upstream, where they are signed.
    #[must_use]
    pub fn signer(&self, upstream: &UpstreamId) -> Option<&Arc<Signer>> {
        self.signers.get(upstream)
    }

    /// Gives way to the upstreams of the declaration that decides from now on: of those that are not
    /// declared any more, or otherwise, requests under way may still hold the state, but nobody is
    /// told how many addresses it has.
    pub fn retire(&self, next: &Self) {
        for (id, known) in &self.known {
            let follower = next.known.get(id);
            if follower.is_none_or(|next| !Arc::ptr_eq(&next.counted, &known.counted)) {
                known.counted.retire(follower.is_none());
            }
        }
    }

    /// Pools for a worker; those that it has to upstreams that are still the same stay.
    #[must_use]
    pub fn pools(&self, before: &Set) -> Set {
        let pool = |(id, known): (&UpstreamId, &Known)| {
            let upstream = &known.upstream;
            let same = before.get(id).filter(|pool| Arc::ptr_eq(pool.upstream(), upstream));
            (id.clone(), same.map_or_else(|| Pool::new(Arc::clone(upstream)), Arc::clone))
        };
        self.known.iter().map(pool).collect()
    }
}

/// What a request asks of the upstream besides an answer: whom it is balanced by.
#[must_use]
pub fn ask(outgoing: &Outgoing, balance: Balance) -> Ask {
    let text = |name: &HeaderName| outgoing.headers.get(name).map(http::HeaderValue::as_bytes);
    // an anonymous caller is told apart by its address
    let principal = || text(&PRINCIPAL).filter(|name| *name != ANONYMOUS).or_else(|| text(&CLIENT));
    let by = match balance {
        Balance::LeastRequest => None,
        Balance::Principal => principal(),
        Balance::Tenant => text(&TENANT).or_else(principal),
    };
    let stream = outgoing.stream.as_ref();
    Ask {
        key: by.map(key),
        upgrade: stream.is_some_and(|stream| stream.kind == StreamKind::Websocket),
        idle: stream.map(|stream| stream.idle_timeout),
    }
}

/// The reason that a failure is.
#[must_use]
pub const fn reason(failure: &Failure) -> Reason {
    match failure {
        Failure::Unreachable(_) => Reason::UpstreamUnreachable,
        Failure::Timeout(_) => Reason::UpstreamTimeout,
        Failure::Invalid(_) => Reason::UpstreamInvalid,
        Failure::Untrusted(_) => Reason::UpstreamUntrusted,
        Failure::AddressRefused(_) => Reason::UpstreamAddressRefused,
        Failure::Overloaded(_) => Reason::UpstreamOverloaded,
        Failure::Unhealthy(_) => Reason::UpstreamUnhealthy,
    }
}

/// Counts what happens to one upstream.
struct Counted {
    id: UpstreamId,
    metrics: Arc<Metrics>,
    /// Whether another state, or none, has taken its place.
    retired: Mutex<bool>,
}

impl Counted {
    fn retire(&self, gone: bool) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        *retired = true;
        if gone {
            self.metrics.upstreams.gone(self.id.as_str());
        }
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counted").field(&self.id).finish()
    }
}

impl Observer for Counted {
    fn saw(&self, event: Event) {
        let (id, metrics) = (self.id.as_str(), &self.metrics.upstreams);
        match event {
            Event::AddressRefused => metrics.refused_address(id),
            Event::Bounded(bound) => metrics.bounded(id, word(bound)),
            Event::Ejected => metrics.ejected(id),
            Event::Endpoints(now) => {
                let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
                if !*retired {
                    metrics.endpoints(id, [now.available, now.ejected, now.unhealthy]);
                }
            }
            Event::Retried => metrics.retried(id),
        }
    }
}

const fn word(bound: Bound) -> &'static str {
    match bound {
        Bound::Requests => "requests",
        Bound::Pending => "pending",
        Bound::Retries => "retries",
    }
}
