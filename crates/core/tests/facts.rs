//! Law 3: what happens when a fact is missing? For every fact that a crossing used, in every way in
//! which it can fail to come, the crossing ends as a refusal with a reason.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::LazyLock;

use portcullis_core::facts::Need;
use portcullis_model::Reason;
use portcullis_testkit::asked::{Asked, Credential, good, listing};
use portcullis_testkit::walk::{Supply, Walk, World};
use proptest::prelude::*;

static SHOP: LazyLock<World> = LazyLock::new(World::shop);

/// The reason of a walk that must not end in a permit.
fn refused(walk: &Walk, what: &str) -> Result<Reason, TestCaseError> {
    match &walk.verdict {
        Ok(_) => Err(TestCaseError::fail(format!("permitted without {what}: {:?}", walk.asked))),
        Err(refusal) => Ok(refusal.reason),
    }
}

/// Whether everything was asked that such a request must not cross without.
fn expected(asked: &Asked, usual: Supply, needs: &[Need]) -> Result<(), TestCaseError> {
    let count = |is: fn(&Need) -> bool| needs.iter().filter(|need| is(need)).count();
    let token = matches!(asked.credential, Credential::Token { .. });
    let fresh = token && usual == Supply::Given;
    let key = asked.credential == Credential::Key;
    let body = !asked.body.is_empty();
    for (name, counted, least) in [
        ("guard", count(|need| matches!(need, Need::Guard { .. })), 1),
        ("cache", count(|need| matches!(need, Need::VerifiedToken { .. })), usize::from(token)),
        ("keys", count(|need| matches!(need, Need::SigningKeys { .. })), usize::from(fresh)),
        ("API key", count(|need| matches!(need, Need::ApiKey { .. })), usize::from(key)),
        ("body", count(|need| matches!(need, Need::Body { .. })), usize::from(body)),
        ("limits", count(|need| matches!(need, Need::Limits(_))), 1),
        ("intent", count(|need| matches!(need, Need::Intent)), 1),
    ] {
        // a body that nothing announces is read all the same, to see that there is none
        let right = counted == least || (name == "body" && counted == 1);
        prop_assert!(right, "{} was asked for {} times: {:?}", name, counted, asked);
    }
    Ok(())
}

