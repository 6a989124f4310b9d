//! Opaque tokens of a real issuer, npm `oidc-provider`, which is asked about them (RFC 7662) in each of
//! the ways in which we prove who we are.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::time::Duration;

use portcullis_testkit::provider::{SECRET, client};
use portcullis_testkit::shop::get;
use portcullis_testkit::{Authority, Issuer, Provider, Shop};
use serde_json::json;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const OPAQUE: &str = "https://opaque.shop.example";
const ENDPOINT: &str = "/token/introspection";

/// The shop, which takes opaque tokens of the issuer besides signed ones.
fn open(provider: &Provider, endpoint: &str, client: &str, files: &[(&str, &str)]) -> Shop {
    let declared = format!(
        "  opaque-idp:\n    introspection:\n      issuer: {}\n      endpoint: {endpoint}\n      \
         audiences: [{OPAQUE}]\n      client: {client}\n      relaxed: [sub]\n      fresh_for: 1s\n      \
         claims: {{tenant: tenant, scopes: scope}}\n  partner-keys:\n",
        provider.issuer
    );
    Shop::open_with(
        GATEWAY,
        &[
            ("  partner-keys:\n", declared.as_str()),
            ("providers: [shop-idp]", "providers: [shop-idp, opaque-idp]"),
        ],
        files,
    )
}

fn asked(provider: &mut Provider) -> u64 {
    provider.counts()[ENDPOINT].as_u64().unwrap_or(0)
}

#[test]
fn an_opaque_token_is_good_for_as_long_as_its_issuer_says() {
    let acme = json!({"tenant": "acme"});
    let us = client("portcullis", &json!({}));
    let mut provider = Provider::start(&[client("app", &acme), us]);
    let endpoint = format!("{}{ENDPOINT}", provider.issuer);
    let auth = "{id: portcullis, auth: {secret: {file: client.key}}}";
    let shop = open(&provider, &endpoint, auth, &[("client.key", SECRET)]);
    let token = provider.token("app", OPAQUE, "orders:read");
    let seen = shop.crosses("a good one", get(ORDERS, &token));
    assert_eq!(seen.values("x-portcullis-principal"), ["opaque-idp|app"]);
    assert!(!format!("{seen:?}").contains(&token), "the token reached the upstream");
    for _ in 0..3 {
        shop.crosses("kept", get(ORDERS, &token));
    }
    let first = asked(&mut provider);
    assert!(first <= 2, "asked {first} times");
    // signed tokens of the other issuer go on beside them
    shop.crosses("a signed one", get(ORDERS, &shop.issuer.token("ann")));
    assert_eq!(asked(&mut provider), first);
    let narrow = provider.token("app", OPAQUE, "orders:write");
    shop.refuses("another scope", get(ORDERS, &narrow), "authorize.scope_insufficient");
    provider.revoke("app", &token);
    std::thread::sleep(Duration::from_millis(1100));
    let answer = shop.refuses("revoked", get(ORDERS, &token), "identify.token_inactive");
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, Some("Bearer error=\"invalid_token\""))
    );
    let before = asked(&mut provider);
    for _ in 0..3 {
        shop.refuses("kept as well", get(ORDERS, &token), "identify.token_inactive");
    }
    assert_eq!(asked(&mut provider), before);
    shop.refuses("never issued", get(ORDERS, "guessed"), "identify.token_inactive");
    let records = serde_json::to_string(&shop.gateway.records()).unwrap();
    assert!(
        !records.contains(&token) && !shop.gateway.log().contains(&token),
        "it was written down"
    );
    let said = shop.verb(&["doctor"]);
    assert!(said.contains("opaque-idp") && said.contains("its issuer answers"), "{said}");
    let replayed = shop.verb(&["replay"]);
    assert!(!replayed.contains("differs") || replayed.contains("0 differ"), "{replayed}");
}

#[test]
fn we_prove_who_we_are_by_a_signed_assertion() {
    let ours = Issuer::new("gateway-1");
    let us = json!({
        "client_id": "portcullis", "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256", "jwks": {"keys": [ours.jwk()]},
    });
    let provider = Provider::start(&[client("app", &json!({"tenant": "acme"})), us]);
    let endpoint = format!("{}{ENDPOINT}", provider.issuer);
    let auth =
        "{id: portcullis, auth: {private_key_jwt: {key: {file: client.key}, kid: gateway-1}}}";
    let shop = open(&provider, &endpoint, auth, &[("client.key", &ours.pem())]);
    let token = provider.token("app", OPAQUE, "orders:read");
    shop.crosses("signed by us", get(ORDERS, &token));
    let stranger = Issuer::new("gateway-1");
    let shop = open(&provider, &endpoint, auth, &[("client.key", &stranger.pem())]);
    let code = "identify.introspection_unavailable";
    let answer = shop.refuses("signed by another", get(ORDERS, &token), code);
    assert_eq!((answer.status, answer.header("www-authenticate")), (503, None));
}

#[test]
fn we_prove_who_we_are_by_a_certificate() {
    let authority = Authority::root("identity");
    let (server, ours) =
        (authority.certify("127.0.0.1"), authority.certify("gateway.shop.example"));
    let other = Authority::root("other");
    let us = json!({
        "client_id": "portcullis", "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "gateway.shop.example",
    });
    let provider = Provider::start_with(&json!({
        "clients": [client("app", &json!({"tenant": "acme"})), us],
        "tls": {"key": server.key, "cert": server.chain, "ca": authority.pem()},
    }));
    let endpoint = format!("https://127.0.0.1:{}{ENDPOINT}", provider.secure.unwrap());
    let auth = "{id: portcullis, auth: {certificate: {certificate: ours.pem, key: {file: ours.key}}}}\n      \
                roots: roots.pem";
    let files = |root: &str| {
        [
            ("roots.pem", root.to_owned()),
            ("ours.pem", ours.chain.clone()),
            ("ours.key", ours.key.clone()),
        ]
    };
    let token = provider.token("app", OPAQUE, "orders:read");
    let good = files(&authority.pem());
    let good: Vec<_> = good.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let shop = open(&provider, &endpoint, auth, &good);
    shop.crosses("by our certificate", get(ORDERS, &token));
    let bad = files(&other.pem());
    let bad: Vec<_> = bad.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let shop = open(&provider, &endpoint, auth, &bad);
    let code = "identify.introspection_unavailable";
    shop.refuses("an issuer that does not prove its name", get(ORDERS, &token), code);
}
