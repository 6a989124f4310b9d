//! Where is the country of an address looked up?

use std::time::Duration;

use super::declared::Declared;

/// A MaxMind DB file with countries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Countries {
    /// The file, relative to the estate.
    pub file: Declared<String>,
    /// How long after it was built it still counts.
    pub stale_until: Duration,
}
