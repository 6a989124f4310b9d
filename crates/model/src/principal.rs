//! Who is it, once a credential has been verified?
//!
//! A `Principal` by itself proves nothing: anyone may build the value. What proves that it was
//! verified is `identity::Authenticated`, which only verification can make.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{ProviderId, Timestamp};

/// What kind of caller a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// Nobody showed a credential and the boundary allows that.
    Anonymous,
    /// A program that holds an API key.
    ApiKey,
    /// A person, by a token.
    User,
    /// A program, by a token or a workload identity.
    Workload,
}

/// A caller. Two principals are the same only if `kind`, `provider` and `subject` are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// What kind of caller it is.
    pub kind: PrincipalKind,
    /// Who vouched for it; `None` for anonymous callers only.
    pub provider: Option<ProviderId>,
    /// The subject in the provider's own terms (`sub`, key id).
    pub subject: String,
    /// The tenant it belongs to, where the provider says one.
    pub tenant: Option<String>,
    /// Granted scopes.
    pub scopes: BTreeSet<String>,
    /// Roles, from the mapped claim.
    pub roles: BTreeSet<String>,
    /// Further mapped claims, by the name the declaration gives them.
    pub attributes: BTreeMap<String, Attribute>,
    /// Who acts for it, the one that shows the credential first (`act`, RFC 8693 section 4.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<Actor>,
    /// Who else may act for it, by the word of its credential (`may_act`, RFC 8693 section 4.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_act: Option<Actor>,
    /// What was shown, without the secret.
    pub credential: Option<CredentialRef>,
}

impl Principal {
    /// The caller that showed nothing.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self {
            kind: PrincipalKind::Anonymous,
            provider: None,
            subject: String::new(),
            tenant: None,
            scopes: BTreeSet::new(),
            roles: BTreeSet::new(),
            attributes: BTreeMap::new(),
            actors: Vec::new(),
            may_act: None,
            credential: None,
        }
    }

    /// A name that is distinct across providers: `provider|subject`, or `anonymous`.
    #[must_use]
    pub fn qualified_name(&self) -> String {
        match &self.provider {
            None => "anonymous".to_owned(),
            Some(provider) => [provider.as_str(), "|", &self.subject].concat(),
        }
    }
}

/// Who acts for a caller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Who vouches for it, where that is not the issuer of the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Its subject, in the terms of who vouches for it.
    pub subject: String,
}

/// The value of a mapped claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// A truth value.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// A set of texts.
    Texts(BTreeSet<String>),
}

/// Which credential it was, without anything that could be used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialRef {
    /// What kind of credential.
    pub kind: CredentialKind,
    /// A handle that names it in records: API key id, or the first 16 bytes of the SHA-256 of the
    /// token or certificate in hexadecimal.
    pub handle: String,
    /// When it was issued, if it says so.
    pub issued_at: Option<Timestamp>,
    /// When it stops being valid, if ever.
    pub expires_at: Option<Timestamp>,
}

/// Kinds of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A Portcullis API key.
    ApiKey,
    /// An X.509 certificate, shown in the TLS handshake.
    Certificate,
    /// A signed JSON Web Token.
    Jwt,
    /// A signature over the message (RFC 9421).
    Signature,
    /// The code of a webhook over its body.
    Webhook,
    /// A token that only its issuer can read.
    OpaqueToken,
}
