//! Which connections carry the requests of which snapshot? A worker's pools by generation: an
//! upstream that a reload did not change keeps its pool, and a request that began before a reload
//! still finds the upstreams of its own snapshot.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_config::declaration::Upstream;
use portcullis_model::UpstreamId;
use portcullis_transport::upstream::{Pool, Target};

use crate::door::Live;

/// Generations whose pools are kept; requests of older ones have long had their time.
const GENERATIONS: usize = 4;

type Set = BTreeMap<UpstreamId, Arc<Pool>>;

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
        let upstreams = &live.snapshot().declaration.upstreams;
        let pool = |(id, upstream): (&UpstreamId, &Upstream)| {
            let target = target(upstream);
            let same = newest.get(id).filter(|pool| *pool.target() == target);
            (id.clone(), same.map_or_else(|| Pool::new(target), Arc::clone))
        };
        let set: Arc<Set> = Arc::new(upstreams.iter().map(pool).collect());
        sets.push((live.generation, Arc::clone(&set)));
        sets.sort_by_key(|(generation, _)| *generation);
        if sets.len() > GENERATIONS {
            sets.remove(0);
        }
        set
    }
}

fn target(upstream: &Upstream) -> Target {
    Target {
        host: upstream.host.clone(),
        port: upstream.port,
        connect_timeout: upstream.connect_timeout,
        response_timeout: upstream.response_timeout,
        idle_timeout: upstream.idle_timeout,
        connections_max: usize::try_from(upstream.connections_max).unwrap_or(usize::MAX),
    }
}
