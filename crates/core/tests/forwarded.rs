//! Law 1: is what was judged what is forwarded? Through the whole chain and the code that spends a
//! permit, for generated requests.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::sync::LazyLock;

use bytes::Bytes;
use portcullis_core::Allowed;
use portcullis_core::forward::{Outgoing, outgoing};
use portcullis_core::receive::Arrival;
use portcullis_model::{Reason, RecordId};
use portcullis_reading::path::CanonicalPath;
use portcullis_testkit::asked::{Asked, good, harmless, listing, mixed};
use portcullis_testkit::walk::{Supply, World};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

static SHOP: LazyLock<World> = LazyLock::new(World::shop);

/// What goes to the upstream, or why nothing does.
fn forwarded(arrival: &Arrival, body: &str) -> Result<Outgoing, Reason> {
    let walk = SHOP.walk(arrival, body.to_owned(), |_| Supply::Given);
    match walk.verdict.map_err(|refusal| refusal.reason)? {
        Allowed::Permitted(permit) => Ok(outgoing(*permit, &RecordId::new("r"), &SHOP.snapshot)),
        Allowed::Answered(answer) => panic!("the shop answers nothing itself: {answer:?}"),
    }
}

fn seen(asked: &Asked) -> Result<Outgoing, Reason> {
    forwarded(&asked.arrival(&SHOP).unwrap(), &asked.body)
}

/// Headers in an order of their own.
fn sorted(outgoing: &Outgoing) -> Vec<(String, Bytes)> {
    let headers = outgoing.headers.iter();
    let mut sorted: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
        .collect();
    sorted.sort();
    sorted
}

/// A path that may be a segment of a listed operation in any spelling.
fn spellings() -> impl Strategy<Value = String> {
    let tenant = prop_oneof![
        4 => Just("acme".to_owned()),
        1 => "(a|%61|A)(c|%63)(me|m%65|m;e|m%2Fe|m/e|m/[.][.]/me)",
    ];
    (tenant, "(/orders|//orders|/[.]/orders|/Orders|/orders/|/orders%20)", "(|[?]limit=[0-9]{1,2})")
        .prop_map(|(tenant, orders, query)| format!("/v1/tenants/{tenant}{orders}{query}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_bytes_that_were_judged_are_forwarded(asked in mixed()) {
        let Some(arrival) = asked.arrival(&SHOP) else { return Ok(()) };
        let Ok(outgoing) = forwarded(&arrival, &asked.body) else { return Ok(()) };
        prop_assert_eq!(&outgoing.target, &asked.target);
        prop_assert_eq!(&outgoing.body, asked.body.as_bytes());
        prop_assert_eq!(outgoing.method.as_str(), asked.method.as_str());
        prop_assert!(!outgoing.headers.contains_key("authorization"));
        prop_assert!(!outgoing.headers.contains_key("x-api-key"));
    }

    #[test]
    fn a_forwarded_path_is_canonical_and_stays_so(target in spellings()) {
        let asked = Asked { target, ..listing() };
        let Ok(outgoing) = seen(&asked) else { return Ok(()) };
        prop_assert_eq!(&outgoing.target, &asked.target);
        let path = outgoing.target.split('?').next().unwrap();
        let canonical = CanonicalPath::parse(path).unwrap();
        prop_assert_eq!(canonical.as_str(), path);
        // what arrives again goes out again, byte for byte
        let again = seen(&Asked { target: outgoing.target.clone(), ..listing() }).unwrap();
        prop_assert_eq!(again.target, outgoing.target);
    }

    #[test]
    fn the_order_of_unrelated_headers_is_irrelevant(
        asked in prop_oneof![good(), mixed()],
        more in prop::collection::vec(harmless(), 2..6),
        seed: u64,
    ) {
        let mut names = std::collections::BTreeSet::new();
        let mut before = asked;
        before.headers.extend(more);
        // of equal names, the order is part of what they say
        before.headers.retain(|(name, _)| names.insert(name.clone()));
        let mut after = before.clone();
        let count = after.headers.len();
        for at in 0..count {
            let other = usize::try_from(seed.rotate_left(u32::try_from(at).unwrap() * 7)
                % u64::try_from(count).unwrap()).unwrap();
            after.headers.swap(at, other);
        }
        let (Some(one), Some(two)) = (before.arrival(&SHOP), after.arrival(&SHOP)) else {
            return Ok(());
        };
        match (forwarded(&one, &before.body), forwarded(&two, &after.body)) {
            (Ok(one), Ok(two)) => prop_assert_eq!(sorted(&one), sorted(&two)),
            (Err(one), Err(two)) => prop_assert_eq!(one, two),
            (one, two) => prop_assert!(false, "{:?} and {:?}", one, two),
        }
    }
}

#[test]
fn most_generated_requests_are_worth_their_while() {
    // a property over requests that are all refused would say nothing
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut crossed, mut refused) = (0, std::collections::BTreeSet::new());
    for _ in 0..400 {
        let asked = mixed().new_tree(&mut runner).unwrap().current();
        let Some(arrival) = asked.arrival(&SHOP) else { continue };
        match forwarded(&arrival, &asked.body) {
            Ok(_) => crossed += 1,
            Err(reason) => {
                refused.insert(reason.to_string());
            }
        }
    }
    assert!(crossed > 80, "{crossed} crossed");
    assert!(refused.len() > 15, "{refused:?}");
}

/// The shop, whose orders another path leads to.
static MOVED: LazyLock<World> = LazyLock::new(|| {
    let owner = "    owner: team-orders";
    let moved =
        format!("{owner}\n    rewrite: {{replace_prefix: {{from: /v1, to: /inner/orders}}}}");
    World::changed(&[(owner, moved.as_str())])
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn c07_a_rewritten_path_says_what_was_judged(asked in mixed()) {
        let (Some(arrival), Some(same)) = (asked.arrival(&MOVED), asked.arrival(&SHOP)) else {
            return Ok(());
        };
        let decided = |world: &World, arrival: &Arrival| {
            let walk = world.walk(arrival, asked.body.clone(), |_| Supply::Given);
            match walk.verdict.map_err(|refusal| refusal.reason) {
                Ok(Allowed::Permitted(permit)) => {
                    Ok(outgoing(*permit, &RecordId::new("r"), &world.snapshot).target)
                }
                Ok(Allowed::Answered(answer)) => panic!("{answer:?}"),
                Err(reason) => Err(reason),
            }
        };
        // the same is permitted, and only the prefix of the path differs
        let (moved, stayed) = (decided(&MOVED, &arrival), decided(&SHOP, &same));
        let expected = stayed.map(|target| match target.strip_prefix("/v1/") {
            Some(rest) => format!("/inner/orders/{rest}"),
            None => target,
        });
        prop_assert_eq!(&moved, &expected);
        if let Ok(target) = moved {
            let path = target.split('?').next().unwrap_or_default();
            prop_assert!(CanonicalPath::parse(path).is_ok());
        }
    }
}
