//! Which connections of a worker do requests share? At most one to each endpoint, made by one
//! request while the others to this endpoint wait for it. An endpoint that turned out to speak
//! HTTP/1.1 is not waited for again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Gate, OwnedMutexGuard};
use tokio::time::timeout;

use super::failure::Failure;
use super::many::Many;

/// Shared connections by endpoint.
#[derive(Debug, Default)]
pub(crate) struct Multiplexed {
    shared: Mutex<Vec<Shared>>,
}

#[derive(Debug)]
struct Shared {
    endpoint: u64,
    speaks: Speaks,
    gate: Arc<Gate<()>>,
}

#[derive(Debug)]
enum Speaks {
    Unknown,
    Http1,
    Http2(Many),
}

impl Shared {
    /// Whether nothing is lost when it is forgotten.
    fn is_over(&self) -> bool {
        let idle = Arc::strong_count(&self.gate) == 1;
        match &self.speaks {
            Speaks::Unknown => idle,
            Speaks::Http1 => false,
            Speaks::Http2(many) => idle && many.is_closed(),
        }
    }
}

/// Most endpoints of which is remembered how they speak.
const REMEMBERED_MAX: usize = 256;

impl Multiplexed {
    /// The connection to an endpoint, if it stands.
    pub(crate) fn get(&self, endpoint: u64) -> Option<Many> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        match &shared.iter().find(|one| one.endpoint == endpoint)?.speaks {
            Speaks::Http2(many) if !many.is_closed() => Some(many.clone()),
            Speaks::Unknown | Speaks::Http1 | Speaks::Http2(_) => None,
        }
    }

    /// The right to make a connection to an endpoint; nothing where everybody may.
    pub(crate) async fn connecting(
        &self,
        endpoint: u64,
        patience: Duration,
    ) -> Result<Option<OwnedMutexGuard<()>>, Failure> {
        let Some(gate) = self.gate(endpoint) else { return Ok(None) };
        let entered = timeout(patience, gate.lock_owned()).await;
        let slow = |_| Failure::Unreachable("connecting took too long".to_owned());
        entered.map(Some).map_err(slow)
    }

    fn gate(&self, endpoint: u64) -> Option<Arc<Gate<()>>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.iter().find(|one| one.endpoint == endpoint) {
            Some(Shared { speaks: Speaks::Http1, .. }) => None,
            Some(known) => Some(Arc::clone(&known.gate)),
            None => {
                shared.retain(|one| !one.is_over());
                if shared.len() >= REMEMBERED_MAX {
                    shared.remove(0);
                }
                let gate = Arc::new(Gate::new(()));
                let speaks = Speaks::Unknown;
                shared.push(Shared { endpoint, speaks, gate: Arc::clone(&gate) });
                Some(gate)
            }
        }
    }

    /// Remembers what a fresh connection speaks: HTTP/2 if one is given.
    pub(crate) fn learn(&self, endpoint: u64, many: Option<Many>) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shared.iter_mut().find(|one| one.endpoint == endpoint) {
            known.speaks = many.map_or(Speaks::Http1, Speaks::Http2);
        }
    }
}
