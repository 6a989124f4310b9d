//! How does the process itself behave? Guards, admin door and records; and whatever a declaration has besides.

use std::collections::BTreeMap;

use portcullis_config::Declaration;
use portcullis_config::declaration::{Admin, ExchangeClient, OwnAddress, Tokens};
use portcullis_model::ListenerId;

use super::change::{Changes, Effect};

/// Compares what there is one of.
pub(super) fn process(was: &Declaration, is: &Declaration, changes: &mut Changes) {
    changes.of("estate", "").value(Effect::Neutral, "name", &was.estate, &is.estate);
    let mut thing = changes.of("guards", "");
    let (old, new) = (&was.guards, &is.guards);
    thing.bound("head_bytes_max", &old.head_bytes_max, &new.head_bytes_max);
    thing.bound("headers_max", &old.headers_max, &new.headers_max);
    thing.bound("target_bytes_max", &old.target_bytes_max, &new.target_bytes_max);
    thing.bound("head_timeout", &old.head_timeout, &new.head_timeout);
    thing.bound("body_timeout", &old.body_timeout, &new.body_timeout);
    thing.bound("idle_timeout", &old.idle_timeout, &new.idle_timeout);
    thing.bound("connections_max", &old.connections_max, &new.connections_max);
    let per_address = "connections_per_address_max";
    thing.bound(per_address, &old.connections_per_address_max, &new.connections_per_address_max);
    thing.bound("streams_max", &old.streams_max, &new.streams_max);
    thing.bound("address_rate", &old.address_rate, &new.address_rate);
    thing.bound("failure_rate", &old.failure_rate, &new.failure_rate);
    thing.bound("proofs_max", &old.proofs_max, &new.proofs_max);
    let mut rest = *new;
    rest.head_bytes_max = old.head_bytes_max;
    rest.headers_max = old.headers_max;
    rest.target_bytes_max = old.target_bytes_max;
    rest.head_timeout = old.head_timeout;
    rest.body_timeout = old.body_timeout;
    rest.idle_timeout = old.idle_timeout;
    rest.connections_max = old.connections_max;
    rest.connections_per_address_max = old.connections_per_address_max;
    rest.streams_max = old.streams_max;
    rest.address_rate = old.address_rate;
    rest.failure_rate = old.failure_rate;
    thing.rest(old, &rest);
    let mut thing = changes.of("telemetry", "");
    let (old, new) = (&was.telemetry, &is.telemetry);
    thing.value(
        Effect::CannotBeTold,
        "metrics_address",
        &old.metrics_address,
        &new.metrics_address,
    );
    if old.otlp != new.otlp {
        thing.say(Effect::CannotBeTold, "something else is sent to collectors, or elsewhere");
    }
    let mut rest = new.clone();
    rest.metrics_address = old.metrics_address;
    rest.otlp.clone_from(&old.otlp);
    thing.rest(old, &rest);
    tokens(was, is, changes);
    admin(&was.admin, &is.admin, changes);
    let mut thing = changes.of("records", "");
    let (old, new) = (&was.records, &is.records);
    thing.value(Effect::Neutral, "directory", &old.directory, &new.directory);
    thing.value(Effect::Neutral, "rotate_bytes", &old.rotate_bytes, &new.rotate_bytes);
    thing.value(Effect::Neutral, "keep_files", &old.keep_files, &new.keep_files);
    thing.value(Effect::Neutral, "seal_key", &old.seal_key, &new.seal_key);
    let mut rest = new.clone();
    rest.directory.clone_from(&old.directory);
    rest.rotate_bytes = old.rotate_bytes;
    rest.keep_files = old.keep_files;
    rest.seal_key.clone_from(&old.seal_key);
    thing.rest(old, &rest);
    changes.of("zones", "").members(Effect::Neutral, "zone", &was.zones, &is.zones);
    others(was, is, changes);
}

