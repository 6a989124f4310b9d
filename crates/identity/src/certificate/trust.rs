//! Does a chain lead to an authority that may vouch for clients, now? Verified by webpki (RFC 5280):
//! signatures, validity, constraints on length and names, usage, revocation of every certificate
//! but the root.
//!
//! Revocation is by lists that are handed in. Where there is any, an authority without a current
//! list leaves the status unknown, and unknown is refused. Constraints on URIs are not supported by
//! webpki, which refuses what stands under one: an authority is bound to a trust domain by standing
//! at a listener of its own.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use portcullis_model::{Reason, Timestamp};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};

use super::facts::Facts;
use crate::authenticated::{Refused, hex};

/// Longest chain that a client may show; webpki bounds the work on it.
const CHAIN_MAX: usize = 10;

/// Who may vouch for clients.
pub struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    lists: Vec<CertRevocationList<'static>>,
    revision: String,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust({})", self.revision)
    }
}

/// A client certificate whose chain was verified. Only [`Trust::verify`] makes one, but for
/// replay.
///
/// ```compile_fail,E0423
/// use portcullis_identity::certificate::{Certificate, Facts};
///
/// fn believe(facts: Facts) -> Certificate {
///     Certificate(facts)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate(Facts);

impl Certificate {
    /// A certificate as a record has it. For recomputing decisions only; nothing that carries
    /// requests may call this.
    #[must_use]
    pub const fn from_record(facts: Facts) -> Self {
        Self(facts)
    }

    /// What stands in it.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.0
    }

    /// Judges its validity anew: connections live longer than certificates.
    ///
    /// # Errors
    /// `identify.certificate_expired`.
    pub fn check_time(&self, now: Timestamp) -> Result<(), Refused> {
        let second = Timestamp::from_secs(now.as_secs());
        if second < self.0.not_before || second > self.0.not_after {
            return Err(Distrust::Expired.into());
        }
        Ok(())
    }
}

/// Why a chain is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// The certificate, or one above it, is outside its validity.
    Expired,
    /// It cannot be read, or says more than one thing.
    Malformed(String),
    /// It was revoked, or one above it was.
    Revoked,
    /// Whether it was revoked is not known.
    RevocationUnknown(&'static str),
    /// It does not lead to an authority that is trusted.
    UnknownAuthority,
    /// It leads there and may not be used like this.
    Unfit(String),
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("the time is outside the validity of the certificate"),
            Self::Malformed(why) => write!(f, "the certificate is malformed: {why}"),
            Self::Revoked => f.write_str("the certificate was revoked"),
            Self::RevocationUnknown(why) => write!(f, "revocation is not known: {why}"),
            Self::UnknownAuthority => f.write_str("no trusted authority issued the certificate"),
            Self::Unfit(why) => write!(f, "the certificate may not be used like this: {why}"),
        }
    }
}

impl std::error::Error for Distrust {}

impl From<Distrust> for Refused {
    fn from(distrust: Distrust) -> Self {
        let reason = match distrust {
            Distrust::Expired => Reason::CertificateExpired,
            Distrust::Malformed(_)
            | Distrust::Revoked
            | Distrust::RevocationUnknown(_)
            | Distrust::UnknownAuthority
            | Distrust::Unfit(_) => Reason::CertificateUntrusted,
        };
        Self::new(reason, distrust.to_string())
    }
}

impl Trust {
    /// Trust in these authorities, as far as these lists revoke nothing.
    ///
    /// # Errors
    /// Says which root or list cannot be used, by its place from 0.
    pub fn new(
        roots: &[CertificateDer<'_>],
        lists: &[CertificateRevocationListDer<'_>],
    ) -> Result<Self, String> {
        if roots.is_empty() {
            return Err("there is no root".to_owned());
        }
        let mut revision = Context::new(&SHA256);
        let mut add = |bytes: &[u8]| {
            revision.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            revision.update(bytes);
        };
        let (mut anchors, mut read) = (Vec::new(), Vec::new());
        for (at, root) in roots.iter().enumerate() {
            let anchor = webpki::anchor_from_trusted_cert(root)
                .map_err(|error| format!("root {at} cannot be used: {error}"))?;
            anchors.push(anchor.to_owned());
            add(root);
        }
        for (at, list) in lists.iter().enumerate() {
            let list_read = OwnedCertRevocationList::from_der(list)
                .map_err(|error| format!("revocation list {at} cannot be used: {error}"))?;
            read.push(list_read.into());
            add(list);
        }
        Ok(Self { anchors, lists: read, revision: hex(revision.finish().as_ref()) })
    }

    /// Names all that it was made from, as a hexadecimal SHA-256.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Names of the authorities in DER, for clients that choose a certificate by them.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.anchors.iter().map(|anchor| anchor.subject.as_ref())
    }

    /// Verifies a chain, the client's own certificate first.
    ///
    /// # Errors
    /// Says why it is not trusted.
    pub fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<Certificate, Distrust> {
        let Some((leaf, above)) = chain.split_first().filter(|_| chain.len() <= CHAIN_MAX) else {
            return Err(Distrust::Malformed("the chain is empty or too long".to_owned()));
        };
        let facts = Facts::read(leaf).map_err(Distrust::Malformed)?;
        // webpki refuses what is an authority by its constraints; SPIFFE also by its key usage
        if Facts::is_authority(leaf).map_err(Distrust::Malformed)? {
            return Err(Distrust::Unfit("an authority is nobody's own certificate".to_owned()));
        }
        let certificate = EndEntityCert::try_from(leaf).map_err(|error| distrust(&error))?;
        let lists: Vec<&CertRevocationList<'_>> = self.lists.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        certificate
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &self.anchors,
                above,
                UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs())),
                KeyUsage::client_auth(),
                revocation,
                None,
            )
            .map_err(|error| distrust(&error))?;
        Ok(Certificate(facts))
    }
}

fn distrust(error: &Error) -> Distrust {
    if let Error::CertExpired { .. } | Error::CertNotValidYet { .. } = error {
        return Distrust::Expired;
    }
    match error {
        Error::CertRevoked => Distrust::Revoked,
        Error::UnknownRevocationStatus => Distrust::RevocationUnknown("an authority has no list"),
        Error::CrlExpired { .. } => Distrust::RevocationUnknown("a list has expired"),
        Error::InvalidCrlSignatureForPublicKey | Error::IssuerNotCrlSigner => {
            Distrust::RevocationUnknown("a list is not signed by its authority")
        }
        Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => Distrust::UnknownAuthority,
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) | Error::MalformedExtensions => {
            Distrust::Malformed(error.to_string())
        }
        // whatever else webpki may say, it is a refusal
        other => Distrust::Unfit(other.to_string()),
    }
}
