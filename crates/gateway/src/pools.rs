//! Which connections carry the requests of which snapshot? A worker's pools by generation: an
//! upstream that a reload did not change keeps its pool, and a request that began before a reload
//! still finds the upstreams of its own snapshot.

use std::sync::{Arc, Mutex, PoisonError};

use portcullis_model::UpstreamId;
use portcullis_transport::upstream::Pool;

use crate::door::Live;
use crate::upstreams::Set;

/// Generations whose pools are kept; requests of older ones have long had their time.
const GENERATIONS: usize = 4;

/// The pools of one worker.
#[derive(Debug, Default)]
pub struct Pools {
    sets: Mutex<Vec<(u64, Arc<Set>)>>,
}

impl Pools {
    /// The pool of an upstream of this snapshot.
    #[must_use]
    pub fn find(&self, live: &Live, upstream: &UpstreamId) -> Option<Arc<Pool>> {
        self.set(live).get(upstream).map(Arc::clone)
    }

    fn set(&self, live: &Live) -> Arc<Set> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, set)) = sets.iter().find(|(generation, _)| *generation == live.generation) {
            return Arc::clone(set);
        }
        let newest = sets.last().map(|(_, set)| Arc::clone(set)).unwrap_or_default();
        let set = Arc::new(live.upstreams.pools(&newest));
        sets.push((live.generation, Arc::clone(&set)));
        sets.sort_by_key(|(generation, _)| *generation);
        if sets.len() > GENERATIONS {
            sets.remove(0);
        }
        set
    }
}
