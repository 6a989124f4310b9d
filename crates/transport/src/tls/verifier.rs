//! May a client go on with the handshake? rustls asks; `identity::certificate` verifies the chain,
//! and aws-lc-rs that the client holds the key.

use std::sync::Arc;

use portcullis_identity::certificate::{Distrust, Trust};
use portcullis_model::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};

/// Verifies client certificates in the handshake.
#[derive(Debug)]
pub(super) struct Verifier {
    trust: Arc<Trust>,
    required: bool,
    algorithms: WebPkiSupportedAlgorithms,
    hints: Vec<DistinguishedName>,
}

impl Verifier {
    /// A verifier by this trust.
    pub(super) fn new(
        trust: Arc<Trust>,
        required: bool,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        let hints = trust.names().map(DistinguishedName::in_sequence).collect();
        Self { trust, required, algorithms, hints }
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(own)
            .chain(above)
            .map(|one| CertificateDer::from(one.as_ref()))
            .collect();
        match self.trust.verify(&chain, Timestamp::from_secs(now.as_secs())) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(distrust) => Err(Error::InvalidCertificate(told(distrust))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What the client's alert says (RFC 8446 section 6.2).
fn told(distrust: Distrust) -> CertificateError {
    match distrust {
        Distrust::Expired => CertificateError::Expired,
        Distrust::Malformed(_) => CertificateError::BadEncoding,
        Distrust::Revoked => CertificateError::Revoked,
        Distrust::RevocationUnknown(_) => CertificateError::UnknownRevocationStatus,
        Distrust::UnknownAuthority => CertificateError::UnknownIssuer,
        Distrust::Unfit(_) => CertificateError::Other(OtherError(Arc::new(distrust))),
    }
}
