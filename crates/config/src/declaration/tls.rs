//! How does a listener speak TLS?

use std::collections::BTreeSet;

use super::declared::Declared;
use super::provider::SecretRef;

/// TLS of a listener.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Certificates, at least one.
    pub certificates: Vec<TlsCertificate>,
    /// Whether TLS 1.2 is refused.
    pub only_13: bool,
    /// Accepted suites by their IANA names; at least one for every accepted version.
    pub suites: BTreeSet<String>,
    /// Which client certificates are verified; none is asked for without it.
    pub client: Option<ClientTrust>,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct TlsCertificate {
    /// PEM file, relative to the estate.
    pub certificate: Declared<String>,
    /// The private key, in PEM.
    pub key: Declared<SecretRef>,
    /// Whether it is shown where no certificate has the name that was asked for.
    pub default: bool,
}

/// Which client certificates are verified.
#[derive(Clone, Debug)]
pub struct ClientTrust {
    /// PEM file of authorities, relative to the estate.
    pub roots: Declared<String>,
    /// PEM files of revocation lists, relative to the estate.
    pub crls: Vec<Declared<String>>,
    /// Whether a client without certificate is refused in the handshake.
    pub required: bool,
}
