//! How does one address of an upstream fare? One state per process, in atomics: every worker reads
//! it for every request, and writes only what changes.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// A declared host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Authority {
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// As in `host:port`, an IPv6 address in brackets.
impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// One address of an upstream.
#[derive(Debug)]
pub struct Endpoint {
    /// Tells endpoints of this process apart.
    pub id: u64,
    /// As declared.
    pub authority: Authority,
    /// Where to connect; judged, and not looked up again.
    pub address: SocketAddr,
    in_flight: AtomicUsize,
    unhealthy: AtomicBool,
    ejected_until: AtomicU64,
    /// Ejections that count for the length of the next one.
    pub(crate) ejections: AtomicU32,
    /// Failures one after another.
    pub(crate) failures: AtomicU32,
}

impl Endpoint {
    /// An endpoint of which nothing is known: it takes requests until something speaks against it.
    #[must_use]
    pub fn new(authority: Authority, address: SocketAddr) -> Arc<Self> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            authority,
            address,
            in_flight: AtomicUsize::new(0),
            unhealthy: AtomicBool::new(false),
            ejected_until: AtomicU64::new(0),
            ejections: AtomicU32::new(0),
            failures: AtomicU32::new(0),
        })
    }

    /// Requests under way, over all workers.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether it takes requests.
    #[must_use]
    pub fn is_available(&self) -> bool {
        !self.is_unhealthy() && !self.is_ejected()
    }

    /// Whether it fails its health checks.
    #[must_use]
    pub fn is_unhealthy(&self) -> bool {
        self.unhealthy.load(Ordering::Relaxed)
    }

    /// Says what the health checks found.
    pub fn set_unhealthy(&self, unhealthy: bool) {
        self.unhealthy.store(unhealthy, Ordering::Relaxed);
    }

    /// Whether it is ejected at the moment; the clock is read only where it ever was.
    #[must_use]
    pub fn is_ejected(&self) -> bool {
        let until = self.ejected_until.load(Ordering::Relaxed);
        until != 0 && millis() < until
    }

    /// Ejects it for some milliseconds.
    pub(crate) fn eject(&self, for_millis: u64) {
        self.ejected_until.store(millis().saturating_add(for_millis), Ordering::Relaxed);
    }

    /// Milliseconds since its last ejection ended; `None` where it never was ejected, or still is.
    pub(crate) fn back_for(&self) -> Option<u64> {
        let until = self.ejected_until.load(Ordering::Relaxed);
        if until == 0 { None } else { millis().checked_sub(until) }
    }

    /// A request is under way to it until what is returned is dropped.
    #[must_use]
    pub fn load(self: &Arc<Self>) -> Load {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Load(Arc::clone(self))
    }
}

/// One request under way.
#[derive(Debug)]
pub struct Load(Arc<Endpoint>);

impl Load {
    /// Where to.
    #[must_use]
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.0
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Milliseconds since the process first asked, never zero.
fn millis() -> u64 {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let begun = BEGUN.get_or_init(Instant::now);
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}
