//! How far from RFC 9068 may an issuer's access tokens be? Every step away is said.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::document::{Jwt, RelaxedClaim};
use crate::problems::{Problems, Rule};
use crate::quantity;

const RELAXED: Rule = Rule {
    code: "PC0123",
    why: "what RFC 9068 asks of access tokens keeps other tokens, such as ID tokens, from passing for one",
    fix: "have the issuer make access tokens of RFC 9068, and remove the relaxation",
};
const LONG: Rule = Rule {
    code: "PC0127",
    why: "a token that was stolen, or whose subject has left, is good until its time is over",
    fix: "let tokens live for an hour at most, and tolerate clocks that differ by two minutes at most",
};

/// The type of access tokens (RFC 9068 section 2.1).
const ACCESS_TOKEN: &str = "at+jwt";

/// Longest clock difference and lifetime without a word.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(120);
const LIFETIME_MAX: Duration = Duration::from_secs(3600);

/// Says which weak settings are chosen.
pub(super) fn judge(name: &str, written: &Jwt, problems: &mut Problems<'_>) {
    let at = |key| ["providers", name, "jwt", key];
    for claim in &written.relaxed {
        let message = format!("tokens of `{name}` may lack `{}`", claim_name(*claim));
        problems.warning(RELAXED, &at("relaxed"), message);
    }
    for kind in written.types.iter().filter(|kind| *kind != ACCESS_TOKEN) {
        let message = format!("tokens of `{name}` may be of the type `{kind}`");
        problems.warning(RELAXED, &at("types"), message);
    }
    for (key, text, most) in [
        ("clock_skew", &written.clock_skew, CLOCK_SKEW_MAX),
        ("max_lifetime", &written.max_lifetime, LIFETIME_MAX),
    ] {
        if quantity::duration(text).is_ok_and(|chosen| chosen > most) {
            problems.warning(LONG, &at(key), format!("`{text}` is longer than {most:?}"));
        }
    }
}

/// The claims that may lack, by name.
pub(super) fn relaxed(written: &[RelaxedClaim]) -> BTreeSet<String> {
    written.iter().map(|claim| claim_name(*claim).to_owned()).collect()
}

const fn claim_name(claim: RelaxedClaim) -> &'static str {
    match claim {
        RelaxedClaim::ClientId => "client_id",
        RelaxedClaim::Jti => "jti",
    }
}
