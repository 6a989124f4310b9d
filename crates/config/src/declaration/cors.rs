//! Which pages of other origins may call an API from a browser (CORS)?

use std::collections::BTreeSet;
use std::time::Duration;

/// What pages of other origins may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Whose pages.
    pub origins: Origins,
    /// Headers that they may send, in lower case.
    pub headers: BTreeSet<String>,
    /// Headers of answers that they may read, in lower case.
    pub expose: BTreeSet<String>,
    /// Whether with what the browser keeps for the API; never with `Origins::Any`.
    pub credentials: bool,
    /// How long a browser may keep what it was told.
    pub max_age: Duration,
}

/// Whose pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Everybody's.
    Any,
    /// Those that one of these rules fits.
    Listed(Vec<OriginRule>),
}

/// Which origins are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginRule {
    /// This one, as browsers write it (RFC 6454 section 6.2).
    Exact(String),
    /// Every host below a domain.
    Below {
        /// `https://` or `http://`.
        scheme: &'static str,
        /// With the dot in front: `.shop.example`.
        domain: String,
        /// With its colon, or empty: `:8443`.
        port: String,
    },
}
