//! What do all workers share? What decides now, which a reload replaces as a whole, and what stays
//! over reloads.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use portcullis_core::Snapshot;
use portcullis_model::ListenerId;
use portcullis_runtime::Driver;
use portcullis_runtime::clock::RecordIds;
use portcullis_telemetry::Metrics;
use portcullis_transport::tls::Server;

use crate::seldom::Seldom;
use crate::upstreams::Upstreams;

/// What all workers share.
#[derive(Debug)]
pub struct Door {
    live: ArcSwap<Live>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Names decisions.
    pub ids: RecordIds,
    /// Counts what is logged of handshakes that fail.
    pub handshakes: Seldom,
}

/// What decides: one snapshot with its stores. A request keeps the one that it began with.
#[derive(Debug)]
pub struct Live {
    /// Decides.
    pub driver: Driver,
    /// What listeners speak TLS with.
    pub tls: BTreeMap<ListenerId, Arc<Server>>,
    /// Where requests are carried.
    pub upstreams: Upstreams,
    /// Counts the snapshots of this process, from 1.
    pub generation: u64,
}

impl Door {
    /// A door at which this driver decides.
    #[must_use]
    pub fn new(
        driver: Driver,
        tls: BTreeMap<ListenerId, Arc<Server>>,
        upstreams: Upstreams,
        metrics: Arc<Metrics>,
    ) -> Self {
        let live = ArcSwap::from_pointee(Live { driver, tls, upstreams, generation: 1 });
        Self { live, metrics, ids: RecordIds::new(), handshakes: Seldom::default() }
    }

    /// What decides now.
    #[must_use]
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// Lets another driver decide from the next request on.
    pub fn replace(
        &self,
        driver: Driver,
        tls: BTreeMap<ListenerId, Arc<Server>>,
        upstreams: Upstreams,
    ) {
        let generation = self.live.load().generation.saturating_add(1);
        self.live.store(Arc::new(Live { driver, tls, upstreams, generation }));
    }
}

impl Live {
    /// The snapshot that decides.
    #[must_use]
    pub const fn snapshot(&self) -> &Arc<Snapshot> {
        self.driver.snapshot()
    }
}
