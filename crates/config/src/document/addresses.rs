//! From which addresses and countries may requests come?

use schemars::JsonSchema;
use serde::Deserialize;

/// Lists of client addresses. An address must be on none of the `deny` lists and, where there is an
/// `allow` list, on that.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Addresses {
    /// Networks that may come; all, where none is named.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
    /// Networks that may not.
    #[serde(default)]
    pub(crate) deny: Vec<String>,
    /// The same by country.
    pub(crate) countries: Option<CountryLists>,
}

/// Lists of countries (ISO 3166-1 alpha-2), looked up in the file of the section `countries`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CountryLists {
    /// Countries that may come; all, where none is named.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
    /// Countries that may not.
    #[serde(default)]
    pub(crate) deny: Vec<String>,
    /// Addresses whose country is not known; refused beside an `allow` list, else let in, where it is
    /// not said.
    pub(crate) unknown: Option<Unknown>,
}

/// What becomes of addresses whose country is not known.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unknown {
    /// They may come.
    Allow,
    /// They may not.
    Deny,
}
