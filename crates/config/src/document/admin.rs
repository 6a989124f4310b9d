//! Where do operators ask, and who of them may from elsewhere?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::Certificate;

/// Where the admin socket is, below the estate, unless another path is declared.
pub const ADMIN_SOCKET: &str = "state/admin.sock";

/// The admin door.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    /// Path of its Unix socket.
    pub(crate) socket: String,
    /// An address for operators elsewhere; without it there is only the socket.
    #[serde(skip_serializing)]
    pub(crate) remote: Option<Remote>,
}

/// An address for operators who prove who they are: TLS 1.3 with client certificates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remote {
    /// IP address and port, such as `10.0.0.5:9443`; port 0 takes a free one.
    pub(crate) address: String,
    /// What it shows, and who may vouch for operators.
    pub(crate) tls: RemoteTls,
    /// Who is answered: SPIFFE IDs such as `spiffe://ops.example/ann`, or DNS names. A certificate
    /// has exactly this one URI, or exactly this one DNS name.
    pub(crate) operators: Vec<String>,
}

/// TLS of the admin address: always version 1.3, always with a client certificate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoteTls {
    /// Certificates; an operator is shown the one that has the name it asks for.
    pub(crate) certificates: Vec<Certificate>,
    /// Which client certificates are verified.
    pub(crate) client: RemoteClient,
}

/// Who may vouch for operators.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoteClient {
    /// PEM file of the authorities that may vouch for operators.
    pub(crate) roots: String,
    /// PEM files of revocation lists. With any, there must be a current one for each authority of a
    /// chain; without, revocation is not checked.
    #[serde(default)]
    pub(crate) crls: Vec<String>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { socket: ADMIN_SOCKET.to_owned(), remote: None }
    }
}
