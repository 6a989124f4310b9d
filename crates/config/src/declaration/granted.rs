//! What is a caller granted, and where does a secret stand?

use std::collections::BTreeSet;

/// What a caller is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The tenant it belongs to.
    pub tenant: Option<String>,
    /// Scopes.
    pub scopes: BTreeSet<String>,
    /// Roles.
    pub roles: BTreeSet<String>,
}

/// A secret, by reference only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file, relative to the estate.
    File(String),
}
