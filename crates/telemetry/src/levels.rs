//! How do things stand right now? What is not counted as it happens but read when somebody asks:
//! ages, depths, and what decides.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portcullis_model::{ProviderId, Timestamp};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::labels::{BuildLabels, BundleLabels, CertificateLabels, Name, ProviderLabels};
use crate::series::Series;

type Seconds = Gauge<f64, AtomicU64>;

/// Reads something into the levels.
type Watch = Box<dyn Fn(&Levels) + Send + Sync>;

/// How things stand.
#[derive(Default)]
pub struct Levels {
    build: Series<BuildLabels, Gauge>,
    bundle: Series<BundleLabels, Gauge>,
    bundle_seq: Gauge,
    bundle_age: Seconds,
    /// Milliseconds since 1970 at which the snapshot took over.
    bundle_since: AtomicU64,
    audit_depth: Gauge,
    audit_written: Counter,
    audit_dropped: Counter,
    key_sets: Series<ProviderLabels, Seconds>,
    certificates: Series<CertificateLabels, Seconds>,
    expiries: Mutex<BTreeMap<Arc<str>, Timestamp>>,
    watches: Mutex<Vec<Watch>>,
}

impl Levels {
    pub(crate) fn register(&self, registry: &mut Registry) {
        self.build.of(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("build_info", "This program", self.build.family());
        registry.register("bundle_info", "The snapshot that decides", self.bundle.family());
        registry.register(
            "bundle_seq",
            "Snapshots that this process has let decide",
            self.bundle_seq.clone(),
        );
        let age = "How long the snapshot has decided";
        registry.register_with_unit("bundle_age", age, Unit::Seconds, self.bundle_age.clone());
        registry.register("audit_queue_depth", "Records that wait", self.audit_depth.clone());
        registry.register("audit_written", "Records written", self.audit_written.clone());
        registry.register(
            "audit_dropped",
            "Records that could not be written",
            self.audit_dropped.clone(),
        );
        registry.register_with_unit(
            "key_set_age",
            "Time since the keys of a provider were last fetched",
            Unit::Seconds,
            self.key_sets.family(),
        );
        registry.register_with_unit(
            "cert_expiry",
            "Time until a certificate expires",
            Unit::Seconds,
            self.certificates.family(),
        );
    }

    /// Another snapshot decides.
    pub fn bundle(&self, revision: &Arc<str>) {
        self.bundle.clear();
        self.bundle.of(&BundleLabels { revision: Name(Some(Arc::clone(revision))) }).set(1);
        self.bundle_seq.inc();
        self.bundle_since.store(now().as_millis(), Ordering::Relaxed);
    }

    /// The record writer's queue, and what it has done so far.
    pub fn audit(&self, waiting: usize, written: u64, dropped: u64) {
        self.audit_depth.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        raise(&self.audit_written, written);
        raise(&self.audit_dropped, dropped);
    }

    /// The ages of all key sets that are known.
    pub fn key_sets(&self, ages: impl IntoIterator<Item = (ProviderId, Duration)>) {
        self.key_sets.clear();
        for (provider, age) in ages {
            let labels = ProviderLabels { provider: Name(Some(provider)) };
            self.key_sets.of(&labels).set(age.as_secs_f64());
        }
    }

    /// The certificates that are shown to others, each by a declared name, with the end of its
    /// validity. Replaces what was said before.
    pub fn certificates(&self, expiries: BTreeMap<Arc<str>, Timestamp>) {
        *self.expiries.lock().unwrap_or_else(PoisonError::into_inner) = expiries;
    }

    /// Has something read whenever somebody asks.
    pub fn watch(&self, watch: impl Fn(&Self) + Send + Sync + 'static) {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(watch));
    }

    pub(crate) fn read(&self) {
        let now = now();
        let since = Timestamp::from_millis(self.bundle_since.load(Ordering::Relaxed));
        self.bundle_age.set(now.since(since).as_secs_f64());
        self.certificates.clear();
        for (name, expiry) in self.expiries.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let left = expiry.since(now).as_secs_f64() - now.since(*expiry).as_secs_f64();
            let labels = CertificateLabels { certificate: Name(Some(Arc::clone(name))) };
            self.certificates.of(&labels).set(left);
        }
        for watch in self.watches.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            watch(self);
        }
    }
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Levels").field("bundle_seq", &self.bundle_seq).finish_non_exhaustive()
    }
}

/// Counters that are counted elsewhere.
fn raise(counter: &Counter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
