//! Both ends of TLS: a client with a certificate or without, which resumes sessions and says what the
//! server refused it with; and what a server speaks with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, StreamOwned,
    SupportedProtocolVersion,
};

use crate::certificates::{Authority, Issued};
use crate::raw::{Answer, connect, read_one};

/// Every version that is spoken.
pub const VERSIONS: &[&SupportedProtocolVersion] = rustls::ALL_VERSIONS;

/// A connection over TLS.
pub type Secure = StreamOwned<ClientConnection, TcpStream>;

/// Whoever dials; sessions are kept and resumed.
#[derive(Clone, Debug)]
pub struct Dialer {
    config: Arc<ClientConfig>,
}

impl Dialer {
    /// A client that trusts a root, with a certificate of its own or without.
    #[must_use]
    pub fn new(root: &str, own: Option<&Issued>) -> Self {
        Self::speaking(root, own, rustls::ALL_VERSIONS, &[b"http/1.1"])
    }

    /// The same, with these versions and protocols only.
    #[must_use]
    pub fn speaking(
        root: &str,
        own: Option<&Issued>,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&[u8]],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(root.as_bytes()) {
            roots.add(root.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let chain = CertificateDer::pem_slice_iter(own.chain.as_bytes());
                let chain = chain.map(Result::unwrap).collect();
                let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self { config: Arc::new(config) }
    }

    /// Dials and carries out the handshake.
    ///
    /// # Errors
    /// What the handshake failed with. Of TLS 1.3 the client may learn it only when it reads.
    pub fn dial(&self, address: SocketAddr, name: &str) -> Result<Secure, String> {
        self.dial_over(connect(address), name)
    }

    /// Carries out the handshake over a connection.
    ///
    /// # Errors
    /// As above.
    pub fn dial_over(&self, stream: TcpStream, name: &str) -> Result<Secure, String> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        let mut secure = StreamOwned::new(connection, stream);
        while secure.conn.is_handshaking() {
            secure.conn.complete_io(&mut secure.sock).map_err(|error| error.to_string())?;
        }
        Ok(secure)
    }

    /// Dials, sends one request and reads one answer.
    ///
    /// # Errors
    /// What the handshake failed with.
    pub fn ask(
        &self,
        address: SocketAddr,
        name: &str,
        request: &str,
    ) -> Result<(Answer, HandshakeKind), String> {
        let mut secure = self.dial(address, name)?;
        let answer = ask(&mut secure, request)?;
        Ok((answer, secure.conn.handshake_kind().unwrap()))
    }
}

/// A server that shows a certificate, and asks clients for one of an authority if given.
#[must_use]
pub fn server(shown: &Issued, clients: Option<&Authority>, alpn: &[&str]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = CertificateDer::pem_slice_iter(shown.chain.as_bytes());
    let chain: Vec<_> = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// Sends one request and reads one answer over a connection that stays open.
///
/// # Errors
/// What the connection ended with.
pub fn ask(secure: &mut Secure, request: &str) -> Result<Answer, String> {
    secure.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    // an alert is an error of the first read, which says more than an answer that is missing
    let mut first = [0];
    match secure.read(&mut first) {
        Err(error) => return Err(error.to_string()),
        Ok(0) => return Err("the connection ended".to_owned()),
        Ok(_) => {}
    }
    read_one(&mut first.as_slice().chain(secure)).ok_or_else(|| "no answer".to_owned())
}
