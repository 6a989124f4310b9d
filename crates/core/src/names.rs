//! What is somebody called in tokens of the boundary's own? By a name that is distinct across providers,
//! and that stays the same when a token of ours is shown to us again.

use portcullis_config::declaration::Provider;
use portcullis_model::{Actor, Principal};

use crate::snapshot::Snapshot;

/// Whether the caller's own credential is one of our tokens, whose names are ours already.
fn is_ours(principal: &Principal, snapshot: &Snapshot) -> bool {
    let provider = principal.provider.as_ref();
    let provider = provider.and_then(|id| snapshot.declaration.providers.get(id));
    match (provider, &snapshot.declaration.tokens) {
        (Some(Provider::Jwt(jwt)), Some(tokens)) => jwt.issuer == tokens.issuer,
        (_, _) => false,
    }
}

/// A caller's name in tokens of ours: distinct across providers.
#[must_use]
pub fn subject(principal: &Principal, snapshot: &Snapshot) -> String {
    match is_ours(principal, snapshot) {
        true => principal.subject.clone(),
        false => principal.qualified_name(),
    }
}

/// An actor's name in tokens of ours.
#[must_use]
pub fn actor(actor: &Actor, principal: &Principal, snapshot: &Snapshot) -> String {
    let provider = principal.provider.as_ref().map(|provider| provider.as_str().to_owned());
    match actor.issuer.clone().or(provider) {
        Some(issuer) if !is_ours(principal, snapshot) => format!("{issuer}|{}", actor.subject),
        Some(_) | None => actor.subject.clone(),
    }
}
