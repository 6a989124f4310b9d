//! How does an upstream prove who it is, and we to it?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::secret::Secret;
use crate::document::tls::Versions;

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UpstreamProtocol {
    /// HTTP/2 where the upstream offers it by ALPN, else HTTP/1.1.
    Auto,
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2; without TLS by prior knowledge.
    Http2,
}

/// TLS to an upstream. Its certificate is always checked, name and all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamTls {
    /// PEM file of the authorities that are believed, relative to this file; those of the public
    /// web if absent.
    pub(crate) roots: Option<String>,
    /// The name that it must prove; else the host of its address.
    pub(crate) server_name: Option<String>,
    /// Our certificate; none if absent.
    pub(crate) client: Option<ClientCertificate>,
    /// Accepted versions.
    #[serde(default)]
    pub(crate) versions: Versions,
}

/// Our certificate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientCertificate {
    /// PEM file of the certificate and its chain, relative to this file.
    pub(crate) certificate: String,
    /// Its key in PEM; a file of it nobody but its owner and group may read.
    pub(crate) key: Secret,
}
