//! Can the callers of a boundary show how they signed in?

use std::time::Duration;

use portcullis_model::StepUp;
use portcullis_model::assurance::is_acr;

use crate::check;
use crate::document::{Assurance, Document, Provider};
use crate::problems::{Problems, Rule};

const UNTOLD: Rule = Rule {
    code: "PC0129",
    why: "every caller of that provider would be refused, and told to sign in again without end",
    fix: "name the claims in `claims.acr` and `claims.auth_time` of the provider, or accept it at another boundary",
};

const AGES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(366 * 86_400));

pub(super) fn assurance(
    document: &Document,
    boundary: &str,
    written: &Assurance,
    problems: &mut Problems<'_>,
) -> StepUp {
    let at = |key| ["boundaries", boundary, "identity", "assurance", key];
    for acr in written.acr.iter().filter(|acr| !is_acr(acr)) {
        problems.error(check::VALUE, &at("acr"), format!("`{acr}` is no value of `acr`"));
    }
    let max_age = written.max_age.as_ref();
    let max_age = max_age.map(|age| check::duration(age, AGES, &at("max_age"), problems).as_secs());
    let whole = ["boundaries", boundary, "identity", "assurance"];
    if written.acr.is_empty() && max_age.is_none() {
        problems.error(UNTOLD, &whole, "it asks for nothing");
    }
    let accepted = document.boundaries.get(boundary).map(|one| one.identity.providers.as_slice());
    for name in accepted.unwrap_or_default() {
        let claims = match document.providers.get(name) {
            Some(Provider::Jwt(jwt)) => Some(&jwt.claims),
            Some(Provider::Introspection(opaque)) => Some(&opaque.claims),
            Some(
                Provider::ApiKeys(_)
                | Provider::Certificates(_)
                | Provider::Signatures(_)
                | Provider::Webhook(_)
                | Provider::Workload(_),
            ) => None,
            // that it stands for nothing is said where it is named
            None => continue,
        };
        let acr = written.acr.is_empty() || claims.is_some_and(|claims| claims.acr.is_some());
        let time = max_age.is_none() || claims.is_some_and(|claims| claims.auth_time.is_some());
        if !acr || !time {
            let message = format!("provider `{name}` does not say how its callers signed in");
            problems.error(UNTOLD, &whole, message);
        }
    }
    StepUp { acr: written.acr.clone(), max_age_secs: max_age }
}
