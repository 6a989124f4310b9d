//! How is a name shown to be ours? For as long as an authority asks, a certificate that holds the
//! digest of its challenge (TLS-ALPN-01, RFC 8737) is shown to whoever negotiates `acme-tls/1`, and to
//! nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The protocol of challenges (RFC 8737 section 6.2).
pub const ACME: &[u8] = b"acme-tls/1";

/// Certificates of challenges, by name.
#[derive(Debug, Default)]
pub struct Challenges {
    shown: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Challenges {
    /// Shows a certificate for a name.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn show(
        &self,
        name: &str,
        certificate: CertificateDer<'static>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<(), String> {
        let key = any_supported_type(key).map_err(|error| error.to_string())?;
        let key = Arc::new(CertifiedKey::new(vec![certificate], key));
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), key);
        Ok(())
    }

    /// Shows it no more.
    pub fn withdraw(&self, name: &str) {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl ResolvesServerCert for Challenges {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.to_ascii_lowercase();
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.get(&name).map(Arc::clone)
    }
}
