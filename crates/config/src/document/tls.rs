//! How does a listener speak TLS?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// TLS of a listener.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// Certificates; a client is shown the one that has the name it asks for.
    #[serde(default)]
    pub(crate) certificates: Vec<Certificate>,
    /// A certificate that is ordered and renewed from an authority (RFC 8555).
    #[serde(default)]
    pub(crate) acme: Option<Acme>,
    /// Accepted versions.
    #[serde(default)]
    pub(crate) versions: Versions,
    /// Cipher suites: `modern`, `compatible`, or suites by name.
    #[serde(default = "default_ciphers")]
    pub(crate) ciphers: Vec<Cipher>,
    /// Which client certificates are verified; without it none is asked for.
    #[serde(default)]
    pub(crate) client: Option<Client>,
}

/// A certificate and its key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certificate {
    /// PEM file of the certificate and those that lead to its root.
    pub(crate) certificate: String,
    /// Its private key, in PEM.
    pub(crate) key: Secret,
    /// Whether it is shown to clients that ask for no name, or for one that no certificate has.
    #[serde(default)]
    pub(crate) default: bool,
}

/// A certificate that is ordered and renewed (RFC 8555). That the names are ours is shown in the
/// handshake (TLS-ALPN-01, RFC 8737), so the listener must be reached at port 443 of each; or by
/// HTTP at `http_address`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acme {
    /// The authority's directory: `https`, or `http` to a loopback address.
    pub(crate) directory: String,
    /// Names of the certificate.
    pub(crate) hosts: Vec<String>,
    /// Where the authority may write to, such as `mailto:ops@shop.example`.
    #[serde(default)]
    pub(crate) contacts: Vec<String>,
    /// That the authority's terms of service are agreed to.
    pub(crate) terms_agreed: bool,
    /// Where challenges are answered by HTTP-01 instead (RFC 8555 section 8.3), while an order is under
    /// way: what is reached at port 80 of each name. Nothing else is answered there.
    #[serde(default)]
    pub(crate) http_address: Option<String>,
    /// PEM file of the roots by which the directory is verified; public ones without it.
    #[serde(default)]
    pub(crate) roots: Option<String>,
    /// Folder of account and certificate; they are kept for their owner alone.
    #[serde(default = "default_store")]
    pub(crate) store: String,
    /// Networks that the directory may be in besides public addresses.
    #[serde(default)]
    pub(crate) allow_addresses: Vec<String>,
}

/// Accepted versions.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Versions {
    /// The lowest.
    pub(crate) min: Version,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(crate) enum Version {
    /// RFC 5246.
    #[default]
    #[serde(rename = "1.2")]
    V12,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V13,
}

/// A cipher suite, or a known set of them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[allow(non_camel_case_types, reason = "suites are written as IANA names them")]
pub(crate) enum Cipher {
    /// The suites of TLS 1.3.
    #[serde(rename = "modern")]
    Modern,
    /// These, and those of TLS 1.2 with forward secrecy and authenticated encryption.
    #[serde(rename = "compatible")]
    Compatible,
    TLS_AES_128_GCM_SHA256,
    TLS_AES_256_GCM_SHA384,
    TLS_CHACHA20_POLY1305_SHA256,
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

/// Which client certificates are verified.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// PEM file of the authorities that may vouch for clients.
    pub(crate) roots: String,
    /// PEM files of revocation lists. With any, there must be a current one for each authority of a
    /// chain; without, revocation is not checked.
    #[serde(default)]
    pub(crate) crls: Vec<String>,
    /// Whether a client without certificate is refused in the handshake.
    #[serde(default)]
    pub(crate) required: bool,
}

fn default_store() -> String {
    "state/acme".to_owned()
}

fn default_ciphers() -> Vec<Cipher> {
    vec![Cipher::Compatible]
}
