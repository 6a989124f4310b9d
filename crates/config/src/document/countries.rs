//! Where is the country of an address looked up?

use schemars::JsonSchema;
use serde::Deserialize;

/// A MaxMind DB file with countries (GeoLite2-Country, GeoIP2, DB-IP and their like).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Countries {
    /// The file, relative to this one.
    pub(crate) file: String,
    /// How long after it was built it still counts; after that, lists of countries refuse everybody.
    #[serde(default = "default_stale_until")]
    pub(crate) stale_until: String,
}

fn default_stale_until() -> String {
    "90d".to_owned()
}
