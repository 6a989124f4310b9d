//! Which connections of a worker wait for their next request? Those whose last answer was read
//! whole, by endpoint, oldest first.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::line::Line;

/// A connection that waited longer is not used again.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Connections that wait.
#[derive(Debug)]
pub(crate) struct Idle {
    lines: Mutex<VecDeque<Waiting>>,
    most: usize,
}

#[derive(Debug)]
struct Waiting {
    endpoint: u64,
    line: Line,
    since: Instant,
}

impl Idle {
    /// None yet, and never more than `most`.
    pub(crate) fn new(most: usize) -> Self {
        Self { lines: Mutex::default(), most }
    }

    /// The connection to an endpoint that waited least.
    pub(crate) fn take(&self, endpoint: u64) -> Option<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let at = lines.iter().rposition(|waiting| waiting.endpoint == endpoint)?;
            let waiting = lines.remove(at)?;
            if waiting.since.elapsed() < IDLE_MAX && !waiting.line.is_closed() {
                return Some(waiting.line);
            }
        }
    }

    /// A connection waits from now on; those that waited too long go.
    pub(crate) fn give_back(&self, endpoint: u64, line: Line) {
        if line.is_closed() {
            return;
        }
        let since = Instant::now();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let old = |waiting: &Waiting| since.duration_since(waiting.since) >= IDLE_MAX;
        while lines.len() >= self.most || lines.front().is_some_and(old) {
            lines.pop_front();
        }
        lines.push_back(Waiting { endpoint, line, since });
    }

    /// Another connection is about to be made, beside those in use: the oldest goes where there
    /// would be too many.
    pub(crate) fn make_room(&self, in_use: usize) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        while lines.len().saturating_add(in_use) > self.most && lines.pop_front().is_some() {}
    }
}
