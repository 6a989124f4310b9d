//! What waits to be exported? The newest decisions, to a bound: when it is full the oldest goes, and
//! is counted. Putting something in never waits, whatever the collector does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_model::Record;
use portcullis_model::record::RecordKind;
use portcullis_telemetry::Metrics;
use tokio::sync::Notify;

/// Where decisions are put. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<VecDeque<Record>>,
    room: usize,
    /// So many are worth an export of their own.
    batch: usize,
    filled: Notify,
    metrics: Arc<Metrics>,
    spans: bool,
    logs: bool,
}

impl Outbox {
    pub(super) fn new(
        room: usize,
        batch: usize,
        (spans, logs): (bool, bool),
        metrics: Arc<Metrics>,
    ) -> Self {
        let waiting = Mutex::default();
        let filled = Notify::new();
        Self { shared: Arc::new(Shared { waiting, room, batch, filled, metrics, spans, logs }) }
    }

    /// Puts a decision in, without its facts; an intent is none yet.
    pub fn put(&self, mut record: Record) {
        let kept = record.span.as_ref().is_some_and(|span| span.sampled);
        let wanted = self.shared.logs || (self.shared.spans && kept);
        if record.kind != RecordKind::Outcome || !wanted {
            return;
        }
        record.facts = Vec::new();
        record.request.stripped = Vec::new();
        let (oldest, waiting) = {
            let mut queue = self.lock();
            let oldest = if queue.len() >= self.shared.room { queue.pop_front() } else { None };
            queue.push_back(record);
            (oldest, queue.len())
        };
        if let Some(oldest) = oldest {
            self.dropped(&[oldest]);
        }
        if waiting == self.shared.batch {
            self.shared.filled.notify_one();
        }
    }

    /// Takes the oldest, as many as belong into one export.
    pub(super) fn take(&self) -> Vec<Record> {
        let mut queue = self.lock();
        let count = queue.len().min(self.shared.batch);
        let taken = queue.drain(..count).collect();
        self.shared.metrics.exports.waiting(queue.len());
        taken
    }

    /// Counts what nobody will be told.
    pub(super) fn dropped(&self, records: &[Record]) {
        let exports = &self.shared.metrics.exports;
        if self.shared.logs {
            exports.dropped("logs", u64::try_from(records.len()).unwrap_or(u64::MAX));
        }
        if self.shared.spans {
            let kept = |record: &&Record| record.span.as_ref().is_some_and(|span| span.sampled);
            let spans = records.iter().filter(kept).count();
            exports.dropped("traces", u64::try_from(spans).unwrap_or(u64::MAX));
        }
    }

    /// Whether more than one export waits.
    pub(super) fn is_full(&self) -> bool {
        self.lock().len() >= self.shared.batch
    }

    /// Waits until an export is full.
    pub(super) async fn filled(&self) {
        self.shared.filled.notified().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Record>> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
