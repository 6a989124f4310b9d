//! Are there file descriptors and memory for everything that the bounds allow?

use portcullis_diagnostics::Finding;

use super::visit::Visit;
use crate::descriptors;

/// Memory of a gateway without connections: program text, compiled policies and contracts of a small
/// estate (docs/performance.md).
const IDLE_BYTES: u64 = 40 * 1024 * 1024;

/// Memory of an idle connection besides its head, in bytes: buffers of both sides and tasks.
const CONNECTION_BYTES: u64 = 24 * 1024;

pub(super) fn examine(visit: &mut Visit<'_>) {
    let needed = descriptors::needed(visit.declaration(), visit.workers);
    let (now, most) = descriptors::allowed();
    let shown = |limit: Option<u64>| limit.map_or("any number".to_owned(), |n| n.to_string());
    let result = match descriptors::lacking(needed) {
        Some(finding) => Err(finding),
        None if now.is_some_and(|now| now < needed) => {
            Ok(format!("up to {needed} needed; {} allowed now, and `run` raises it", shown(now)))
        }
        None => Ok(format!("up to {needed} needed, {} allowed", shown(most))),
    };
    visit.take("file descriptors", result);
    memory(visit);
}

fn memory(visit: &mut Visit<'_>) {
    let Some(available) = available() else {
        return visit.fine("memory", "the system does not say how much there is");
    };
    let declaration = visit.declaration();
    let guards = &declaration.guards;
    let connections = u64::from(guards.connections_max);
    let open = connections
        .saturating_mul(CONNECTION_BYTES.saturating_add(u64::from(guards.head_bytes_max)))
        .saturating_add(IDLE_BYTES);
    let body = declaration.boundaries.values().map(|one| one.inspection.body_bytes_max).max();
    let full = open.saturating_add(connections.saturating_mul(body.unwrap_or(0)));
    let mib = |bytes: u64| bytes / (1024 * 1024);
    let said = format!(
        "about {} MiB with all connections open, {} MiB if each sends its largest body; {} MiB there are",
        mib(open),
        mib(full),
        mib(available)
    );
    let fix =
        "lower `guards.connections_max` or `inspection.body_bytes_max`, or give it more memory";
    if open > available {
        let finding = Finding::error("PC0519", format!("memory is short: {said}"))
            .why("a process without memory is ended by the system, with everything under way");
        visit.finding(finding.fix(fix));
    } else if full > available {
        let finding = Finding::note("PC0519", format!("memory may get short: {said}"))
            .why("callers who are let in could together ask for more than there is");
        visit.finding(finding.fix(fix));
    } else {
        visit.fine("memory", said);
    }
}

/// Memory for this process: of its control group, or of the machine.
fn available() -> Option<u64> {
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kib.checked_mul(1024)
    });
    match (group, machine) {
        (Some(group), Some(machine)) => Some(group.min(machine)),
        (one, other) => one.or(other),
    }
}
