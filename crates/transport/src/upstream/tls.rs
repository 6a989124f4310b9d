//! How does an upstream prove who it is, and we to it? TLS with certificates checked against
//! declared roots and a declared name; there is no way to leave the check out.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use tokio_rustls::TlsConnector;

use super::endpoint::Authority;

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2 where the upstream offers it by ALPN, else HTTP/1.1.
    Auto,
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2: by ALPN over TLS, by prior knowledge without.
    Http2,
}

/// Lowest accepted version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinVersion {
    /// 1.2.
    Tls12,
    /// 1.3.
    #[default]
    Tls13,
}

/// What TLS to an upstream is made of, in PEM (RFC 7468).
#[derive(Default)]
pub struct Material {
    /// Certificates of the authorities that are believed; those of the public web if absent.
    pub roots: Option<Vec<u8>>,
    /// Our certificate with its chain.
    pub certificate: Option<Vec<u8>>,
    /// The key of our certificate.
    pub key: Option<Vec<u8>>,
    /// The name that the upstream must prove; else the host that is connected to.
    pub server_name: Option<String>,
    /// Lowest version.
    pub min_version: MinVersion,
    /// Which HTTP is offered.
    pub protocol: Protocol,
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// Why the material cannot be used. Never says what a key holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The roots.
    #[error("the roots: {0}")]
    Roots(String),
    /// Our certificate.
    #[error("the certificate: {0}")]
    Certificate(String),
    /// The key of our certificate.
    #[error("the key: {0}")]
    Key(String),
    /// The name.
    #[error("the server name: {0}")]
    Name(String),
}

/// TLS to one upstream, ready to connect. Equal to another if made of the same material.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
    made_of: [u8; 32],
}

impl Tls {
    /// Reads the material.
    ///
    /// # Errors
    /// Says which part cannot be used, and why.
    pub fn new(material: &Material) -> Result<Self, TlsError> {
        let server_name = material.server_name.clone().map(ServerName::try_from).transpose();
        let server_name = server_name.map_err(|error| TlsError::Name(error.to_string()))?;
        let versions: &[&SupportedProtocolVersion] = match material.min_version {
            MinVersion::Tls12 => &[&version::TLS13, &version::TLS12],
            MinVersion::Tls13 => &[&version::TLS13],
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| TlsError::Roots(error.to_string()))?
            .with_root_certificates(roots(material.roots.as_deref())?);
        let mut config = match (&material.certificate, &material.key) {
            (None, None) => builder.with_no_client_auth(),
            (certificate, key) => {
                let chain = certificates(certificate.as_deref().unwrap_or_default())
                    .map_err(TlsError::Certificate)?;
                let key = PrivateKeyDer::from_pem_slice(key.as_deref().unwrap_or_default())
                    .map_err(|error| TlsError::Key(error.to_string()))?;
                let config = builder.with_client_auth_cert(chain, key);
                config.map_err(|error| TlsError::Key(error.to_string()))?
            }
        };
        config.alpn_protocols = match material.protocol {
            Protocol::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec()],
        };
        Ok(Self { config: Arc::new(config), server_name, made_of: made_of(material) })
    }

    /// What connects.
    pub(crate) fn connector(&self) -> TlsConnector {
        TlsConnector::from(Arc::clone(&self.config))
    }

    /// What a client speaks with.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The name that an endpoint must prove.
    pub(crate) fn name(&self, authority: &Authority) -> Result<ServerName<'static>, String> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => ServerName::try_from(authority.host.clone()).map_err(|error| error.to_string()),
        }
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.made_of == other.made_of
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// Checks roots alone.
///
/// # Errors
/// Says why they cannot be used.
pub fn check_roots(pem: &[u8]) -> Result<(), TlsError> {
    roots(Some(pem)).map(|_| ())
}

/// Checks a certificate with its chain alone.
///
/// # Errors
/// Says why it cannot be used.
pub fn check_certificate(pem: &[u8]) -> Result<(), TlsError> {
    certificates(pem).map(|_| ()).map_err(TlsError::Certificate)
}

fn roots(pem: Option<&[u8]>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    let Some(pem) = pem else {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(store);
    };
    for certificate in certificates(pem).map_err(TlsError::Roots)? {
        store.add(certificate).map_err(|error| TlsError::Roots(error.to_string()))?;
    }
    Ok(store)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| error.to_string())?;
    if read.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(read) }
}

/// A digest of everything, so that a renewed certificate makes another upstream.
fn made_of(material: &Material) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let name = material.server_name.as_deref().map(str::as_bytes);
    let parts = [
        material.roots.as_deref(),
        material.certificate.as_deref(),
        material.key.as_deref(),
        name,
        Some(format!("{:?} {:?}", material.min_version, material.protocol).as_bytes()),
    ]
    .map(|part| part.map(<[u8]>::to_vec));
    for part in parts {
        let length = part.as_ref().map_or(u64::MAX, |part| u64::try_from(part.len()).unwrap_or(0));
        context.update(&length.to_be_bytes());
        context.update(part.as_deref().unwrap_or_default());
    }
    let mut digest = [0; 32];
    let finished = context.finish();
    for (to, from) in digest.iter_mut().zip(finished.as_ref()) {
        *to = *from;
    }
    digest
}
