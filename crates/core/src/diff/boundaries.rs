//! What may cross, how closely is it looked at, and how often may it come?

use std::collections::BTreeSet;

use portcullis_config::Declaration;
use portcullis_config::declaration::{Audit, Boundary, Limit, LimitRule, SenderRule};

use super::change::{Changes, Effect, Thing};
use crate::snapshot::Snapshot;

/// Compares boundaries.
pub(super) fn boundaries(old: &Snapshot, new: &Snapshot, changes: &mut Changes) {
    let (was, is) = (&old.declaration.boundaries, &new.declaration.boundaries);
    changes.named("boundaries", Effect::Widens, (was, is), |was, is, thing| {
        let between = |one: &Boundary| format!("{} -> {}", one.from, one.to);
        thing.value(Effect::CannotBeTold, "between", &between(was), &between(is));
        let (old, new) = (&was.identity, &is.identity);
        thing.members(Effect::Widens, "provider", &old.providers, &new.providers);
        thing.bound("anonymous", &old.anonymous, &new.anonymous);
        sender(&old.sender, &new.sender, thing);
        if old.assurance != new.assurance {
            let effect = match (&old.assurance, &new.assurance) {
                (None, Some(_)) => Effect::Narrows,
                (Some(_), None) => Effect::Widens,
                (_, _) => Effect::CannotBeTold,
            };
            thing.say(effect, "asks for another sign-in");
        }
        let limits = |one: &Boundary| one.limits.iter().cloned().collect::<BTreeSet<_>>();
        thing.members(Effect::Narrows, "limit", &limits(was), &limits(is));
        let (old, new) = (&was.inspection, &is.inspection);
        thing.bound("body_bytes_max", &old.body_bytes_max, &new.body_bytes_max);
        thing.bound("json_depth_max", &old.json_depth_max, &new.json_depth_max);
        thing.bound("expansion_max", &old.expansion_max, &new.expansion_max);
        let audit = match is.audit {
            Audit::Required => Effect::Narrows,
            Audit::BestEffort => Effect::Widens,
        };
        thing.value(audit, "audit", &was.audit, &is.audit);
        thing.bound("continues traces", &was.trace.continues, &is.trace.continues);
        let baggage = |one: &Boundary| one.trace.baggage.iter().cloned().collect::<BTreeSet<_>>();
        thing.members(Effect::Widens, "baggage", &baggage(was), &baggage(is));
        let mut rest = is.clone();
        rest.trace.clone_from(&was.trace);
        rest.from.clone_from(&was.from);
        rest.to.clone_from(&was.to);
        rest.identity.providers.clone_from(&was.identity.providers);
        rest.identity.anonymous = was.identity.anonymous;
        rest.identity.sender = was.identity.sender;
        rest.identity.assurance.clone_from(&was.identity.assurance);
        rest.limits.clone_from(&was.limits);
        rest.inspection.body_bytes_max = was.inspection.body_bytes_max;
        rest.inspection.json_depth_max = was.inspection.json_depth_max;
        rest.inspection.expansion_max = was.inspection.expansion_max;
        rest.audit = was.audit;
        rest.span.clone_from(&was.span);
        thing.rest(was, &rest);
    });
    reach(old, new, changes);
}

fn sender(was: &SenderRule, is: &SenderRule, thing: &mut Thing<'_>) {
    thing.bound("credentials that anybody could show", &!was.required, &!is.required);
    thing.bound("proofs without a nonce", &!was.nonces, &!is.nonces);
    thing.bound("proof_age_max", &was.proof_age_max, &is.proof_age_max);
    thing.bound("clock_skew of proofs", &was.clock_skew, &is.clock_skew);
}

/// APIs that callers come to only now, or no more, because one of the two leads elsewhere or is
/// elsewhere. What comes and goes as a whole is said of itself.
fn reach(old: &Snapshot, new: &Snapshot, changes: &mut Changes) {
    let reached = |snapshot: &Snapshot| -> BTreeSet<(String, String)> {
        let apis = &snapshot.declaration.apis;
        let boundaries = &snapshot.declaration.boundaries;
        boundaries
            .iter()
            .flat_map(|(id, boundary)| {
                let there = apis.iter().filter(|(_, api)| api.zone == boundary.to);
                there.map(|(api, _)| (id.to_string(), api.to_string()))
            })
            .collect()
    };
    let (was, is) = (reached(old), reached(new));
    let stay = |(boundary, api): &&(String, String)| {
        [old, new].iter().all(|one| {
            one.declaration.boundaries.contains_key(&boundary.as_str().into())
                && one.declaration.apis.contains_key(&api.as_str().into())
        })
    };
    for (boundary, api) in was.difference(&is).filter(stay) {
        changes
            .of("boundaries", boundary)
            .say(Effect::Narrows, format!("leads to API `{api}` no more"));
    }
    for (boundary, api) in is.difference(&was).filter(stay) {
        changes.of("boundaries", boundary).say(Effect::Widens, format!("leads to API `{api}`"));
    }
}

/// Compares limits.
pub(super) fn limits(was: &Declaration, is: &Declaration, changes: &mut Changes) {
    // that a limit is there does nothing; that a boundary applies it does
    changes.named("limits", Effect::Neutral, (&was.limits, &is.limits), |was, is, thing| {
        thing.value(Effect::CannotBeTold, "per", &was.per, &is.per);
        if was.rule != is.rule {
            let said = format!("{} -> {}", shown(&was.rule), shown(&is.rule));
            thing.say(allows(&was.rule, &is.rule), said);
        }
        rest(was, is, thing);
    });
}

fn rest(was: &Limit, is: &Limit, thing: &mut Thing<'_>) {
    let mut rest = *is;
    rest.per = was.per;
    rest.rule = was.rule;
    thing.rest(was, &rest);
}

fn allows(was: &LimitRule, is: &LimitRule) -> Effect {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let effect = |order| match order {
        Less => Effect::Narrows,
        Equal => Effect::Neutral,
        Greater => Effect::Widens,
    };
    match (was, is) {
        (LimitRule::Concurrent(was), LimitRule::Concurrent(is)) => effect(is.cmp(was)),
        (
            LimitRule::Rate { amount, window, burst },
            LimitRule::Rate { amount: new_amount, window: new_window, burst: new_burst },
        ) => {
            // amount/window of both, without division
            let per = |amount: u32, window: &std::time::Duration| {
                u128::from(amount).saturating_mul(window.as_nanos())
            };
            let (old, new) = (per(amount.get(), new_window), per(new_amount.get(), window));
            effect(new.cmp(&old)).and(effect(new_burst.cmp(burst)))
        }
        (LimitRule::Concurrent(_), LimitRule::Rate { .. })
        | (LimitRule::Rate { .. }, LimitRule::Concurrent(_)) => Effect::CannotBeTold,
    }
}

fn shown(rule: &LimitRule) -> String {
    match rule {
        LimitRule::Concurrent(most) => format!("{most} at once"),
        LimitRule::Rate { amount, window, burst } => {
            format!("{amount} per {window:?}, {burst} at once")
        }
    }
}
