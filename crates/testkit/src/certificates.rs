//! A certificate authority: real keys and signatures, revocation lists, and every way to get a
//! certificate wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints, RevokedCertParams, SanType,
    SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::{Duration, OffsetDateTime};

use crate::issuer::base64;

/// A day in seconds.
pub const DAY: i64 = 86_400;

/// Whoever signs certificates.
#[derive(Debug)]
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    /// Certificates between this and the root, in PEM.
    between: String,
}

/// A certificate that is asked for.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// DNS names.
    pub dns: Vec<String>,
    /// URIs.
    pub uris: Vec<String>,
    /// Valid from this many seconds after now,
    pub from: i64,
    /// until this many.
    pub to: i64,
    /// Whether it says that it is an authority.
    pub authority: bool,
    /// Whether its key may sign certificates.
    pub signs: bool,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Its chain without the root, in PEM.
    pub chain: String,
    /// Its key, in PEM.
    pub key: String,
    serial: u64,
}

impl Issued {
    /// SHA-256 of the certificate in base64url, as tokens are bound to it (RFC 8705 section 3.1).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        base64(digest(&SHA256, &self.der()))
    }

    /// The certificate itself, in DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap().to_vec()
    }
}

impl Leaf {
    /// A certificate of a server of these names.
    #[must_use]
    pub fn server(names: &[&str]) -> Self {
        let dns = names.iter().map(|name| (*name).to_owned()).collect();
        Self { dns, uris: Vec::new(), from: -DAY, to: 30 * DAY, authority: false, signs: false }
    }

    /// The same, until this many seconds after now.
    #[must_use]
    pub fn until(self, to: i64) -> Self {
        Self { from: self.from.min(to - DAY), to, ..self }
    }

    /// A certificate of a workload of these URIs.
    #[must_use]
    pub fn workload(uris: &[&str]) -> Self {
        let uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        Self { uris, ..Self::server(&[]) }
    }
}

impl Authority {
    /// An authority that vouches for itself.
    #[must_use]
    pub fn root(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = authority(name);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key), between: String::new() }
    }

    /// An authority below this one, which may vouch for DNS names of these domains only; for any
    /// where there is none.
    #[must_use]
    pub fn below(&self, name: &str, domains: &[&str]) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = authority(name);
        let permitted = domains.iter().map(|name| GeneralSubtree::DnsName((*name).to_owned()));
        params.name_constraints = (!domains.is_empty()).then(|| NameConstraints {
            permitted_subtrees: permitted.collect(),
            excluded_subtrees: Vec::new(),
        });
        params.serial_number = Some(SerialNumber::from(serial()));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let between = certificate.pem() + &self.between;
        Self { certificate, issuer: Issuer::new(params, key), between }
    }

    /// Its certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Issues a certificate for a name, of a server or a client.
    #[must_use]
    pub fn certify(&self, name: &str) -> Issued {
        self.issue(&Leaf::server(&[name]))
    }

    /// Issues a certificate.
    #[must_use]
    pub fn issue(&self, leaf: &Leaf) -> Issued {
        let key = KeyPair::generate().unwrap();
        let serial = serial();
        let now = OffsetDateTime::now_utc();
        let mut params = CertificateParams::new(leaf.dns.clone()).unwrap();
        let uris = leaf.uris.iter().map(|uri| SanType::URI(uri.as_str().try_into().unwrap()));
        params.subject_alt_names.extend(uris);
        params.not_before = now + Duration::seconds(leaf.from);
        params.not_after = now + Duration::seconds(leaf.to);
        params.serial_number = Some(SerialNumber::from(serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if leaf.signs {
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        if leaf.authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { chain: certificate.pem() + &self.between, key: key.serialize_pem(), serial }
    }

    /// Signs what was requested, and answers its chain in PEM.
    #[must_use]
    pub fn sign(&self, request: &CertificateSigningRequestParams) -> String {
        request.signed_by(&self.issuer).unwrap().pem() + &self.between
    }

    /// A revocation list of these certificates, to be followed by the next one after this many
    /// seconds.
    #[must_use]
    pub fn list(&self, revoked: &[&Issued], next: i64) -> String {
        let now = OffsetDateTime::now_utc();
        let revoked = revoked.iter().map(|issued| RevokedCertParams {
            serial_number: SerialNumber::from(issued.serial),
            revocation_time: now - Duration::hours(1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: now - Duration::hours(2),
            next_update: now + Duration::seconds(next),
            crl_number: SerialNumber::from(serial()),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn serial() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(1000);
    LAST.fetch_add(1, Ordering::Relaxed)
}
