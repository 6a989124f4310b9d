#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_model::{Method, Timestamp};
use serde_json::{Value, json};

use super::Order;

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn order() -> Order {
    Order {
        issuer: "https://gate.example".to_owned(),
        audience: "https://orders.internal".to_owned(),
        subject: "idp|alice".to_owned(),
        client: "shop".to_owned(),
        tenant: Some("acme".to_owned()),
        scopes: ["orders:read", "a"].map(str::to_owned).into(),
        actors: vec!["mesh|billing".to_owned(), "mesh|orders".to_owned()],
        may_act: Some("mesh|orders".to_owned()),
        request: Some((Method::Get, "orders/listOrders".to_owned())),
        lifetime: Duration::from_secs(60),
        until: None,
        credential: "0123".to_owned(),
    }
}

fn parts(order: &Order) -> (Value, Value) {
    let draft = order.draft("k1", "j1", NOW).unwrap();
    let mut parts = draft.input.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

#[test]
fn it_says_for_whom_to_whom_and_for_what() {
    let (header, claims) = parts(&order());
    assert_eq!(header, json!({"alg": "ES256", "typ": "at+jwt", "kid": "k1"}));
    assert_eq!(
        claims,
        json!({
            "iss": "https://gate.example", "aud": "https://orders.internal", "sub": "idp|alice",
            "client_id": "shop", "iat": 1000, "exp": 1060, "jti": "j1", "tenant": "acme",
            "scope": "a orders:read", "htm": "GET", "op": "orders/listOrders",
            "act": {"sub": "mesh|billing", "act": {"sub": "mesh|orders"}},
            "may_act": {"sub": "mesh|orders"},
        })
    );
    assert!(!claims.to_string().contains("0123"), "the credential's handle is no claim");
}

#[test]
fn it_ends_with_what_it_stands_for() {
    let mut order = order();
    order.until = Some(Timestamp::from_secs(1_010));
    assert_eq!(parts(&order).1.get("exp"), Some(&json!(1010)));
    order.until = Some(Timestamp::from_secs(5_000));
    assert_eq!(parts(&order).1.get("exp"), Some(&json!(1060)));
    order.until = Some(NOW);
    assert_eq!(order.draft("k1", "j1", NOW), None);
}
