//! Who is speaking? What the exports of a process have in common, and the declared names that records
//! do not repeat.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_model::{ListenerId, UpstreamId};

/// What the exports of a process have in common.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Name of the estate.
    pub estate: String,
    /// Tells processes of one estate apart; made anew at every start.
    pub instance: String,
    /// When the process began, nanoseconds since 1970.
    pub start_nanos: u64,
    /// Listeners that speak TLS.
    pub secure: BTreeSet<ListenerId>,
    /// Host and port of upstreams that have one address, as declared.
    pub upstreams: BTreeMap<UpstreamId, (String, u16)>,
}
