//! Against a real issuer, npm `oidc-provider`: its metadata, its keys and their rotation, its tokens.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use portcullis_testkit::provider::client;
use portcullis_testkit::shop::get;
use portcullis_testkit::{Provider, Shop};
use serde_json::json;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const API: &str = "https://api.shop.example";

/// The declaration of the example's keys.
const KEYS: &str =
    "url: {url: \"http://127.0.0.1:8090/jwks.json\", fresh_for: 5m, stale_until: 1h}";

#[test]
fn an_issuer_is_known_by_its_metadata_and_its_keys_may_rotate() {
    let acme = json!({"tenant": "acme", "roles": ["manager"]});
    let globex = json!({"tenant": "globex"});
    let mut provider = Provider::start(&[client("app", &acme), client("other", &globex)]);
    let issuer = format!("issuer: {}", provider.issuer);
    let shop = Shop::open(
        GATEWAY,
        &[("issuer: https://id.shop.example", &issuer), (KEYS, "discovery: {}")],
    );
    let token = provider.token("app", API, "orders:read");
    let seen = shop.crosses("a token of the issuer", get(ORDERS, &token));
    assert_eq!(seen.values("x-portcullis-principal"), ["shop-idp|app"]);
    assert_eq!(seen.values("authorization"), [""; 0]);
    for _ in 0..8 {
        let token = provider.token("app", API, "orders:read");
        shop.crosses("another token, no other fetch", get(ORDERS, &token));
    }
    let asked = provider.counts();
    assert_eq!(
        (&asked["/.well-known/openid-configuration"], &asked["/jwks"]),
        (&1.into(), &1.into())
    );
    let other = provider.token("other", API, "orders:read");
    shop.refuses("another tenant", get(ORDERS, &other), "authorize.tenant_mismatch");
    let narrow = provider.token("app", API, "orders:write");
    let answer =
        shop.refuses("another scope", get(ORDERS, &narrow), "authorize.scope_insufficient");
    let challenge = answer.header("www-authenticate").unwrap();
    assert_eq!(challenge, "Bearer error=\"insufficient_scope\", scope=\"orders:read\"");
    // an opaque token of the same issuer, where none is accepted
    let opaque = provider.token("app", "https://opaque.shop.example", "orders:read");
    let answer =
        shop.refuses("an opaque token", get(ORDERS, &opaque), "identify.credential_malformed");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    // sets are fetched at most once in five seconds
    std::thread::sleep(std::time::Duration::from_millis(5200));
    provider.rotate();
    let fresh = provider.token("app", API, "orders:read");
    shop.crosses("a token under the new key", get(ORDERS, &fresh));
    shop.refuses("the withdrawn key", get(ORDERS, &token), "identify.key_unknown");
    let asked = provider.counts();
    assert_eq!(
        (&asked["/.well-known/openid-configuration"], &asked["/jwks"]),
        (&1.into(), &2.into())
    );
}

#[test]
fn the_doctor_asks_an_issuer_that_publishes_metadata() {
    let provider = Provider::start(&[]);
    let issuer = format!("issuer: {}", provider.issuer);
    let shop = Shop::open(
        GATEWAY,
        &[("issuer: https://id.shop.example", &issuer), (KEYS, "discovery: {}")],
    );
    let said = shop.verb(&["doctor"]);
    assert!(said.contains("provider shop-idp") && said.contains("1 keys"), "{said}");
    shop.rewrite("portcullis.yaml", &issuer, &format!("{issuer}/other"));
    let said = shop.verb(&["doctor"]);
    assert!(said.contains("PC0514") && said.contains("metadata"), "{said}");
}
