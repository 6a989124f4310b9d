//! Which pages of other origins may call an API from a browser (CORS)?

use schemars::JsonSchema;
use serde::Deserialize;

/// Origins whose pages may read answers. Methods follow from the contract.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cors {
    /// `https://app.shop.example`, `https://*.shop.example` for every host below, or `*` alone.
    pub(crate) origins: Vec<String>,
    /// Headers that pages may send, in lower case.
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    /// Headers of answers that pages may read, in lower case.
    #[serde(default)]
    pub(crate) expose: Vec<String>,
    /// Whether pages may send what the browser keeps for the API: cookies, client certificates.
    #[serde(default)]
    pub(crate) credentials: bool,
    /// How long a browser may keep what it was told.
    #[serde(default = "default_max_age")]
    pub(crate) max_age: String,
}

fn default_max_age() -> String {
    "10m".to_owned()
}
