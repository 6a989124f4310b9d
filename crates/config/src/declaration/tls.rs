//! How does a listener speak TLS?

use std::collections::BTreeSet;
use std::net::SocketAddr;

use ipnet::IpNet;

use super::declared::Declared;
use super::granted::SecretRef;

/// TLS of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Certificates; at least one, or `acme`.
    pub certificates: Vec<TlsCertificate>,
    /// A certificate that is ordered and renewed.
    pub acme: Option<Acme>,
    /// Whether TLS 1.2 is refused.
    pub only_13: bool,
    /// Accepted suites by their IANA names; at least one for every accepted version.
    pub suites: BTreeSet<String>,
    /// Which client certificates are verified; none is asked for without it.
    pub client: Option<ClientTrust>,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsCertificate {
    /// PEM file, relative to the estate.
    pub certificate: Declared<String>,
    /// The private key, in PEM.
    pub key: Declared<SecretRef>,
    /// Whether it is shown where no certificate has the name that was asked for.
    pub default: bool,
}

/// Which client certificates are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTrust {
    /// PEM file of authorities, relative to the estate.
    pub roots: Declared<String>,
    /// PEM files of revocation lists, relative to the estate.
    pub crls: Vec<Declared<String>>,
    /// Whether a client without certificate is refused in the handshake.
    pub required: bool,
}

/// A certificate that is ordered and renewed (RFC 8555).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acme {
    /// The authority's directory.
    pub directory: String,
    /// Names of the certificate.
    pub hosts: Vec<String>,
    /// Where the authority may write to.
    pub contacts: Vec<String>,
    /// Where challenges are answered by HTTP-01; without it they are in the handshake.
    pub http_address: Option<SocketAddr>,
    /// PEM file of the roots by which the directory is verified, relative to the estate.
    pub roots: Option<String>,
    /// Folder of account and certificate, relative to the estate.
    pub store: String,
    /// Networks that the directory may be in besides public addresses.
    pub allow_addresses: Vec<IpNet>,
}
