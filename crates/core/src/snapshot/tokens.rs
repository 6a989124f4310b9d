//! What must tokens be? The declared providers, as the rules that signed tokens and the answers about
//! opaque ones are judged by.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portcullis_config::Declaration;
use portcullis_config::declaration::{AttributeKind, Claims, JwtPrincipal, Provider, WorkloadRule};
use portcullis_identity::jwk::Algorithm;
use portcullis_identity::jwt;
use portcullis_model::{PrincipalKind, ProviderId};

/// What an access token must say besides whom, by whom, for whom and how long (RFC 9068 section 2.2).
const OF_TOKENS: [&str; 2] = ["client_id", "jti"];

/// What the answer about an opaque token must say besides for whom and how long.
const OF_ANSWERS: [&str; 2] = ["iss", "sub"];

/// Rules for signed tokens by provider.
pub(super) fn signed(declaration: &Declaration) -> BTreeMap<ProviderId, jwt::Rules> {
    let mut rules = BTreeMap::new();
    for (id, provider) in &declaration.providers {
        let Provider::Jwt(provider) = provider else { continue };
        let algorithms = provider.algorithms.iter().filter_map(|name| Algorithm::parse(name));
        let of_provider = jwt::Rules {
            issuer: provider.issuer.clone(),
            audiences: provider.audiences.clone(),
            single_audience: provider.single_audience,
            algorithms: algorithms.collect(),
            required: required(&OF_TOKENS, &provider.relaxed),
            types: provider.types.clone(),
            actors: provider.actors.clone(),
            clock_skew: provider.clock_skew,
            max_lifetime: provider.max_lifetime,
            kind: kind(provider.principal),
            workload: provider.workload.as_ref().map(workload),
            ..mapped(id, &provider.claims)
        };
        rules.insert(id.clone(), of_provider);
    }
    rules
}

/// Rules for the answers about opaque tokens by provider. The issuer answers now: how long a token
/// lives is its business.
pub(super) fn opaque(declaration: &Declaration) -> BTreeMap<ProviderId, jwt::Rules> {
    let mut rules = BTreeMap::new();
    for (id, provider) in &declaration.providers {
        let Provider::Introspection(provider) = provider else { continue };
        let of_provider = jwt::Rules {
            issuer: provider.issuer.clone(),
            audiences: provider.audiences.clone(),
            single_audience: provider.single_audience,
            required: required(&OF_ANSWERS, &provider.relaxed),
            clock_skew: provider.clock_skew,
            kind: kind(provider.principal),
            ..mapped(id, &provider.claims)
        };
        rules.insert(id.clone(), of_provider);
    }
    rules
}

fn workload(rule: &WorkloadRule) -> jwt::Workload {
    jwt::Workload {
        only: rule.only.clone(),
        never: rule.never.clone(),
        trust_domain: rule.trust_domain.clone(),
        tenant: rule.grant.tenant.clone(),
        scopes: rule.grant.scopes.clone(),
        roles: rule.grant.roles.clone(),
    }
}

fn required(all: &[&str], relaxed: &BTreeSet<String>) -> BTreeSet<String> {
    all.iter().filter(|name| !relaxed.contains(**name)).map(|name| (*name).to_owned()).collect()
}

const fn kind(principal: JwtPrincipal) -> PrincipalKind {
    match principal {
        JwtPrincipal::User => PrincipalKind::User,
        JwtPrincipal::Workload => PrincipalKind::Workload,
    }
}

/// Which claims become what; nothing is accepted yet.
fn mapped(id: &ProviderId, claims: &Claims) -> jwt::Rules {
    let attributes = claims.attributes.iter().map(|(name, attribute)| {
        let kind = match attribute.kind {
            AttributeKind::Flag => jwt::AttributeKind::Flag,
            AttributeKind::Number => jwt::AttributeKind::Number,
            AttributeKind::Text => jwt::AttributeKind::Text,
            AttributeKind::Texts => jwt::AttributeKind::Texts,
            AttributeKind::TextOrTexts => jwt::AttributeKind::TextOrTexts,
        };
        let claim = attribute.claim.clone();
        (name.clone(), jwt::AttributeRule { claim, kind, required: attribute.required })
    });
    jwt::Rules {
        provider: id.clone(),
        issuer: String::new(),
        audiences: BTreeSet::new(),
        single_audience: true,
        algorithms: BTreeSet::new(),
        required: BTreeSet::new(),
        types: BTreeSet::new(),
        clock_skew: Duration::ZERO,
        max_lifetime: Duration::ZERO,
        kind: PrincipalKind::User,
        tenant: claims.tenant.clone(),
        scopes: claims.scopes.clone(),
        roles: claims.roles.clone(),
        actors: BTreeSet::new(),
        attributes: attributes.collect(),
        workload: None,
    }
}
