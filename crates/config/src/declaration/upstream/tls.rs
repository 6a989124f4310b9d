//! How does an upstream prove who it is, and we to it?

use portcullis_diagnostics::Span;

use crate::declaration::granted::SecretRef;

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamProtocol {
    /// HTTP/2 where the upstream offers it by ALPN, else HTTP/1.1; only with TLS.
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; without TLS by prior knowledge.
    Http2,
}

/// TLS to an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTls {
    /// PEM file of the authorities that are believed, relative to the estate; those of the public
    /// web if absent.
    pub roots: Option<String>,
    /// The name that it must prove; else the host of its address.
    pub server_name: Option<String>,
    /// Our certificate.
    pub client: Option<ClientCertificate>,
    /// Lowest accepted version.
    pub min_version: MinTls,
    /// Where it was declared.
    pub span: Span,
}

/// Our certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM file of the certificate and its chain, relative to the estate.
    pub certificate: String,
    /// Its key.
    pub key: SecretRef,
}

/// Lowest accepted version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinTls {
    /// 1.2.
    Tls12,
    /// 1.3.
    Tls13,
}
