//! Who acts for the caller, by its token's word (`act`, RFC 8693 section 4.1), and may they? A chain of
//! actors is read strictly and to a bound; each must be one that the provider's declaration names.

use std::collections::BTreeSet;

use portcullis_model::{Actor, Reason};
use serde_json::{Map, Value};

use crate::authenticated::Refused;

/// Longest chain of actors.
pub const ACTORS_MAX: usize = 4;

/// Longest name of an actor or its issuer in bytes.
const NAME_BYTES_MAX: usize = 2048;

/// The chain, the present actor first; empty where nobody acts for the caller.
///
/// # Errors
/// `identify.claim_invalid` where it has not the form, `identify.actor_refused` where it is too long or
/// an actor is not declared.
pub(super) fn chain(
    claims: &Map<String, Value>,
    declared: &BTreeSet<String>,
) -> Result<Vec<Actor>, Refused> {
    let mut chain = Vec::new();
    let mut next = claims.get("act");
    while let Some(value) = next {
        if chain.len() >= ACTORS_MAX {
            let detail = format!("`act` has more than {ACTORS_MAX} actors");
            return Err(Refused::new(Reason::ActorRefused, detail));
        }
        let members = value.as_object().ok_or_else(invalid)?;
        let actor = actor(members)?;
        if !declared.contains(&actor.subject) {
            let detail = "`act` names an actor that the provider does not list";
            return Err(Refused::new(Reason::ActorRefused, detail));
        }
        chain.push(actor);
        next = members.get("act");
    }
    Ok(chain)
}

/// Who may act for the caller beside those who do.
///
/// # Errors
/// `identify.claim_invalid` where it has not the form.
pub(super) fn may_act(claims: &Map<String, Value>) -> Result<Option<Actor>, Refused> {
    let Some(value) = claims.get("may_act") else { return Ok(None) };
    actor(value.as_object().ok_or_else(invalid)?).map(Some)
}

fn actor(members: &Map<String, Value>) -> Result<Actor, Refused> {
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= NAME_BYTES_MAX => {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(invalid()),
    };
    let subject = text("sub")?.ok_or_else(invalid)?;
    Ok(Actor { issuer: text("iss")?, subject })
}

fn invalid() -> Refused {
    Refused::new(Reason::ClaimInvalid, "claim `act` or `may_act` is not of actors")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::collections::BTreeSet;

    use portcullis_model::Reason;
    use serde_json::{Value, json};

    use super::{ACTORS_MAX, chain};

    fn read(act: &Value, declared: &[&str]) -> Result<Vec<String>, Reason> {
        let claims = json!({ "act": act });
        let declared: BTreeSet<String> = declared.iter().map(|one| (*one).to_owned()).collect();
        chain(claims.as_object().unwrap(), &declared)
            .map(|actors| actors.into_iter().map(|actor| actor.subject).collect())
            .map_err(|refused| refused.reason)
    }

    #[test]
    fn t38_a_chain_of_declared_actors_to_a_bound_and_nothing_else() {
        let two = json!({"sub": "a", "act": {"sub": "b"}});
        assert_eq!(read(&two, &["a", "b"]), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(read(&two, &["a"]), Err(Reason::ActorRefused));
        assert_eq!(read(&two, &[]), Err(Reason::ActorRefused));
        let mut deep = json!({"sub": "a"});
        for _ in 0..ACTORS_MAX {
            deep = json!({"sub": "a", "act": deep});
        }
        assert_eq!(read(&deep, &["a"]), Err(Reason::ActorRefused));
        for bad in [json!("a"), json!({}), json!({"sub": 1}), json!({"sub": ""}), json!([])] {
            assert_eq!(read(&bad, &["a", ""]), Err(Reason::ClaimInvalid));
        }
        assert_eq!(read(&json!({"sub": "a", "iss": 7}), &["a"]), Err(Reason::ClaimInvalid));
        assert_eq!(chain(json!({}).as_object().unwrap(), &BTreeSet::new()), Ok(Vec::new()));
    }
}
