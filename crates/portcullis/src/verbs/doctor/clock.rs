//! Is the clock one to judge tokens by? In a year that can be, running as evenly as the monotonic
//! clock, and not behind the records that were written here. What other machines say is asked with
//! their key sets.

use std::time::{Duration, Instant, SystemTime};

use portcullis_diagnostics::Finding;
use portcullis_model::Timestamp;
use portcullis_runtime::{clock, records};

use super::visit::Visit;

/// The program is not older than this: 2026-01-01.
const EARLIEST_SECS: u64 = 1_767_225_600;

/// And will hardly run after this: 2100-01-01.
const LATEST_SECS: u64 = 4_102_444_800;

/// How long the two clocks are compared.
const WATCHED: Duration = Duration::from_millis(200);

/// Most that they may differ over that time.
const DRIFT_MAX: Duration = Duration::from_millis(50);

/// Most that the newest record may lie ahead.
const AHEAD_MAX: Duration = Duration::from_secs(60);

pub(super) fn finding(message: String) -> Finding {
    Finding::error("PC0511", message)
        .why("by the clock tokens expire, keys get stale and limits fill; a wrong one lets expired tokens through or refuses everybody")
        .fix("synchronize the clock (`chronyc tracking`, `timedatectl`)")
}

pub(super) fn examine(visit: &mut Visit<'_>) {
    let now = clock::now();
    let secs = now.as_millis() / 1000;
    if !(EARLIEST_SECS..LATEST_SECS).contains(&secs) {
        return visit.finding(finding(format!("the clock says {now}, which cannot be")));
    }
    if let Some(drift) = drift().filter(|drift| *drift > DRIFT_MAX) {
        let message = format!("within {WATCHED:?} the clock went {drift:?} wrong: it is being set");
        return visit.finding(finding(message));
    }
    match newest(visit).filter(|newest| newest.since(now) > AHEAD_MAX) {
        Some(newest) => {
            let message = format!("records were written at {newest}, and now it is {now}");
            visit.finding(finding(message));
        }
        None => visit.fine("clock", format!("{now}, and it runs evenly")),
    }
}

/// How much the wall clock and the monotonic clock disagree over a while.
fn drift() -> Option<Duration> {
    let (wall, even) = (SystemTime::now(), Instant::now());
    std::thread::sleep(WATCHED);
    let even = even.elapsed();
    match wall.elapsed() {
        Ok(wall) => Some(wall.abs_diff(even)),
        Err(back) => Some(back.duration().saturating_add(even)),
    }
}

/// When the newest record file was begun, by its name.
fn newest(visit: &Visit<'_>) -> Option<Timestamp> {
    let files = records::files(&visit.path(&visit.declaration().records.directory)).ok()?;
    let name = files.last()?.file_name()?.to_str()?;
    let millis = name.strip_prefix("records-")?.split('-').next()?.parse().ok()?;
    Some(Timestamp::from_millis(millis))
}
