//! How is a file of TLS read? PEM (RFC 7468), to a bound, each of the one kind that is meant.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use portcullis_config::declaration::SecretRef;
use portcullis_transport::tls::pem::PemObject;
use portcullis_transport::tls::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::private;

/// Largest file in bytes; lists of revocation are the large ones.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What is wrong with a file.
#[derive(Debug)]
pub(super) enum Bad {
    /// It cannot be read.
    Missing(String),
    /// It is not what it should be.
    Form(String),
    /// It is a secret and others may read it.
    Open(String),
}

/// The bytes of a file.
pub(super) fn text(folder: &Path, name: &str) -> Result<Vec<u8>, Bad> {
    let missing = |error: std::io::Error| Bad::Missing(error.to_string());
    let file = File::open(folder.join(name)).map_err(missing)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(missing)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(Bad::Missing(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// Every certificate of a file.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Bad> {
    some(CertificateDer::pem_slice_iter(pem).collect(), "certificate")
}

/// Every revocation list of a file.
pub(super) fn lists(pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Bad> {
    some(CertificateRevocationListDer::pem_slice_iter(pem).collect(), "revocation list")
}

fn some<T, E: std::fmt::Display>(read: Result<Vec<T>, E>, kind: &str) -> Result<Vec<T>, Bad> {
    match read {
        Ok(read) if read.is_empty() => Err(Bad::Form(format!("there is no {kind} in PEM"))),
        Ok(read) => Ok(read),
        Err(error) => Err(Bad::Form(error.to_string())),
    }
}

/// A private key, which nobody else may read.
pub(super) fn key(folder: &Path, secret: &SecretRef) -> Result<PrivateKeyDer<'static>, Bad> {
    let pem = match secret {
        SecretRef::Env(name) => std::env::var(name)
            .map(String::into_bytes)
            .map_err(|_| Bad::Missing("the variable is not set".to_owned()))?,
        SecretRef::File(name) => {
            let pem = text(folder, name)?;
            private::check_key(&folder.join(name)).map_err(Bad::Open)?;
            pem
        }
    };
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| Bad::Form("there is no private key in PEM".to_owned()))
}
