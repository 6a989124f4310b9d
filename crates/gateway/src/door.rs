//! What do all workers share?

use std::sync::Arc;

use portcullis_runtime::Driver;
use portcullis_runtime::clock::RecordIds;
use portcullis_telemetry::Metrics;

use crate::upstreams::Upstreams;

/// What all workers share.
#[derive(Debug)]
pub struct Door {
    /// Decides.
    pub driver: Driver,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Names decisions.
    pub ids: RecordIds,
    /// Where requests are carried.
    pub upstreams: Upstreams,
}
