//! What do operators see? Numbers, spans and log records about what crossed and what did not.
//!
//! - [`metrics`]: what is counted, for Prometheus
//! - [`levels`]: how things stand when somebody asks
//! - [`exports`]: how the exports fare
//! - [`exposition`]: the same numbers, read back as values
//! - [`otlp`]: records and numbers in the words of OpenTelemetry
//!
//! Nothing here waits or sends: `runtime` does.

pub mod exports;
pub mod exposition;
mod labels;
pub mod levels;
pub mod metrics;
pub mod otlp;
mod process;
mod series;
mod upstreams;

pub use metrics::Metrics;
pub use upstreams::Upstreams;
