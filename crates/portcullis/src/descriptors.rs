//! Are there file descriptors for all connections that may be open? Counted before anything listens:
//! a gateway that runs out of them under load can neither accept nor record.

use std::num::NonZero;

use portcullis_config::Declaration;
use portcullis_diagnostics::Finding;
use portcullis_gateway::admin::remote::CONNECTIONS_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors besides connections and listeners: record file, folders, key stores, fetches of keys,
/// admin connections, standard streams.
const OTHERS: u64 = 128;

/// Descriptors of a worker's runtime.
const PER_WORKER: u64 = 4;

/// Workers where their number is not said.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// How many descriptors a declaration may need with so many workers.
pub(crate) fn needed(declaration: &Declaration, workers: usize) -> u64 {
    let workers = u64::try_from(workers).unwrap_or(u64::MAX);
    let listeners = u64::try_from(declaration.listeners.len()).unwrap_or(u64::MAX);
    // pools are per worker, and so are the sockets that share a listener's address; each is open
    // twice, for whoever takes over
    let upstreams: u64 =
        declaration.upstreams.values().map(|one| u64::from(one.connections_max)).sum();
    let operators = declaration.admin.remote.as_ref().map_or(0, |_| u64::from(CONNECTIONS_MAX));
    u64::from(declaration.guards.connections_max)
        .saturating_add(operators)
        .saturating_add(
            upstreams.saturating_add(listeners.saturating_mul(2)).saturating_mul(workers),
        )
        .saturating_add(PER_WORKER.saturating_mul(workers))
        .saturating_add(OTHERS)
}

/// What the system allows: now, and at the most. `None` is no limit.
pub(crate) fn allowed() -> (Option<u64>, Option<u64>) {
    let limit = getrlimit(Resource::Nofile);
    (limit.current, limit.maximum)
}

/// The finding where even the most that the system allows is too little.
pub(crate) fn lacking(needed: u64) -> Option<Finding> {
    let (_, most) = allowed();
    let most = most.filter(|most| *most < needed)?;
    let message =
        format!("up to {needed} file descriptors may be needed, and the system allows {most}");
    Some(
        Finding::error("PC0512", message)
            .why("a gateway without file descriptors accepts no connection and writes no record")
            .fix("lower `guards.connections_max` or the `connections_max` of upstreams, or allow more (`LimitNOFILE=` of the unit, `ulimit -Hn`)"),
    )
}

/// Raises what is allowed now to what is needed.
///
/// # Errors
/// The finding where that is not possible.
pub(crate) fn ensure(declaration: &Declaration, workers: usize) -> Result<(), Box<Finding>> {
    let needed = needed(declaration, workers);
    if let Some(finding) = lacking(needed) {
        return Err(Box::new(finding));
    }
    let (now, maximum) = allowed();
    if now.is_none_or(|now| now >= needed) {
        return Ok(());
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).map_err(|error| {
        let message =
            format!("the limit of file descriptors cannot be raised to {needed}: {error}");
        Box::new(
            Finding::error("PC0512", message)
                .why(
                    "a gateway without file descriptors accepts no connection and writes no record",
                )
                .fix("allow them before it starts (`LimitNOFILE=` of the unit, `ulimit -n`)"),
        )
    })
}
