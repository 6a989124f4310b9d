//! Who can come, and where? Providers and listeners.

use std::net::SocketAddr;

use portcullis_config::Declaration;
use portcullis_config::declaration::{
    ApiKeyProvider, CertificateProvider, IntrospectionProvider, JwtProvider, Provider,
};

use super::change::{Changes, Effect, Thing};
use super::words::words;

/// Compares providers.
pub(super) fn providers(was: &Declaration, is: &Declaration, changes: &mut Changes) {
    // that a provider is there does nothing; that a boundary accepts it does
    let both = (&was.providers, &is.providers);
    changes.named("providers", Effect::Neutral, both, |was, is, thing| match (was, is) {
        (Provider::Jwt(was), Provider::Jwt(is)) => jwt(was, is, thing),
        (Provider::Introspection(was), Provider::Introspection(is)) => {
            introspection(was, is, thing);
        }
        (Provider::ApiKeys(was), Provider::ApiKeys(is)) => api_keys(was, is, thing),
        (Provider::Certificates(was), Provider::Certificates(is)) => certificates(was, is, thing),
        (Provider::Signatures(was), Provider::Signatures(is)) => {
            if was != is {
                thing.say(Effect::CannotBeTold, "its keys or what signatures must be are others");
            }
        }
        (Provider::Webhook(was), Provider::Webhook(is)) => {
            if was != is {
                thing.say(Effect::CannotBeTold, "its secrets or what webhooks must be are others");
            }
        }
        (_, _) => thing.say(Effect::CannotBeTold, "is a provider of another kind"),
    });
}

fn jwt(was: &JwtProvider, is: &JwtProvider, thing: &mut Thing<'_>) {
    thing.value(Effect::CannotBeTold, "issuer", &was.issuer, &is.issuer);
    thing.members(Effect::Widens, "audience", &was.audiences, &is.audiences);
    thing.bound("any further audience", &!was.single_audience, &!is.single_audience);
    if was.keys != is.keys {
        thing.say(Effect::CannotBeTold, "its keys come from elsewhere, or may be staler");
    }
    thing.members(Effect::Widens, "algorithm", &was.algorithms, &is.algorithms);
    thing.members(Effect::Widens, "actor", &was.actors, &is.actors);
    thing.members(Effect::Widens, "type of token", &was.types, &is.types);
    thing.members(Effect::Widens, "relaxation", &was.relaxed, &is.relaxed);
    thing.bound("clock_skew", &was.clock_skew, &is.clock_skew);
    thing.bound("max_lifetime", &was.max_lifetime, &is.max_lifetime);
    thing.value(Effect::CannotBeTold, "principal", &was.principal, &is.principal);
    if was.claims != is.claims {
        thing.say(Effect::CannotBeTold, "its claims become something else");
    }
    let mut rest = is.clone();
    rest.issuer.clone_from(&was.issuer);
    rest.audiences.clone_from(&was.audiences);
    rest.single_audience = was.single_audience;
    rest.keys.clone_from(&was.keys);
    rest.algorithms.clone_from(&was.algorithms);
    rest.actors.clone_from(&was.actors);
    rest.types.clone_from(&was.types);
    rest.relaxed.clone_from(&was.relaxed);
    rest.clock_skew = was.clock_skew;
    rest.max_lifetime = was.max_lifetime;
    rest.principal = was.principal;
    rest.claims.clone_from(&was.claims);
    thing.rest(was, &rest);
}

fn introspection(was: &IntrospectionProvider, is: &IntrospectionProvider, thing: &mut Thing<'_>) {
    thing.value(Effect::CannotBeTold, "issuer", &was.issuer, &is.issuer);
    thing.value(Effect::CannotBeTold, "endpoint", &was.endpoint, &is.endpoint);
    thing.members(Effect::Widens, "audience", &was.audiences, &is.audiences);
    thing.bound("any further audience", &!was.single_audience, &!is.single_audience);
    thing.members(Effect::Widens, "relaxation", &was.relaxed, &is.relaxed);
    thing.bound("fresh_for", &was.fresh_for, &is.fresh_for);
    thing.bound("clock_skew", &was.clock_skew, &is.clock_skew);
    thing.value(Effect::CannotBeTold, "principal", &was.principal, &is.principal);
    if was.claims != is.claims {
        thing.say(Effect::CannotBeTold, "its answers become something else");
    }
    if (&was.client_id, &was.auth) != (&is.client_id, &is.auth) {
        thing.say(Effect::CannotBeTold, "we are somebody else to it, or prove it otherwise");
    }
    if (&was.roots, &was.allow_addresses) != (&is.roots, &is.allow_addresses) {
        thing.say(Effect::CannotBeTold, "its address or its certificate may be another");
    }
    let mut rest = is.clone();
    rest.issuer.clone_from(&was.issuer);
    rest.endpoint.clone_from(&was.endpoint);
    rest.audiences.clone_from(&was.audiences);
    rest.single_audience = was.single_audience;
    rest.relaxed.clone_from(&was.relaxed);
    rest.fresh_for = was.fresh_for;
    rest.clock_skew = was.clock_skew;
    rest.principal = was.principal;
    rest.claims.clone_from(&was.claims);
    rest.client_id.clone_from(&was.client_id);
    rest.auth.clone_from(&was.auth);
    rest.roots.clone_from(&was.roots);
    rest.allow_addresses.clone_from(&was.allow_addresses);
    thing.rest(was, &rest);
}

