//! Where is it carried? How an upstream is balanced, watched and retried changes nothing for those who
//! come from outside; where it is, and whether it is the one that is meant, may.

use portcullis_config::Declaration;
use portcullis_config::declaration::Upstream;

use super::change::{Changes, Effect, Thing};

/// Compares upstreams.
pub(super) fn upstreams(was: &Declaration, is: &Declaration, changes: &mut Changes) {
    let both = (&was.upstreams, &is.upstreams);
    changes.named("upstreams", Effect::Neutral, both, |was, is, thing| {
        place(was, is, thing);
        care(was, is, thing);
        thing.rest(was, &rest(was, is));
    });
}

fn place(was: &Upstream, is: &Upstream, thing: &mut Thing<'_>) {
    let all = |one: &Upstream| {
        one.addresses.iter().map(|at| format!("{}:{}", at.host, at.port)).collect()
    };
    thing.members(Effect::CannotBeTold, "address", &all(was), &all(is));
    thing.value(Effect::CannotBeTold, "addresses", &was.class, &is.class);
    thing.value(Effect::CannotBeTold, "protocol", &was.protocol, &is.protocol);
    let tls = |one: &Upstream| {
        let mut tls = one.tls.clone();
        if let Some(tls) = &mut tls {
            tls.span.clone_from(&was.span);
        }
        tls
    };
    if tls(was) != tls(is) {
        thing.say(Effect::CannotBeTold, "speaks TLS otherwise, or not");
    }
    if was.signature != is.signature {
        thing.say(Effect::CannotBeTold, "requests to it are signed otherwise, or not");
    }
    if was.token != is.token {
        thing.say(Effect::CannotBeTold, "is sent another token of ours, or none");
    }
    let trailers = |one: &Upstream| one.trailers.iter().cloned().collect();
    thing.members(Effect::Widens, "trailer", &trailers(was), &trailers(is));
}

fn care(was: &Upstream, is: &Upstream, thing: &mut Thing<'_>) {
    const NOTHING: Effect = Effect::Neutral;
    thing.value(NOTHING, "dns", &was.dns, &is.dns);
    thing.value(NOTHING, "balance", &was.balance, &is.balance);
    thing.value(NOTHING, "connect_timeout", &was.connect_timeout, &is.connect_timeout);
    thing.value(NOTHING, "try_timeout", &was.try_timeout, &is.try_timeout);
    thing.value(NOTHING, "response_timeout", &was.response_timeout, &is.response_timeout);
    thing.value(NOTHING, "idle_timeout", &was.idle_timeout, &is.idle_timeout);
    thing.value(NOTHING, "overall_timeout", &was.overall_timeout, &is.overall_timeout);
    thing.value(NOTHING, "connections_max", &was.connections_max, &is.connections_max);
    thing.value(NOTHING, "health", &was.health, &is.health);
    thing.value(NOTHING, "outlier", &was.outlier, &is.outlier);
    thing.value(NOTHING, "circuit", &was.circuit, &is.circuit);
    thing.value(NOTHING, "retries", &was.retries, &is.retries);
}

/// The new one, with everything as before that was compared.
fn rest(was: &Upstream, is: &Upstream) -> Upstream {
    let mut rest = is.clone();
    rest.addresses.clone_from(&was.addresses);
    rest.class.clone_from(&was.class);
    rest.protocol = was.protocol;
    rest.tls.clone_from(&was.tls);
    rest.token.clone_from(&was.token);
    rest.trailers.clone_from(&was.trailers);
    rest.signature.clone_from(&was.signature);
    rest.dns = was.dns;
    rest.balance = was.balance;
    rest.connect_timeout = was.connect_timeout;
    rest.try_timeout = was.try_timeout;
    rest.response_timeout = was.response_timeout;
    rest.idle_timeout = was.idle_timeout;
    rest.overall_timeout = was.overall_timeout;
    rest.connections_max = was.connections_max;
    rest.health.clone_from(&was.health);
    rest.outlier = was.outlier;
    rest.circuit = was.circuit;
    rest.retries.clone_from(&was.retries);
    rest.span.clone_from(&was.span);
    rest
}
