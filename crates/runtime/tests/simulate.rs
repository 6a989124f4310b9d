//! Does `simulate` decide as the gateway would? For generated requests: the same verdict as the chain
//! gives when it is asked fact by fact.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use portcullis_runtime::simulate::{Caller, Simulated, simulate};
use portcullis_testkit::asked::{Asked, Credential, good, listing, mixed};
use portcullis_testkit::walk::{NOW, Supply, World};
use proptest::prelude::*;

static SHOP: LazyLock<World> = LazyLock::new(World::shop);

fn caller(credential: &Credential) -> Option<Caller> {
    let caller = |text: &str| serde_json::from_str(text).unwrap();
    match credential {
        Credential::Token { manager, .. } => Some(caller(&format!(
            r#"{{"kind": "user", "provider": "shop-idp", "subject": "ann", "tenant": "acme",
                "scopes": ["orders:read", "orders:write"], "roles": [{}]}}"#,
            if *manager { "\"manager\"" } else { "" }
        ))),
        Credential::Key => Some(caller(
            r#"{"kind": "api_key", "provider": "partner-keys", "subject": "k", "tenant": "supply",
                "scopes": ["stock:read", "stock:write"]}"#,
        )),
        _ => None,
    }
}

fn simulated(asked: &Asked) -> String {
    let one = Simulated {
        name: String::new(),
        listener: asked.listener.to_owned(),
        method: asked.method.clone(),
        host: asked.host.clone(),
        path: asked.target.clone(),
        headers: asked.headers.iter().cloned().collect::<BTreeMap<_, _>>(),
        body: asked.body.clone(),
        address: Some(asked.peer),
        country: None,
        caller: caller(&asked.credential),
        expect: None,
    };
    simulate(&one, &SHOP.snapshot, NOW).unwrap().got
}

fn walked(asked: &Asked) -> Option<String> {
    let walk = SHOP.walk(&asked.arrival(&SHOP)?, asked.body.clone(), |_| Supply::Given);
    Some(walk.verdict.map_or_else(|refusal| refusal.reason.to_string(), |_| "allow".to_owned()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_simulated_is_what_happens(asked in prop_oneof![good(), mixed()]) {
        // what a caller shows is given to a simulation as verified; each header stands once there
        let verified = match asked.credential {
            Credential::None | Credential::Token { .. } => true,
            // elsewhere its header is not one that shows a credential
            Credential::Key => asked.listener == "partner",
            _ => false,
        };
        let mut names = std::collections::BTreeSet::new();
        let shown = ["authorization", "x-api-key", "content-length"];
        let single = asked.headers.iter().all(|(name, _)| {
            names.insert(name.clone()) && !shown.contains(&name.as_str())
        });
        if verified && single && !asked.target.contains("access_token") {
            let Some(walked) = walked(&asked) else { return Ok(()) };
            prop_assert_eq!(simulated(&asked), walked, "{:?}", asked);
        }
    }
}

#[test]
fn parameters_that_the_contract_refuses_are_refused_in_a_simulation() {
    for target in ["/v1/tenants/acme/orders?limit=0", "/v1/tenants/acme/orders?unknown=1"] {
        let asked = Asked { target: target.to_owned(), ..listing() };
        assert_eq!(simulated(&asked), "inspect.parameter_refused", "{target}");
    }
}
