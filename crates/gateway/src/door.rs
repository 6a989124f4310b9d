//! What do all workers share? What decides now, which a reload replaces as a whole, and what stays
//! over reloads. What was replaced is kept until [`Door::sweep`] finds it unused.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use portcullis_core::Snapshot;
use portcullis_model::ListenerId;
use portcullis_runtime::Driver;
use portcullis_runtime::clock::RecordIds;
use portcullis_telemetry::Metrics;
use portcullis_transport::tls::Server;

use crate::replaced::Replaced;
use crate::seldom::Seldom;
use crate::upstreams::Upstreams;

/// What all workers share.
#[derive(Debug)]
pub struct Door {
    live: ArcSwap<Live>,
    replaced: Replaced<Live>,
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
        let (replaced, handshakes) = (Replaced::default(), Seldom::default());
        Self { live, replaced, metrics, ids: RecordIds::new(), handshakes }
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
        let old = self.live.swap(Arc::new(Live { driver, tls, upstreams, generation }));
        self.replaced.keep(old);
    }

    /// Drops, on the thread that calls, what was replaced and is no longer used by any request. How many
    /// are still in use. To be called, from time to time, by a thread that carries no requests.
    pub fn sweep(&self) -> usize {
        self.replaced.sweep(|live| Arc::strong_count(live.snapshot()) == 1)
    }
}

impl Live {
    /// The snapshot that decides.
    #[must_use]
    pub const fn snapshot(&self) -> &Arc<Snapshot> {
        self.driver.snapshot()
    }
}
