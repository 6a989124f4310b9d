//! Law 2: is a decision a function of its facts? What was recorded decides the same again, and a
//! record in which any one fact was changed does not pass for what was decided.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::sync::{Arc, LazyLock};

use portcullis_core::record::{Timings, draft};
use portcullis_model::record::{FactValue, Outcome, RecordKind};
use portcullis_model::{Decision, Reason, Record};
use portcullis_runtime::records::{Records, RecordsConfig, files};
use portcullis_runtime::replay::{Replayed, replay};
use portcullis_runtime::seal::SealKey;
use portcullis_testkit::asked::{Asked, good, listing, mixed};
use portcullis_testkit::walk::{Supply, World};
use proptest::prelude::*;
use serde_json::Value;

static SHOP: LazyLock<World> = LazyLock::new(World::shop);

/// A record as the writer wrote it, and the key that opens its sealed facts.
fn recorded(
    world: &World,
    asked: &Asked,
    supply: impl Fn(usize) -> Supply,
) -> Option<(Record, SealKey)> {
    let arrival = asked.arrival(world)?;
    let walk = world.walk(&arrival, asked.body.clone(), supply);
    let refusal = walk.verdict.as_ref().err();
    let kind = RecordKind::Outcome;
    let revision = &world.snapshot.revision;
    let outcome = Outcome {
        status: refusal.map_or(200, |refusal| refusal.reason.status()),
        upstream_status: None,
        response_bytes: 0,
        micros: 0,
        intent_durable: false,
    };
    let draft = draft(kind, walk.trace.clone(), revision, refusal, &Timings::new(), Some(outcome));
    let folder = tempfile::tempdir().unwrap();
    let seal = || SealKey::load_or_make(&folder.path().join("seal.key")).unwrap();
    let directory = folder.path().join("records");
    let config =
        RecordsConfig { directory: directory.clone(), rotate_bytes: 1 << 20, keep_files: 1 };
    let (records, writer) = Records::start(config, Arc::new(seal()), ()).unwrap();
    records.submit_detached(draft);
    drop(records);
    writer.join().unwrap();
    let text = std::fs::read_to_string(&files(&directory).unwrap()[0]).unwrap();
    Some((serde_json::from_str(text.trim()).unwrap(), seal()))
}

/// How facts are answered: all, or from one place on not.
fn supplies() -> impl Strategy<Value = (Supply, usize)> {
    let how =
        prop::sample::select(vec![Supply::Given, Supply::Kept, Supply::Failed, Supply::Withheld]);
    (how, 0_usize..8)
}

/// Another value of the same kind.
fn altered(value: &Value) -> Value {
    match value {
        Value::Null => Value::Bool(true),
        Value::Bool(flag) => Value::Bool(!flag),
        Value::Number(number) => Value::from(number.as_i64().unwrap_or(0) + 1),
        Value::String(text) => Value::from(format!("{text}x")),
        Value::Array(items) => {
            let mut items = items.clone();
            match items.last_mut() {
                Some(last) => *last = altered(last),
                None => items.push(Value::Null),
            }
            Value::Array(items)
        }
        Value::Object(members) => {
            let mut members = members.clone();
            match members.values_mut().last() {
                Some(last) => *last = altered(last),
                None => drop(members.insert("x".to_owned(), Value::Null)),
            }
            Value::Object(members)
        }
    }
}

/// The record in every way in which one fact can have been changed.
fn forgeries(record: &Record, seal: &SealKey) -> Vec<(String, Record)> {
    let mut forged = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut Record)| {
        let mut record = record.clone();
        change(&mut record);
        forged.push((what, record));
    };
    for (at, note) in record.facts.iter().enumerate() {
        let label = format!("{}/{}", record.id, note.name);
        let (text, sealed) = match &note.value {
            FactValue::Clear(text) => (text.clone(), false),
            FactValue::Sealed(text) => (seal.open(&label, text).unwrap(), true),
            FactValue::Erased => panic!("nothing was erased"),
        };
        let value = altered(&serde_json::from_str(&text).unwrap()).to_string();
        let value = match sealed {
            true => FactValue::Sealed(seal.seal(&label, &value).unwrap()),
            false => FactValue::Clear(value),
        };
        let name = &note.name;
        add(format!("{name}: another value"), &|one| one.facts[at].value = value.clone());
        add(format!("{name}: removed"), &|one| drop(one.facts.remove(at)));
        add(format!("{name}: twice"), &|one| one.facts.push(one.facts[at].clone()));
        add(format!("{name}: erased"), &|one| one.facts[at].value = FactValue::Erased);
        add(format!("{name}: renamed"), &|one| one.facts[at].name.push('s'));
        add(format!("{name}: another time"), &|one| {
            one.facts[at].as_of = one.facts[at].as_of.plus(std::time::Duration::from_millis(1));
        });
        add(format!("{name}: open instead of sealed, or the reverse"), &|one| {
            one.facts[at].value = match &one.facts[at].value {
                FactValue::Sealed(_) => FactValue::Clear(text.clone()),
                _ => FactValue::Sealed(seal.seal(&label, &text).unwrap()),
            };
        });
    }
    add("the other decision".to_owned(), &|one| match one.decision {
        Decision::Allow => {
            one.decision = Decision::Deny;
            one.reason = Some(Reason::NotPermitted);
        }
        Decision::Deny => one.decision = Decision::Allow,
    });
    if record.decision == Decision::Deny {
        add("another reason".to_owned(), &|one| one.reason = Some(Reason::ApiKeyExpired));
    }
    forged
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn what_was_recorded_decides_the_same_again(
        asked in prop_oneof![good(), mixed()],
        (how, from) in supplies(),
    ) {
        let supply = |at| if at >= from { how } else { Supply::Given };
        let Some((record, seal)) = recorded(&SHOP, &asked, supply) else { return Ok(()) };
        let again = replay(&record, &SHOP.snapshot, &seal);
        match record.reason {
            Some(Reason::FactMissing) => prop_assert!(matches!(again, Replayed::NotReplayable(_))),
            _ => prop_assert_eq!(again, Replayed::Same, "{:?} {:?}", asked, record),
        }
    }

    #[test]
    fn no_fact_can_be_changed(
        asked in prop_oneof![good(), mixed()],
        (how, from) in supplies(),
    ) {
        let supply = |at| if at >= from { how } else { Supply::Given };
        let Some((record, seal)) = recorded(&SHOP, &asked, supply) else { return Ok(()) };
        for (what, forged) in forgeries(&record, &seal) {
            let again = replay(&forged, &SHOP.snapshot, &seal);
            prop_assert_ne!(again, Replayed::Same, "{} of {:?}", what, record);
        }
    }
}

#[test]
fn a_client_inside_the_trusted_network_decides_the_same_again() {
    let trusting = World::changed(&[(
        "web: {address: \"127.0.0.1:8080\", zone: public}",
        "web: {address: \"127.0.0.1:8080\", zone: public, trusted_hops: 1, \
         trusted_peers: [192.0.2.0/24]}",
    )]);
    for client in ["192.0.2.99", "203.0.113.5"] {
        let headers = vec![("x-forwarded-for".to_owned(), client.to_owned())];
        let asked = Asked { headers, ..listing() };
        let (record, seal) = recorded(&trusting, &asked, |_| Supply::Given).unwrap();
        assert_eq!(record.decision, Decision::Allow, "{client} {record:?}");
        assert_eq!(replay(&record, &trusting.snapshot, &seal), Replayed::Same, "{client}");
    }
}
