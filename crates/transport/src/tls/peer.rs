//! What is known of the client's certificate while its connection lives?
//!
//! The handshake verified it once, or resumed a session in which it had been verified. Neither is
//! believed for the life of the connection: the chain is verified before the first request, anew
//! when trust has changed, and at least once a minute, because lists and authorities expire.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_identity::Refused;
use portcullis_identity::certificate::{Shown, Trust};
use portcullis_model::{Reason, Timestamp};
use rustls::pki_types::CertificateDer;

/// A verification counts for this long.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The client's certificate and those that it sent with it.
pub struct Peer {
    chain: Vec<CertificateDer<'static>>,
    last: Mutex<Option<Checked>>,
}

struct Checked {
    /// Of the trust.
    revision: String,
    at: Timestamp,
    shown: Shown,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({} certificates)", self.chain.len())
    }
}

impl Peer {
    /// A client that proved to hold the key of the first certificate.
    pub(super) fn new(chain: &[CertificateDer<'_>]) -> Self {
        let chain = chain.iter().map(|one| one.clone().into_owned()).collect();
        Self { chain, last: Mutex::new(None) }
    }

    /// What its certificate comes to under the trust of this moment.
    pub fn shown(&self, trust: Option<&Trust>, now: Timestamp) -> Shown {
        let Some(trust) = trust else {
            let detail = "the listener does not verify certificates any more";
            return Err(Refused::new(Reason::CertificateUntrusted, detail));
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |checked: &&Checked| {
            checked.revision == trust.revision()
                && checked.at <= now
                && now.since(checked.at) < FRESH_FOR
        };
        if let Some(checked) = last.as_ref().filter(fresh) {
            return checked.shown.clone();
        }
        let verified = trust.verify(&self.chain, now);
        let shown = verified.map(Arc::new).map_err(Refused::from);
        let revision = trust.revision().to_owned();
        *last = Some(Checked { revision, at: now, shown: shown.clone() });
        shown
    }
}