fn every_fact_counts(asked: &Asked, usual: Supply) -> Result<(), TestCaseError> {
    let arrival = asked.arrival(&SHOP).unwrap();
    let walk = |supply: &dyn Fn(usize) -> Supply| SHOP.walk(&arrival, asked.body.clone(), supply);
    let first = walk(&|_| Supply::Given);
    prop_assert!(first.verdict.is_ok(), "{:?} {:?}", asked, first.verdict);
    let whole = walk(&|_| usual);
    prop_assert!(whole.verdict.is_ok(), "{:?} {:?}", asked, whole.verdict);
    expected(asked, usual, &whole.asked)?;
    for (at, need) in whole.asked.iter().enumerate() {
        let what = format!("{need:?}");
        let withheld = walk(&|now| if now == at { Supply::Withheld } else { usual });
        // asked for once more, a read may be answered the second time; then it was not missing
        let all = walk(&|now| if now >= at { Supply::Withheld } else { usual });
        prop_assert_eq!(refused(&all, &what)?, Reason::FactMissing, "{}", what);
        if !withheld.asked.iter().skip(at + 1).any(|again| again == need) {
            prop_assert_eq!(refused(&withheld, &what)?, Reason::FactMissing, "{}", what);
        }
        let failed = walk(&|now| if now >= at { Supply::Failed } else { usual });
        if !matches!(need, Need::VerifiedToken { .. }) {
            prop_assert_ne!(refused(&failed, &what)?, Reason::FactMissing, "{}", what);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_missing_fact_is_a_refusal(asked in good()) {
        every_fact_counts(&asked, Supply::Given)?;
    }

    #[test]
    fn a_missing_fact_is_a_refusal_when_the_token_is_known(asked in good()) {
        every_fact_counts(&asked, Supply::Kept)?;
    }
}

#[test]
fn what_a_cache_forgot_decides_nothing() {
    let asked = Asked { credential: Credential::Forged, ..listing() };
    let arrival = asked.arrival(&SHOP).unwrap();
    for usual in [Supply::Given, Supply::Kept] {
        let walk = SHOP.walk(&arrival, "", |_| usual);
        assert_eq!(walk.verdict.unwrap_err().reason, Reason::SignatureInvalid);
    }
}

#[test]
fn a_country_that_is_asked_for_and_missing_is_a_refusal() {
    let world = World::changed(&[
        ("policies: policies", "countries: {file: countries.mmdb}\npolicies: policies"),
        ("zone: public}", "zone: public, addresses: {countries: {deny: [FR], unknown: allow}}}"),
    ]);
    let arrival = listing().arrival(&world).unwrap();
    let walk = |how: Supply| {
        let asked = world.walk(&arrival, "", |_| Supply::Given).asked;
        let at = asked.iter().position(|need| matches!(need, Need::Country { .. })).unwrap();
        let walk = world.walk(&arrival, "", |now| if now == at { how } else { Supply::Given });
        walk.verdict.err().map(|refusal| refusal.reason)
    };
    assert_eq!(walk(Supply::Given), None);
    assert_eq!(walk(Supply::Failed), Some(Reason::CountryRefused));
    assert_eq!(walk(Supply::Withheld), Some(Reason::FactMissing));
}

#[test]
fn a_proof_of_which_nobody_can_say_that_it_is_the_first_is_a_refusal() {
    let with_nonces = [(
        "identity: {providers: [shop-idp], anonymous: true}",
        "identity: {providers: [shop-idp], anonymous: true, sender: {nonces: true}}",
    )];
    for changes in [&[][..], &with_nonces] {
        let world = World::changed(changes);
        let arrival = listing().bound(&world);
        let asked = world.walk(&arrival, "", |_| Supply::Given).asked;
        let claims = |need: &Need| matches!(need, Need::Once { .. } | Need::Nonce { .. });
        assert_eq!(asked.iter().filter(|need| claims(need)).count(), 1 + changes.len());
        for usual in [Supply::Given, Supply::Kept] {
            let walk = |from: usize, how: Supply| {
                let walk = world.walk(&arrival, "", |at| if at >= from { how } else { usual });
                walk.verdict.err().map(|refusal| refusal.reason)
            };
            assert_eq!(walk(usize::MAX, usual), None);
            let asked = world.walk(&arrival, "", |_| usual).asked;
            for (at, need) in asked.iter().enumerate().filter(|(_, need)| claims(need)) {
                assert_eq!(walk(at, Supply::Withheld), Some(Reason::FactMissing), "{need:?}");
                let reason = match need {
                    Need::Nonce { .. } => Reason::ProofNonceNeeded,
                    _ => Reason::ReplaysFull,
                };
                assert_eq!(walk(at, Supply::Failed), Some(reason), "{need:?}");
            }
        }
    }
}

#[test]
fn without_a_token_that_is_declared_nothing_crosses() {
    let world = World::changed(&[
        ("policies: policies", "policies: policies\ntokens: {issuer: \"https://gate.example\"}"),
        ("orders: {address:", "orders: {token: {audience: \"https://orders\"}, address:"),
    ]);
    let asked = listing();
    let arrival = asked.arrival(&world).unwrap();
    let walk = |supply: &dyn Fn(usize) -> Supply| world.walk(&arrival, asked.body.clone(), supply);
    let whole = walk(&|_| Supply::Given);
    assert!(whole.verdict.is_ok(), "{:?}", whole.verdict);
    let at = whole.asked.iter().position(|need| matches!(need, Need::Sign(_))).unwrap();
    assert!(at > whole.asked.iter().position(|need| matches!(need, Need::Limits(_))).unwrap());
    assert!(at < whole.asked.iter().position(|need| *need == Need::Intent).unwrap());
    let failed = walk(&|now| if now == at { Supply::Failed } else { Supply::Given });
    assert_eq!(refused(&failed, "a token").unwrap(), Reason::TokenUnavailable);
    let withheld = walk(&|now| if now >= at { Supply::Withheld } else { Supply::Given });
    assert_eq!(refused(&withheld, "a token").unwrap(), Reason::FactMissing);
}
