//! What operators see: bounded metrics.
