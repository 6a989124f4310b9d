//! Who holds a declared key or secret? The declaration says it, since neither says anything itself.

use std::collections::BTreeSet;

use portcullis_model::{
    CredentialKind, CredentialRef, Principal, PrincipalKind, ProviderId, Timestamp,
};

use crate::authenticated::Authenticated;

/// A program that signs with a declared key or secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Its name.
    pub subject: String,
    /// The tenant it belongs to.
    pub tenant: Option<String>,
    /// Scopes.
    pub scopes: BTreeSet<String>,
    /// Roles.
    pub roles: BTreeSet<String>,
}

impl Holder {
    /// The caller that signed; `handle` names the key.
    pub(crate) fn authenticated(
        &self,
        provider: &ProviderId,
        kind: CredentialKind,
        handle: &str,
        issued_at: Option<Timestamp>,
    ) -> Authenticated {
        Authenticated::verified(Principal {
            kind: PrincipalKind::Workload,
            provider: Some(provider.clone()),
            subject: self.subject.clone(),
            tenant: self.tenant.clone(),
            scopes: self.scopes.clone(),
            roles: self.roles.clone(),
            credential: Some(CredentialRef {
                kind,
                handle: handle.to_owned(),
                issued_at,
                expires_at: None,
            }),
            ..Principal::anonymous()
        })
    }
}
