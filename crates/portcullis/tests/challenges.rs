//! What is a client told that may not come in (RFC 6750, 9470, 9728)? With tokens of a real issuer, npm
//! `oidc-provider`: case 68, challenges by boundary and by policy, and the metadata they point to.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use portcullis_testkit::issuer::now;
use portcullis_testkit::provider::client;
use portcullis_testkit::raw::exchange;
use portcullis_testkit::shop::{get, request};
use portcullis_testkit::{Provider, Shop};
use serde_json::{Value, json};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const API: &str = "https://api.shop.example";
const INSUFFICIENT: &str = "assess.authentication_insufficient";
const METADATA: &str = "/.well-known/oauth-protected-resource/v1";

fn issuer() -> Provider {
    let signed_in =
        |acr: &str, ago: u64| json!({"tenant": "acme", "acr": acr, "auth_time": now() - ago});
    Provider::start(&[
        client("strong", &signed_in("mfa", 10)),
        client("weak", &signed_in("pwd", 10)),
        client("old", &signed_in("mfa", 4000)),
        client("silent", &json!({"tenant": "acme"})),
        client("ahead", &json!({"tenant": "acme", "acr": "mfa", "auth_time": now() + 4000})),
    ])
}

fn open(provider: &Provider, changes: &[(&str, &str)], files: &[(&str, &str)]) -> Shop {
    let issuer = format!("issuer: {}", provider.issuer);
    let mut all = vec![
        ("issuer: https://id.shop.example", issuer.as_str()),
        (
            "url: {url: \"http://127.0.0.1:8090/jwks.json\", fresh_for: 5m, stale_until: 1h}",
            "discovery: {}",
        ),
        (
            "        tenant: tenant\n",
            "        tenant: tenant\n        acr: acr\n        auth_time: auth_time\n",
        ),
    ];
    all.extend_from_slice(changes);
    Shop::open_with(GATEWAY, &all, files)
}

#[test]
fn t68_a_boundary_asks_for_a_stronger_sign_in() {
    let provider = issuer();
    let asks = "anonymous: true, assurance: {acr: [mfa, hwk], max_age: 10m}";
    let shop = open(&provider, &[("anonymous: true", asks)], &[]);
    let token = |client: &str| get(ORDERS, &provider.token(client, API, "orders:read"));
    shop.crosses("strong and recent", token("strong"));
    for client in ["weak", "old", "silent", "ahead"] {
        let answer = shop.refuses(client, token(client), INSUFFICIENT);
        assert_eq!(answer.status, 401, "{client}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(
                "Bearer error=\"insufficient_user_authentication\", acr_values=\"mfa hwk\", max_age=\"600\""
            ),
            "{client}"
        );
    }
    // who needs no credential has not signed in
    shop.crosses("anonymous", request("GET", "/v1/products", &[]));
    let answer =
        shop.refuses("nothing shown", request("GET", ORDERS, &[]), "identify.credential_missing");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn t68_a_policy_asks_for_a_stronger_sign_in() {
    let provider = issuer();
    let policy = "@id(\"orders-need-mfa\")\n@challenge(\"acr=mfa\")\nforbid (principal, action == Orders::Action::\"listOrders\", resource)\n\
        unless { principal has acr && principal.acr == \"mfa\" };\n\
        @id(\"orders-need-a-recent-sign-in\")\n@challenge(\"max_age=300\")\nforbid (principal, action == Orders::Action::\"listOrders\", resource)\n\
        unless { context has auth_age && context.auth_age <= 300 };\n";
    let shop = open(&provider, &[], &[("policies/challenges.cedar", policy)]);
    let token = |client: &str, scope: &str| get(ORDERS, &provider.token(client, API, scope));
    shop.crosses("strong and recent", token("strong", "orders:read"));
    for (client, asked) in [
        ("weak", "acr_values=\"mfa\""),
        ("old", "max_age=\"300\""),
        ("silent", "acr_values=\"mfa\", max_age=\"300\""),
    ] {
        let answer = shop.refuses(client, token(client, "orders:read"), INSUFFICIENT);
        let expected = format!("Bearer error=\"insufficient_user_authentication\", {asked}");
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some(expected.as_str()))
        );
    }
    // a stronger sign-in is not asked for where it would not help
    let answer =
        shop.refuses("no scope", token("weak", "orders:write"), "authorize.scope_insufficient");
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer error=\"insufficient_scope\", scope=\"orders:read\"")
    );
    let replayed = shop.verb(&["replay"]);
    assert!(!replayed.contains("differ") || replayed.contains("0 differ"), "{replayed}");
}

#[test]
fn the_metadata_of_an_api_says_who_issues_tokens_for_it() {
    let provider = issuer();
    let resource = "{resource: \"https://api.shop.example/v1\", documentation: \"https://docs.shop.example/orders\"}";
    let declared = format!("    owner: team-orders\n    protected_resource: {resource}");
    let shop = open(&provider, &[("    owner: team-orders", &declared)], &[]);
    let answer = shop.send(request("GET", METADATA, &[])).remove(0);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        said,
        json!({
            "resource": "https://api.shop.example/v1",
            "authorization_servers": [provider.issuer],
            "scopes_supported": ["orders:read", "orders:write"],
            "bearer_methods_supported": ["header"],
            "resource_documentation": "https://docs.shop.example/orders",
        })
    );
    assert!(shop.upstream.take().is_empty(), "it was carried on");
    let record = shop.gateway.outcome(&answer.id());
    assert_eq!((record.reason, record.stage.as_str()), (None, "receive"));
    let pointing =
        "resource_metadata=\"https://api.shop.example/.well-known/oauth-protected-resource/v1\"";
    let answer =
        shop.refuses("nothing shown", request("GET", ORDERS, &[]), "identify.credential_missing");
    assert_eq!(answer.header("www-authenticate"), Some(format!("Bearer {pointing}").as_str()));
    let answer = shop.refuses("no token", get(ORDERS, "x.y.z"), "identify.credential_malformed");
    let expected = format!("Bearer error=\"invalid_token\", {pointing}");
    assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
    // what the metadata leads to gives a token that is good here
    let token = provider.token("strong", API, "orders:read");
    shop.crosses("a token of that issuer", get(ORDERS, &token));
    for (method, path) in [
        ("POST", METADATA),
        ("GET", "/.well-known/oauth-protected-resource"),
        ("GET", "/.well-known/oauth-protected-resource/v1/"),
    ] {
        let lines: &[&str] = if method == "POST" { &["Content-Length: 0"] } else { &[] };
        let answer = shop.send(request(method, path, lines)).remove(0);
        assert!([400, 404].contains(&answer.status), "{method} {path}: {answer:?}");
    }
    // another API of the same gateway says nothing; another zone hears of its own issuers alone
    let stock = request("GET", METADATA, &[]).replace("api.shop", "stock.shop");
    assert_eq!(shop.send(stock)[0].status, 404);
    let partner =
        exchange(shop.gateway.address("partner"), request("GET", METADATA, &[]).as_bytes())
            .remove(0);
    let said: Value = serde_json::from_str(&partner.body).unwrap();
    assert_eq!(said["authorization_servers"], json!([]));
    let replayed = shop.verb(&["replay"]);
    assert!(!replayed.contains("differ") || replayed.contains("0 differ"), "{replayed}");
}
