//! What does a certificate say of itself? Read from DER (RFC 5280), believed by nobody yet.

use aws_lc_rs::digest::{SHA256, digest};
use portcullis_model::Timestamp;
use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::time::ASN1Time;

use crate::authenticated::hex;

/// Most names of a certificate that are looked at; more are refused.
const NAMES_MAX: usize = 100;

/// Longest issuer in bytes, as it stands in records.
const ISSUER_BYTES_MAX: usize = 512;

/// Smallest RSA key in bits (RFC 9325 section 4.5).
const RSA_BITS_MIN: usize = 2048;

/// Signatures with MD5, SHA-1 and RSA, SHA-1 and ECDSA (RFC 8017, RFC 3279).
const OLD_SIGNATURES: [&str; 3] =
    ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];

/// What stands in a certificate, as far as anything depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Hexadecimal SHA-256 of the whole certificate.
    pub fingerprint: String,
    /// Name of who issued it (RFC 4514).
    pub issuer: String,
    /// DNS names among its subject alternative names, as written.
    pub dns: Vec<String>,
    /// URIs among its subject alternative names, as written.
    pub uris: Vec<String>,
    /// Valid from this second on,
    pub not_before: Timestamp,
    /// up to and including this one.
    pub not_after: Timestamp,
}

/// How strong key and signature of a certificate are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Strong enough.
    Enough,
    /// Not, and why.
    Weak(String),
}

impl Facts {
    /// Reads a certificate.
    ///
    /// # Errors
    /// Says what of it cannot be read in one way.
    pub fn read(der: &[u8]) -> Result<Self, String> {
        let certificate = parse(der)?;
        let validity = certificate.validity();
        let (mut dns, mut uris) = (Vec::new(), Vec::new());
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| "its alternative names are malformed".to_owned())?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::DNSName(name) => dns.push(plain(name)?),
                GeneralName::URI(uri) => uris.push(plain(uri)?),
                GeneralName::Invalid(..) => return Err("a name of it is malformed".to_owned()),
                GeneralName::OtherName(..)
                | GeneralName::RFC822Name(_)
                | GeneralName::X400Address(_)
                | GeneralName::DirectoryName(_)
                | GeneralName::EDIPartyName(_)
                | GeneralName::IPAddress(_)
                | GeneralName::RegisteredID(_) => {}
            }
            if dns.len().saturating_add(uris.len()) > NAMES_MAX {
                return Err(format!("it has more than {NAMES_MAX} names"));
            }
        }
        let mut issuer = certificate.issuer().to_string();
        issuer.truncate(issuer.floor_char_boundary(ISSUER_BYTES_MAX));
        Ok(Self {
            fingerprint: hex(digest(&SHA256, der).as_ref()),
            issuer,
            dns,
            uris,
            not_before: seconds(validity.not_before)?,
            not_after: seconds(validity.not_after)?,
        })
    }

    /// Whether the certificate may sign others, by its constraints or by the usage of its key.
    ///
    /// # Errors
    /// Says what of it cannot be read.
    pub fn is_authority(der: &[u8]) -> Result<bool, String> {
        let certificate = parse(der)?;
        let usage = certificate.key_usage().map_err(|_| "its key usage is malformed".to_owned())?;
        let signs =
            usage.is_some_and(|usage| usage.value.key_cert_sign() || usage.value.crl_sign());
        Ok(certificate.is_ca() || signs)
    }

    /// How strong its key and the signature on it are.
    ///
    /// # Errors
    /// Says what of it cannot be read.
    pub fn strength(der: &[u8]) -> Result<Strength, String> {
        let certificate = parse(der)?;
        let signed_by = certificate.signature_algorithm.algorithm.to_id_string();
        // who signed a root is nobody but itself, so that the signature proves nothing either way
        let own = certificate.subject().as_raw() == certificate.issuer().as_raw();
        if !own && OLD_SIGNATURES.contains(&signed_by.as_str()) {
            return Ok(Strength::Weak("it is signed with SHA-1 or MD5".to_owned()));
        }
        let key = certificate.public_key();
        Ok(match key.parsed() {
            Ok(PublicKey::RSA(rsa)) if rsa.key_size() < RSA_BITS_MIN => {
                Strength::Weak(format!("its RSA key has {} bits", rsa.key_size()))
            }
            Ok(PublicKey::DSA(_) | PublicKey::GostR3410(_) | PublicKey::GostR3410_2012(_)) => {
                Strength::Weak("its key is of a kind that is not accepted".to_owned())
            }
            // curves are known to whoever verifies with the key
            Ok(PublicKey::RSA(_) | PublicKey::EC(_) | PublicKey::Unknown(_)) => Strength::Enough,
            Err(_) => Strength::Weak("its key cannot be read".to_owned()),
        })
    }
}

/// When a revocation list is to be followed by the next one.
///
/// # Errors
/// Says what of it cannot be read; a list without that time can be believed for ever, or never.
pub fn expiry_of_list(der: &[u8]) -> Result<Timestamp, String> {
    let (rest, list) = CertificateRevocationList::from_der(der)
        .map_err(|_| "it is not a revocation list".to_owned())?;
    if !rest.is_empty() {
        return Err("something follows the revocation list".to_owned());
    }
    seconds(list.next_update().ok_or("it does not say when the next one comes")?)
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err("something follows the certificate".to_owned()),
        Err(_) => Err("it is not a certificate".to_owned()),
    }
}

/// A name that reads the same everywhere: visible ASCII.
fn plain(name: &str) -> Result<String, String> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(name.to_owned());
    }
    Err("a name of it has more than visible ASCII".to_owned())
}

fn seconds(time: ASN1Time) -> Result<Timestamp, String> {
    let seconds = u64::try_from(time.timestamp());
    seconds.map(Timestamp::from_secs).map_err(|_| "its validity begins before 1970".to_owned())
}
