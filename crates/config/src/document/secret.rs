//! Where does a secret stand?

use schemars::JsonSchema;
use serde::Deserialize;

/// A secret, by reference: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Secret {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file.
    File(String),
}
