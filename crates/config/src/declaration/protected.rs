//! What are clients told about an API before they have a token?

/// Metadata of a protected resource (RFC 9728).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedResource {
    /// Its identifier.
    pub resource: String,
    /// Where the metadata is: the well-known path before the path of the resource.
    pub metadata: String,
    /// The path of that.
    pub path: String,
    /// Page for people who write clients.
    pub documentation: Option<String>,
}