fn api_keys(was: &ApiKeyProvider, is: &ApiKeyProvider, thing: &mut Thing<'_>) {
    thing.value(Effect::CannotBeTold, "header", &was.header, &is.header);
    thing.value(Effect::CannotBeTold, "store", &was.store, &is.store);
    if was.pepper != is.pepper {
        thing.say(Effect::CannotBeTold, "its pepper comes from elsewhere");
    }
    let mut rest = is.clone();
    rest.header.clone_from(&was.header);
    rest.store.clone_from(&was.store);
    rest.pepper.clone_from(&was.pepper);
    thing.rest(was, &rest);
}

fn certificates(was: &CertificateProvider, is: &CertificateProvider, thing: &mut Thing<'_>) {
    thing.value(Effect::CannotBeTold, "subject", &was.subject, &is.subject);
    let names = |one: &CertificateProvider| one.grants.keys().cloned().collect();
    thing.members(Effect::Widens, "grants of", &names(was), &names(is));
    for (name, grant) in &is.grants {
        if was.grants.get(name).is_some_and(|before| before != grant) {
            thing.say(Effect::CannotBeTold, format!("grants of `{name}` are others"));
        }
    }
    let mut rest = is.clone();
    rest.subject.clone_from(&was.subject);
    rest.grants.clone_from(&was.grants);
    thing.rest(was, &rest);
}

/// Compares listeners.
pub(super) fn listeners(was: &Declaration, is: &Declaration, changes: &mut Changes) {
    let both = (&was.listeners, &is.listeners);
    changes.named("listeners", Effect::Widens, both, |was, is, thing| {
        let effect = moved(was.address, is.address);
        thing.value(effect, "address", &was.address, &is.address);
        thing.value(Effect::CannotBeTold, "zone", &was.zone, &is.zone);
        let tls = match (&was.tls, &is.tls) {
            (Some(_), None) => Effect::Widens,
            (None, Some(_)) => Effect::Narrows,
            (Some(_), Some(_)) | (None, None) => Effect::CannotBeTold,
        };
        if was.tls != is.tls {
            thing.say(tls, "speaks TLS otherwise, or not");
        }
        if was.protocols != is.protocols {
            let said = format!("protocols: {} -> {}", words(&was.protocols), words(&is.protocols));
            thing.say(Effect::CannotBeTold, said);
        }
        thing.value(Effect::CannotBeTold, "trusted_hops", &was.trusted_hops, &is.trusted_hops);
        let peers = |list: &[ipnet::IpNet]| list.iter().copied().collect();
        thing.members(
            Effect::Widens,
            "trusted peer",
            &peers(&was.trusted_peers),
            &peers(&is.trusted_peers),
        );
        let mut rest = is.clone();
        rest.address = was.address;
        rest.zone.clone_from(&was.zone);
        rest.tls.clone_from(&was.tls);
        rest.protocols.clone_from(&was.protocols);
        rest.trusted_hops = was.trusted_hops;
        rest.trusted_peers.clone_from(&was.trusted_peers);
        thing.rest(was, &rest);
    });
}

/// Who can connect where it listens now and could not before?
fn moved(was: SocketAddr, is: SocketAddr) -> Effect {
    match (was.ip(), is.ip()) {
        // the same, at another port
        (old, new) if old == new => Effect::Neutral,
        (old, new) if old.is_unspecified() != new.is_unspecified() => {
            if new.is_unspecified() {
                Effect::Widens
            } else {
                Effect::Narrows
            }
        }
        (old, new) if old.is_loopback() != new.is_loopback() => {
            if old.is_loopback() {
                Effect::Widens
            } else {
                Effect::Narrows
            }
        }
        (_, _) => Effect::CannotBeTold,
    }
}
