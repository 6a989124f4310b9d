//! Does whoever answers at a name know the challenge (HTTP-01, RFC 8555 section 8.3; TLS-ALPN-01, RFC
//! 8737 section 3)?

use std::net::SocketAddr;
use std::sync::Arc;

use ::aws_lc_rs::digest::{SHA256, digest};
use portcullis_identity::certificate::Facts;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use crate::raw::{connect, exchange};

/// `acmeIdentifier`, critical, and the beginning of its value: 32 bytes (RFC 8737 section 3).
const EXTENSION: [u8; 17] = [6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 0x1f, 1, 1, 0xff, 4, 0x22, 4, 0x20];

/// Asks by HTTP for what is known of a token.
pub(super) fn http_01(
    target: SocketAddr,
    host: &str,
    token: &str,
    known: &str,
) -> Result<(), String> {
    let path = format!("/.well-known/acme-challenge/{token}");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let answers = exchange(target, request.as_bytes());
    match answers.as_slice() {
        [answer] if answer.status == 200 && answer.body == known => Ok(()),
        other => Err(format!("the challenge is not answered: {other:?}")),
    }
}

/// Looks at the certificate that is shown for a name.
pub(super) fn tls_alpn_01(target: SocketAddr, host: &str, known: &str) -> Result<(), String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = connect(target);
    while client.is_handshaking() {
        client.complete_io(&mut stream).map_err(|error| error.to_string())?;
    }
    if client.alpn_protocol() != Some(b"acme-tls/1") {
        return Err("another protocol was negotiated".to_owned());
    }
    let chain = client.peer_certificates().unwrap_or_default();
    let [own] = chain else { return Err("not one certificate".to_owned()) };
    if Facts::read(own)?.dns != [host] {
        return Err("another name".to_owned());
    }
    let expected = [&EXTENSION[..], digest(&SHA256, known.as_bytes()).as_ref()].concat();
    let found = own.windows(expected.len()).any(|bytes| bytes == expected);
    if found { Ok(()) } else { Err("the challenge is not answered".to_owned()) }
}

/// Who answers a challenge is known by it, and not by who issued the certificate.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _own: &CertificateDer<'_>,
        _above: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // webpki refuses the extension of a challenge as unknown, and with it the whole certificate
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
