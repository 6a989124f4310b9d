//! Which connections of a worker do requests share? At most one to each endpoint, made by one
//! request while the others wait for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Gate, MutexGuard};
use tokio::time::timeout;

use super::failure::Failure;
use super::many::Many;

/// Shared connections by endpoint.
#[derive(Debug, Default)]
pub(crate) struct Multiplexed {
    connections: Mutex<Vec<(u64, Many)>>,
    gate: Gate<()>,
}

impl Multiplexed {
    /// The connection to an endpoint, if it stands.
    pub(crate) fn get(&self, endpoint: u64) -> Option<Many> {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let stands = |(id, many): &&(u64, Many)| *id == endpoint && !many.is_closed();
        connections.iter().find(stands).map(|(_, many)| many.clone())
    }

    /// Keeps a connection; those that are over go.
    pub(crate) fn put(&self, endpoint: u64, many: Many) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|(id, many)| *id != endpoint && !many.is_closed());
        connections.push((endpoint, many));
    }

    /// The right to make a connection.
    pub(crate) async fn connecting(
        &self,
        patience: Duration,
    ) -> Result<MutexGuard<'_, ()>, Failure> {
        timeout(patience, self.gate.lock())
            .await
            .map_err(|_| Failure::Unreachable("connecting took too long".to_owned()))
    }
}
