//! Is it one of the programs that are meant? Every user of a platform gets tokens of the same issuer, so
//! whom a token is for says nothing yet: the claims that name the program must be those declared.

use portcullis_model::{Principal, Reason, SpiffeId};
use serde_json::Value;

use super::rules::Workload;
use crate::authenticated::Refused;

/// Judges the claims of a program, and grants what is declared for it.
pub(super) fn judge<'a>(
    find: impl Fn(&str) -> Option<&'a Value>,
    rule: &Workload,
    principal: &mut Principal,
) -> Result<(), Refused> {
    let refused = |detail: String| Refused::new(Reason::WorkloadRefused, detail);
    for (name, values) in &rule.only {
        if !find(name).and_then(text).is_some_and(|value| values.contains(value)) {
            return Err(refused(format!("claim `{name}` has none of the declared values")));
        }
    }
    for (name, values) in &rule.never {
        // what cannot be read might be what must not be
        let known = find(name).map(text);
        if known.is_some_and(|value| value.is_none_or(|value| values.contains(value))) {
            return Err(refused(format!("claim `{name}` has a value that is kept out")));
        }
    }
    if let Some(trust_domain) = &rule.trust_domain {
        let id = SpiffeId::parse(&principal.subject);
        if !id.is_ok_and(|id| id.trust_domain() == trust_domain) {
            return Err(refused("`sub` is no SPIFFE ID of the trust domain".to_owned()));
        }
    }
    principal.tenant.clone_from(&rule.tenant);
    principal.scopes.clone_from(&rule.scopes);
    principal.roles.clone_from(&rule.roles);
    Ok(())
}

/// A text, or a truth value in words.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
