//! What does the process take of the machine? The standard `process_` metrics of Prometheus clients,
//! read from `/proc` when somebody asks.

use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Ticks of `/proc/self/stat` per second; Linux has it fixed for programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the process takes.
#[derive(Debug, Default)]
pub(crate) struct Process {
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge,
    files: Gauge,
    threads: Gauge,
    start: Gauge<f64, AtomicU64>,
}

impl Process {
    pub(crate) fn register(&self, registry: &mut Registry) {
        self.start
            .set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        registry.register_with_unit(
            "process_cpu",
            "Processor time used, by the process itself and for it by the kernel",
            Unit::Seconds,
            self.cpu.clone(),
        );
        registry.register_with_unit(
            "process_resident_memory",
            "Memory that is in use",
            Unit::Bytes,
            self.resident.clone(),
        );
        registry.register("process_open_fds", "Open file descriptors", self.files.clone());
        registry.register("process_threads", "Threads", self.threads.clone());
        registry.register_with_unit(
            "process_start_time",
            "When the process began, since 1970",
            Unit::Seconds,
            self.start.clone(),
        );
    }

    /// Reads it; what cannot be read keeps its last value.
    pub(crate) fn read(&self) {
        if let Some(seconds) = cpu_seconds() {
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kib) = field(&status, "VmRSS:") {
            self.resident.set(kib.saturating_mul(1024));
        }
        if let Some(threads) = field(&status, "Threads:") {
            self.threads.set(threads);
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            self.files.set(i64::try_from(files.count()).unwrap_or(i64::MAX));
        }
    }
}

/// User and system time, fields 14 and 15; the name before them may have spaces.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn field(status: &str, name: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}
