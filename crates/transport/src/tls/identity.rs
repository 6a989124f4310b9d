//! What does a listener show of itself? A chain, its key, and the names that it is shown for.

use std::fmt;
use std::sync::Arc;

use portcullis_identity::certificate::Facts;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// A certificate that a listener can show.
#[derive(Clone)]
pub struct Identity {
    pub(super) key: Arc<CertifiedKey>,
    facts: Facts,
    default: bool,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:?}, default: {})", self.facts.dns, self.default)
    }
}

/// Why a chain and a key are no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The certificate.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
    /// The key.
    #[error("the key cannot be used: {0}")]
    Key(String),
    /// They are not of each other.
    #[error("the key is not that of the certificate")]
    Mismatch,
}

impl Identity {
    /// An identity of a chain, the listener's own certificate first.
    ///
    /// # Errors
    /// When one of them cannot be used, or the key is another one's.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'_>,
        default: bool,
    ) -> Result<Self, Unusable> {
        let own = chain.first().ok_or_else(|| Unusable::Certificate("there is none".to_owned()))?;
        let facts = Facts::read(own).map_err(Unusable::Certificate)?;
        let key = any_supported_type(key).map_err(|error| Unusable::Key(error.to_string()))?;
        let key = CertifiedKey::new(chain, key);
        key.keys_match().map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => Unusable::Mismatch,
            other => Unusable::Certificate(other.to_string()),
        })?;
        Ok(Self { key: Arc::new(key), facts, default })
    }

    /// Names that it is shown for, in lower case; `*.` stands for one label.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.facts.dns.iter().map(|name| name.to_ascii_lowercase())
    }

    /// What stands in its certificate.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether it is shown where no certificate has the name that was asked for.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        self.default
    }
}