/// The tokens that the boundary issues itself.
fn tokens(was: &Declaration, is: &Declaration, changes: &mut Changes) {
    let mut thing = changes.of("tokens", "");
    match (&was.tokens, &is.tokens) {
        (Some(old), Some(new)) => {
            thing.value(Effect::CannotBeTold, "issuer", &old.issuer, &new.issuer);
            thing.value(Effect::CannotBeTold, "keys", &old.keys, &new.keys);
            thing.value(Effect::Neutral, "rotate_every", &old.rotate_every, &new.rotate_every);
            let place = |one: &Option<OwnAddress>| {
                one.as_ref().map(|one| (one.listener.clone(), one.path.clone()))
            };
            let (was, is) = (place(&old.publish), place(&new.publish));
            thing.value(Effect::Neutral, "publish", &was, &is);
            if exchanged(old) != exchanged(new) {
                thing.say(Effect::CannotBeTold, "who may exchange tokens, or for what");
            }
            let mut rest = new.clone();
            rest.exchange.clone_from(&old.exchange);
            rest.issuer.clone_from(&old.issuer);
            rest.keys.clone_from(&old.keys);
            rest.rotate_every = old.rotate_every;
            rest.publish.clone_from(&old.publish);
            thing.rest(old, &rest);
        }
        (None, None) => {}
        (None, Some(_)) | (Some(_), None) => {
            thing.say(Effect::CannotBeTold, "the boundary begins, or ends, to issue tokens");
        }
    }
}

fn exchanged(tokens: &Tokens) -> Option<(&ListenerId, &str, &BTreeMap<String, ExchangeClient>)> {
    let exchange = tokens.exchange.as_ref()?;
    let address = &exchange.address;
    Some((&address.listener, address.path.as_str(), &exchange.clients))
}

/// Who may operate it, and from where.
fn admin(was: &Admin, is: &Admin, changes: &mut Changes) {
    let mut thing = changes.of("admin", "");
    thing.value(Effect::Neutral, "socket", &was.socket, &is.socket);
    match (&was.remote, &is.remote) {
        (None, None) => {}
        (None, Some(_)) => thing.say(Effect::Widens, "operators may ask from elsewhere"),
        (Some(_), None) => thing.say(Effect::Narrows, "operators may ask at the socket alone"),
        (Some(was), Some(is)) => {
            thing.members(Effect::Widens, "operator", &was.operators, &is.operators);
            thing.value(Effect::CannotBeTold, "remote.address", &was.address, &is.address);
            if was.tls != is.tls {
                thing.say(Effect::CannotBeTold, "its certificates or who vouches are others");
            }
            let mut rest = is.clone();
            rest.operators.clone_from(&was.operators);
            rest.address = was.address;
            rest.tls.clone_from(&was.tls);
            thing.rest(was, &rest);
        }
    }
    let mut rest = is.clone();
    rest.socket.clone_from(&was.socket);
    rest.remote.clone_from(&was.remote);
    thing.rest(was, &rest);
}

/// Sections that are compared nowhere else.
fn others(was: &Declaration, is: &Declaration, changes: &mut Changes) {
    let mut rest = is.clone();
    rest.estate.clone_from(&was.estate);
    rest.zones.clone_from(&was.zones);
    rest.listeners.clone_from(&was.listeners);
    rest.providers.clone_from(&was.providers);
    rest.apis.clone_from(&was.apis);
    rest.upstreams.clone_from(&was.upstreams);
    rest.boundaries.clone_from(&was.boundaries);
    rest.tokens.clone_from(&was.tokens);
    rest.limits.clone_from(&was.limits);
    // which folder they are in does nothing; the policies themselves are compared
    rest.policies.clone_from(&was.policies);
    rest.guards = was.guards;
    rest.telemetry.clone_from(&was.telemetry);
    rest.admin.clone_from(&was.admin);
    rest.records.clone_from(&was.records);
    changes.of("declaration", "").rest(was, &rest);
}
