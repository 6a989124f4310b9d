//! Which operations are there, where are they reached, and what do they ask for?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portcullis_config::Declaration;
use portcullis_config::declaration::Api;
use portcullis_spec::{Operation, TenantSource};

use super::change::{Changes, Effect, Thing};
use crate::snapshot::{CompiledOperation, Snapshot};

type ByName<'a> = BTreeMap<String, &'a Arc<CompiledOperation>>;

/// Compares operations by API and id.
pub(super) fn operations(old: &Snapshot, new: &Snapshot, changes: &mut Changes) {
    let (was, is) = (by_name(old), by_name(new));
    changes.named("operations", Effect::Widens, (&was, &is), |was, is, thing| {
        let at = |one: &CompiledOperation| format!("{} {}", one.operation.method, one.template);
        thing.value(Effect::CannotBeTold, "place", &at(was), &at(is));
        if was.shape != is.shape {
            thing.say(Effect::CannotBeTold, "its contract says otherwise what a message may be");
        }
        credentials(&was.operation, &is.operation, thing);
        resource(&was.operation, &is.operation, thing);
        let left = |one: &CompiledOperation| one.operation.deprecated;
        thing.value(Effect::Neutral, "deprecated", &left(was), &left(is));
    });
}

/// Compares APIs.
pub(super) fn apis(was: &Declaration, is: &Declaration, changes: &mut Changes) {
    // what comes and goes with an API are its operations
    changes.named("apis", Effect::Neutral, (&was.apis, &is.apis), |was, is, thing| {
        thing.members(Effect::Widens, "host", &was.hosts, &is.hosts);
        thing.value(Effect::CannotBeTold, "zone", &was.zone, &is.zone);
        thing.value(Effect::CannotBeTold, "upstream", &was.upstream, &is.upstream);
        thing.value(Effect::Neutral, "owner", &was.owner, &is.owner);
        thing.value(Effect::Neutral, "lifecycle", &was.lifecycle, &is.lifecycle);
        thing.members(Effect::Neutral, "class of data", &was.data, &is.data);
        streams(was, is, thing);
        let mut rest = is.clone();
        rest.streams.clone_from(&was.streams);
        rest.hosts.clone_from(&was.hosts);
        rest.zone.clone_from(&was.zone);
        rest.upstream.clone_from(&was.upstream);
        rest.owner.clone_from(&was.owner);
        rest.lifecycle = was.lifecycle;
        rest.data.clone_from(&was.data);
        // the contract and the base path show in the operations
        rest.contract.clone_from(&was.contract);
        rest.base_path.clone_from(&was.base_path);
        thing.rest(was, &rest);
    });
}

/// Operations whose messages go on after they were judged: what passes then is not inspected.
fn streams(was: &Api, is: &Api, thing: &mut Thing<'_>) {
    let names = |api: &Api| api.streams.keys().cloned().collect();
    thing.members(Effect::Widens, "stream", &names(was), &names(is));
    for (name, new) in &is.streams {
        let Some(old) = was.streams.get(name) else { continue };
        thing.value(Effect::CannotBeTold, &format!("stream `{name}`"), &old.kind, &new.kind);
        thing.bound(&format!("idle_timeout of `{name}`"), &old.idle_timeout, &new.idle_timeout);
        thing.bound(&format!("longest of `{name}`"), &old.longest, &new.longest);
    }
}

fn by_name(snapshot: &Snapshot) -> ByName<'_> {
    let name = |one: &CompiledOperation| format!("{}.{}", one.api, one.id);
    snapshot.operations.iter().map(|one| (name(one), one)).collect()
}

/// One way to be let in: with a credential or without, and with which scopes.
type Way = (bool, BTreeSet<String>);

fn ways(operation: &Operation) -> BTreeSet<Way> {
    if operation.security.is_empty() {
        return BTreeSet::from([(false, BTreeSet::new())]);
    }
    let way = |one: &portcullis_spec::SecurityRequirement| {
        (!one.schemes.is_empty(), one.schemes.values().flatten().cloned().collect())
    };
    operation.security.iter().map(way).collect()
}

/// Who satisfies the contract? Whoever satisfied an old alternative satisfies a new one that asks for
/// no more.
fn credentials(was: &Operation, is: &Operation, thing: &mut Thing<'_>) {
    let (old, new) = (ways(was), ways(is));
    let asks_no_more = |one: &Way, than: &Way| (!one.0 || than.0) && one.1.is_subset(&than.1);
    let holds = |from: &BTreeSet<Way>, to: &BTreeSet<Way>| {
        from.iter().all(|one| to.iter().any(|other| asks_no_more(other, one)))
    };
    let effect = match (holds(&old, &new), holds(&new, &old)) {
        (true, true) => return,
        (true, false) => Effect::Widens,
        (false, true) => Effect::Narrows,
        (false, false) => Effect::CannotBeTold,
    };
    thing.say(effect, format!("asks for: {} -> {}", shown(&old), shown(&new)));
}

fn shown(ways: &BTreeSet<Way>) -> String {
    let way = |(credential, scopes): &Way| match (credential, scopes.is_empty()) {
        (false, true) => "nothing".to_owned(),
        (_, true) => "a credential".to_owned(),
        (_, false) => scopes.iter().cloned().collect::<Vec<_>>().join("+"),
    };
    ways.iter().map(way).collect::<Vec<_>>().join(" or ")
}

fn resource(was: &Operation, is: &Operation, thing: &mut Thing<'_>) {
    let (old, new) = (&was.resource, &is.resource);
    let bound = |tenant: &TenantSource| *tenant != TenantSource::None;
    let effect = match (bound(&old.tenant), bound(&new.tenant)) {
        (true, false) => Effect::Widens,
        (false, true) => Effect::Narrows,
        (true, true) | (false, false) => Effect::CannotBeTold,
    };
    thing.value(effect, "tenant of the resource", &old.tenant, &new.tenant);
    thing.value(Effect::CannotBeTold, "type of the resource", &old.entity, &new.entity);
    thing.value(Effect::CannotBeTold, "id of the resource", &old.id, &new.id);
}
