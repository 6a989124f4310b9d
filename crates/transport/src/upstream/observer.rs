//! What is worth counting? Whoever counts is above this floor, and is told here. Nothing of it can
//! be made to grow by a client: an observer belongs to one declared upstream.

use std::fmt;

use super::circuit::Bound;

/// What happened to an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An address that a name leads to is outside the declared class.
    AddressRefused,
    /// A request was refused at this bound.
    Bounded(Bound),
    /// An endpoint was ejected.
    Ejected,
    /// How many endpoints there are now, looked at once a second.
    Endpoints(Endpoints),
    /// A request was sent again.
    Retried,
}

/// Endpoints by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Those that take requests.
    pub available: usize,
    /// Those that are ejected for a while.
    pub ejected: usize,
    /// Those that fail their health checks.
    pub unhealthy: usize,
}

/// Whoever counts.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Takes note.
    fn saw(&self, event: Event);
}

/// Nobody counts.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Observer for Nobody {
    fn saw(&self, event: Event) {
        tracing::trace!(?event, "an upstream");
    }
}
