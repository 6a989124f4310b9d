//! Who is the caller behind a verified certificate? The rules of one provider.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portcullis_model::{
    Attribute, CredentialKind, CredentialRef, Principal, PrincipalKind, ProviderId, Reason,
    WorkloadNames,
};

use super::trust::Certificate;
use crate::authenticated::{Authenticated, Refused};

/// Characters of the fingerprint that name a certificate in records: 16 bytes.
const HANDLE_CHARACTERS: usize = 32;

/// Rules of a provider.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The provider.
    pub provider: ProviderId,
    /// Which name is the caller.
    pub names: WorkloadNames,
    /// What subjects are granted; who is not named has nothing.
    pub grants: BTreeMap<String, Granted>,
}

/// What a subject is granted.
#[derive(Clone, Debug, Default)]
pub struct Granted {
    /// Its tenant.
    pub tenant: Option<String>,
    /// Its scopes.
    pub scopes: BTreeSet<String>,
    /// Its roles.
    pub roles: BTreeSet<String>,
}

impl Rules {
    /// The caller.
    ///
    /// # Errors
    /// `identify.certificate_name_refused`.
    pub fn authenticate(&self, certificate: &Certificate) -> Result<Authenticated, Refused> {
        let facts = certificate.facts();
        let (kind, names) = match self.names {
            WorkloadNames::Spiffe { .. } => ("URI", &facts.uris),
            WorkloadNames::Dns { .. } => ("DNS name", &facts.dns),
        };
        let refused = |detail: String| Refused::new(Reason::CertificateNameRefused, detail);
        let subject = match names.as_slice() {
            [] => return Err(refused(format!("the certificate has no {kind}"))),
            [subject] => subject,
            [_, _, ..] => {
                return Err(refused(format!("the certificate has more than one {kind}")));
            }
        };
        if !self.names.may_be(subject) {
            let detail = format!("the {kind} is not of the declared form and domain");
            return Err(refused(detail));
        }
        let Granted { tenant, scopes, roles } =
            self.grants.get(subject).cloned().unwrap_or_default();
        let texts = |names: &[String]| Attribute::Texts(names.iter().cloned().collect());
        let attributes = [
            ("certificate_dns", texts(&facts.dns)),
            ("certificate_fingerprint", Attribute::Text(facts.fingerprint.clone())),
            ("certificate_uris", texts(&facts.uris)),
        ];
        Ok(Authenticated::verified(Principal {
            kind: PrincipalKind::Workload,
            provider: Some(self.provider.clone()),
            subject: subject.clone(),
            tenant,
            scopes,
            roles,
            attributes: attributes.map(|(name, value)| (name.to_owned(), value)).into(),
            actors: Vec::new(),
            may_act: None,
            credential: Some(CredentialRef {
                kind: CredentialKind::Certificate,
                handle: facts.fingerprint.chars().take(HANDLE_CHARACTERS).collect(),
                issued_at: Some(facts.not_before),
                expires_at: Some(facts.not_after.plus(Duration::from_secs(1))),
            }),
        }))
    }
}
