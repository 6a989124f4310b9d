//! What does a token say that the boundary issues itself? Header and claims of a JWT (RFC 7519, in the
//! profile of RFC 9068) as text, made from what was decided. Pure: who signs it, when, and under which
//! id is handed in.
//!
//! A token of ours names its one audience, the caller by a name that is distinct across providers, who
//! acts for it (`act`, RFC 8693 section 4.1), and, where it is made for one request, the method and the
//! operation that it was made for. Nothing of the outside credential stands in it.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_model::{Method, Timestamp};
use serde::Serialize;

/// `typ` of a token of ours (RFC 9068 section 2.1).
pub const TYPE: &str = "at+jwt";

/// A token to be made. What is equal may be given the same token, so everything that a token depends
/// on stands here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// `sub`.
    pub subject: String,
    /// `client_id`: who asked for the token.
    pub client: String,
    /// `tenant`.
    pub tenant: Option<String>,
    /// `scope`.
    pub scopes: BTreeSet<String>,
    /// `act`, the present actor first.
    pub actors: Vec<String>,
    /// `may_act`: who may exchange it.
    pub may_act: Option<String>,
    /// `htm` and `op`: the one method and operation that it is good for.
    pub request: Option<(Method, String)>,
    /// Longest time from `iat` to `exp`.
    pub lifetime: Duration,
    /// When what it stands for ends; it ends no later.
    pub until: Option<Timestamp>,
    /// Handle of the credential behind it, with whatever that is bound to. It is no claim: it keeps
    /// what was made for one credential from being given for another.
    pub credential: String,
}

/// What is signed, and how long it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Header and claims, as they are signed (RFC 7515 section 5.1).
    pub input: String,
    /// `exp`.
    pub expires_at: Timestamp,
}

/// A token of ours. Its text goes to whom it was made for, and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// The whole token.
    pub text: String,
    /// `jti`, by which records name it.
    pub handle: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signed({}, ..)", self.handle)
    }
}

impl Order {
    /// Header and claims. `None` where it would have ended before it began.
    #[must_use]
    pub fn draft(&self, kid: &str, id: &str, now: Timestamp) -> Option<Draft> {
        let issued_at = now.as_secs();
        let full = now.plus(self.lifetime).as_secs();
        let expires_at = self.until.map_or(full, |until| full.min(until.as_secs()));
        if expires_at <= issued_at {
            return None;
        }
        let scope: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        let (method, operation) = self.request.as_ref().map(|(method, op)| (method, op)).unzip();
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: &self.subject,
            client_id: &self.client,
            iat: issued_at,
            exp: expires_at,
            jti: id,
            tenant: self.tenant.as_deref(),
            scope: scope.join(" "),
            htm: method.map(|method| method.as_str()),
            op: operation.map(String::as_str),
            act: acting(&self.actors),
            may_act: self.may_act.as_deref().map(|sub| Acting { sub, act: None }),
        };
        let header = serde_json::to_string(&Header { alg: "ES256", typ: TYPE, kid }).ok()?;
        let claims = serde_json::to_string(&claims).ok()?;
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        Some(Draft {
            input: format!("{}.{}", encoded(&header), encoded(&claims)),
            expires_at: Timestamp::from_secs(expires_at),
        })
    }
}

/// The present actor outermost (RFC 8693 section 4.1).
fn acting(actors: &[String]) -> Option<Acting<'_>> {
    let mut chain = None;
    for sub in actors.iter().rev() {
        chain = Some(Acting { sub, act: chain.map(Box::new) });
    }
    chain
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    htm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Acting<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    may_act: Option<Acting<'a>>,
}

#[derive(Serialize)]
struct Acting<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Box<Self>>,
}

#[cfg(test)]
mod tests;
