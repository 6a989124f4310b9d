//! Headers that are changed on the way there and back. Over real sockets: the answer, what the upstream
//! saw, and what the declaration may not touch.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use portcullis_testkit::Shop;
use portcullis_testkit::shop::{get, request};
use portcullis_testkit::upstream::Behaviour;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const OWNER: &str = "    owner: team-orders";
const LIMITS: &str = "    limits: [per-caller, at-once]";

fn upstream_says(shop: &Shop, lines: &str) {
    let text = format!("HTTP/1.1 200 OK\r\n{lines}\r\ncontent-length: 2\r\n\r\n{{}}");
    shop.upstream.behave(Behaviour::Bytes(text));
}

#[test]
fn requests_go_on_with_their_changes() {
    let changes = "request_headers: {remove: [cookie, x-debug], set: {x-shop: \"1\"}}";
    let shop = Shop::open(GATEWAY, &[(OWNER, &format!("{OWNER}\n    {changes}"))]);
    let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
    let lines = [token.as_str(), "Cookie: a=b", "X-Debug: 1", "X-Shop: forged", "X-Shop: twice"];
    let seen = shop.crosses("changed", request("GET", ORDERS, &lines));
    for name in ["cookie", "x-debug", "authorization"] {
        assert!(seen.values(name).is_empty(), "{name}: {}", seen.head);
    }
    assert_eq!(seen.values("x-shop"), ["1"]);
}

#[test]
fn answers_are_strict_where_nothing_is_declared() {
    let shop = Shop::open(GATEWAY, &[]);
    upstream_says(
        &shop,
        "content-type: Text/HTML; charset=utf-8\r\nserver: nginx/1.2\r\nx-powered-by: PHP\r\n\
         cache-control: public, max-age=60",
    );
    let answer = shop.send(get(ORDERS, &shop.issuer.token("ann"))).remove(0);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("server"), None);
    assert_eq!(answer.header("x-powered-by"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let policy = "default-src 'none'; frame-ancestors 'none'";
    assert_eq!(answer.header("content-security-policy"), Some(policy));
    // nobody in particular: what the upstream says of caches holds
    let answer = shop.send(request("GET", "/v1/products", &[])).remove(0);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    // what is refused is no weaker, whoever refuses it
    for bytes in [
        request("GET", "/nowhere", &[]),
        get(ORDERS, "wrong"),
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
    ] {
        let answer = shop.send(bytes).remove(0);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
    }
}

#[test]
fn answers_say_what_is_declared() {
    let answers = "answers: {remove: [x-internal], set: {x-frame-options: DENY}, cache: upstream, \
                   content_security_policy: \"default-src 'self'\"}";
    let shop = Shop::open(GATEWAY, &[(LIMITS, &format!("{LIMITS}\n    {answers}"))]);
    let token = shop.issuer.token("ann");
    upstream_says(
        &shop,
        "content-type: image/svg+xml\r\nx-internal: 1\r\nx-frame-options: ALLOWALL\r\n\
         cache-control: private",
    );
    let answer = shop.send(get(ORDERS, &token)).remove(0);
    assert_eq!(answer.header("x-internal"), None);
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("cache-control"), Some("private"));
    assert_eq!(answer.header("content-security-policy"), Some("default-src 'self'"));
    upstream_says(&shop, "content-type: text/html\r\ncontent-security-policy: default-src https:");
    let answer = shop.send(get(ORDERS, &token)).remove(0);
    assert_eq!(answer.header("content-security-policy"), Some("default-src https:"));
}

#[test]
fn what_the_boundary_decides_by_cannot_be_declared_away() {
    let shop = Shop::open(GATEWAY, &[]);
    let file = shop.folder().join("portcullis.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    let request =
        |change: &str| good.replacen(OWNER, &format!("{OWNER}\n    request_headers: {change}"), 1);
    let answer =
        |change: &str| good.replacen(LIMITS, &format!("{LIMITS}\n    answers: {change}"), 1);
    for (text, code) in [
        (request("{set: {host: a}}"), "PC0151"),
        (request("{set: {cookie: a=b}}"), "PC0151"),
        (request("{set: {x-portcullis-tenant: globex}}"), "PC0151"),
        (request("{set: {x-forwarded-for: 1.2.3.4}}"), "PC0151"),
        (request("{remove: [content-type]}"), "PC0151"),
        (request("{remove: [x-api-key]}"), "PC0151"),
        (request("{set: {x_user: a}}"), "PC0107"),
        (request("{set: {X-A: a}}"), "PC0107"),
        (request("{set: {x-a: \"a\\r\\nb: c\"}}"), "PC0107"),
        (request("{remove: [x-a], set: {x-a: a}}"), "PC0107"),
        (answer("{set: {access-control-allow-origin: \"*\"}}"), "PC0151"),
        (answer("{remove: [x-content-type-options]}"), "PC0151"),
        (answer("{remove: [portcullis-decision-id]}"), "PC0151"),
        (answer("{set: {transfer-encoding: chunked}}"), "PC0151"),
    ] {
        std::fs::write(&file, text).unwrap();
        let said = shop.verb(&["--format", "json", "check"]);
        assert!(said.contains(code), "{code}: {said}");
    }
}
