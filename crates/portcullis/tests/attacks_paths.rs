//! Cases C1–C12 and D1–D8, over a real socket against the running gateway: one path, one host, and no
//! header that the boundary owns.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use portcullis_testkit::Shop;
use portcullis_testkit::raw::exchange;
use portcullis_testkit::shop::{get, request};
use serde_json::json;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";

fn ambiguous(shop: &Shop, targets: &[&str]) {
    let token = shop.issuer.token("ann");
    for target in targets {
        let answer = shop.refuses(target, get(target, &token), "receive.ambiguous_target");
        assert_eq!(answer.status, 400);
    }
}

#[test]
fn c01_empty_segments() {
    let shop = Shop::open(GATEWAY, &[]);
    ambiguous(&shop, &["//v1/products", "///v1/products", "/v1//products", "/v1/products//"]);
}

#[test]
fn c02_c03_dot_segments_plain_encoded_and_encoded_twice() {
    let shop = Shop::open(GATEWAY, &[]);
    ambiguous(
        &shop,
        &[
            "/v1/products/../tenants/acme/orders",
            "/v1/./products",
            "/v1/products/..",
            "/..",
            "/.",
            "/v1/%2e%2e/v1/products",
            "/v1/%2E./products",
            "/v1/.%2e/products",
            "/v1/%252e%252e/products",
            "/v1/%2e/products",
        ],
    );
}

#[test]
fn c04_c05_c06_encoded_delimiters_control_bytes_and_parameters() {
    let shop = Shop::open(GATEWAY, &[]);
    ambiguous(
        &shop,
        &[
            "/v1/tenants/acme%2forders",
            "/v1/tenants/acme%2Forders",
            "/v1/tenants/acme%5corders",
            "/v1/tenants/acme%5Corders",
            "/v1\\products",
            "/v1/products%00",
            "/v1/products%0d%0a",
            "/v1/products%3b",
            "/v1/products%25",
            "/v1/%c0%ae/products",
            "/v1/products;jsessionid=1",
            "/v1/products;x=/../",
            "/v1/products%",
            "/v1/products%2",
            "/v1/products%zz",
        ],
    );
    let answers = shop.send("GET /v1/product\u{e4} HTTP/1.1\r\nHost: api.shop.example\r\n\r\n");
    assert_eq!(answers[0].status, 400, "{answers:?}");
}

#[test]
fn c07_what_is_judged_is_forwarded_byte_for_byte() {
    let shop = Shop::open(GATEWAY, &[]);
    for target in ["/v1/products?search=tea%20pot", "/v1/products?search=a%2Fb", "/v1/products"] {
        let seen = shop.crosses(target, request("GET", target, &[]));
        assert!(seen.head.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{}", seen.head);
    }
}

#[test]
fn c08_whole_segments_and_c12_listed_operations_only() {
    let shop = Shop::open(GATEWAY, &[]);
    let token = shop.issuer.token("ann");
    for target in
        ["/v1x/products", "/v1/productsx", "/v1/products/", "/", "/v1", "/v1/PRODUCTS", "/products"]
    {
        shop.refuses(target, get(target, &token), "receive.unlisted_operation");
    }
    for method in ["HEAD", "OPTIONS", "PATCH", "DELETE"] {
        let line = format!("Authorization: Bearer {token}");
        let answers = shop.send(request(method, "/v1/products", &[&line]));
        assert_eq!(answers[0].status, 404, "{method}: {answers:?}");
    }
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn c10_one_spelling_of_a_host() {
    let shop = Shop::open(GATEWAY, &[]);
    let with = |host: &str| request("GET", "/v1/products", &[]).replace("api.shop.example", host);
    for host in ["API.Shop.Example", "api.shop.example:8080"] {
        let seen = shop.crosses(host, with(host));
        assert_eq!(seen.values("host"), ["api.shop.example"]);
    }
    for host in [
        "api.shop.example.",
        "[::1%25eth0]",
        "xn--pi-shop.example:",
        "api.shop.example:0",
        "api_shop",
    ] {
        let answers = shop.send(with(host));
        assert!(matches!(answers[0].status, 400 | 421), "{host}: {answers:?}");
    }
    shop.refuses("evil", with("evil.example"), "receive.unknown_host");
}

#[test]
fn c12_method_overrides_change_nothing() {
    let shop = Shop::open(GATEWAY, &[]);
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let seen =
            shop.crosses(name, request("GET", "/v1/products", &[&format!("{name}: DELETE")]));
        assert!(seen.head.starts_with("GET "), "{}", seen.head);
        assert!(seen.values(name).is_empty(), "{}", seen.head);
    }
}

#[test]
fn d01_d08_what_only_the_boundary_may_say_is_stripped() {
    let shop = Shop::open(GATEWAY, &[]);
    let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
    let forged = [
        "X-Portcullis-Principal: shop-idp|root",
        "x-portcullis-tenant: globex",
        "X-PORTCULLIS-DECISION: 1",
        "X-Portcullis-Anything: 1",
        "X-User: root",
        "X-Forwarded-For: 6.6.6.6",
        "X-Real-IP: 6.6.6.6",
        "Forwarded: for=6.6.6.6",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Email: root@example.com",
        "X-Forwarded-Client-Cert: By=spiffe://root",
        "X-Original-URL: /admin",
        "X-Rewrite-URL: /admin",
    ];
    let mut lines = forged.to_vec();
    lines.push(&token);
    let seen = shop.crosses("forged", request("GET", ORDERS, &lines));
    assert_eq!(seen.values("x-portcullis-principal"), ["shop-idp|ann"]);
    assert_eq!(seen.values("x-portcullis-tenant"), ["acme"]);
    assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.values("x-forwarded-host"), ["api.shop.example"]);
    for word in ["6.6.6.6", "root", "evil", "globex", "/admin", "Bearer"] {
        assert!(!seen.head.contains(word), "{word} crossed:\n{}", seen.head);
    }
    let id = seen.values("x-portcullis-decision").remove(0);
    let stripped = shop.gateway.outcome(&id).request.stripped;
    assert!(stripped.iter().any(|name| name == "x-portcullis-tenant"), "{stripped:?}");
}

#[test]
fn d02_underscores_cannot_stand_for_hyphens() {
    let shop = Shop::open(GATEWAY, &[]);
    for line in
        ["X_Portcullis_Tenant: globex", "X-Portcullis_Tenant: globex", "x_forwarded_for: 6.6.6.6"]
    {
        shop.refuses(line, request("GET", "/v1/products", &[line]), "receive.invalid_header");
    }
}

#[test]
fn d04_a_connection_header_cannot_take_inner_headers_away() {
    let shop = Shop::open(GATEWAY, &[]);
    let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
    for name in [
        "X-Portcullis-Principal",
        "Authorization",
        "Host",
        "X-Forwarded-For",
        "Content-Length",
        "x-api-key",
    ] {
        let bytes = request("GET", ORDERS, &[&token, &format!("Connection: {name}")]);
        shop.refuses(name, bytes, "receive.invalid_header");
    }
    let hop = [
        "Connection: x-private, keep-alive",
        "X-Private: 1",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Proxy-Connection: x",
    ];
    let mut lines = hop.to_vec();
    lines.push(&token);
    let seen = shop.crosses("hop by hop", request("GET", ORDERS, &lines));
    for name in ["x-private", "keep-alive", "te", "proxy-connection", "connection"] {
        assert!(seen.values(name).is_empty(), "{name}: {}", seen.head);
    }
}

#[test]
fn d05_headers_that_decide_stand_once() {
    let shop = Shop::open(GATEWAY, &[]);
    for name in ["Content-Type", "Origin", "Content-Encoding"] {
        let line = format!("{name}: application/json");
        let bytes = request("GET", "/v1/products", &[&line, &line]);
        shop.refuses(name, bytes, "receive.invalid_header");
    }
}

#[test]
fn d06_claims_cannot_break_a_header_line() {
    let shop = Shop::open(GATEWAY, &[]);
    let token = shop.issuer.draft("ann\r\nX-Admin: 1\u{e4}").claim("tenant", json!("acme"));
    let seen = shop.crosses("a subject with a line break", get(ORDERS, &shop.issuer.sign(&token)));
    assert_eq!(seen.values("x-portcullis-principal"), ["shop-idp|ann%0D%0AX-Admin:%201%C3%A4"]);
    assert!(seen.values("x-admin").is_empty());
}

#[test]
fn d08_addresses_are_counted_from_the_right_and_only_behind_our_own_proxies() {
    let trusted = (
        "zone: public}\n  partner",
        "zone: public, trusted_hops: 1, trusted_peers: [127.0.0.1]}\n  partner",
    );
    let shop = Shop::open(GATEWAY, &[trusted]);
    let lines = ["X-Forwarded-For: 6.6.6.6, 10.1.1.1", "X-Forwarded-For: 203.0.113.7"];
    let seen = shop.crosses("two lines", request("GET", "/v1/products", &lines));
    assert_eq!(seen.values("x-forwarded-for"), ["203.0.113.7"]);
    shop.refuses("no hop", request("GET", "/v1/products", &[]), "receive.invalid_header");
    let bytes = request("GET", "/stock/v1/items/ABC-0001", &["X-Forwarded-For: 6.6.6.6"]);
    let answers = exchange(shop.gateway.address("partner"), bytes.as_bytes());
    assert!(
        answers[0].code().starts_with("receive.") || answers[0].code().starts_with("identify."),
        "{answers:?}"
    );
}

#[test]
fn the_answer_is_stripped_too() {
    let shop = Shop::open(GATEWAY, &[]);
    let head = "HTTP/1.1 200 OK\r\nX-Portcullis-Principal: x\r\nConnection: x-inner\r\nX-Inner: 1\r\nKeep-Alive: 5\r\nX-Outer: 1\r\n";
    shop.upstream
        .behave(portcullis_testkit::Behaviour::Bytes(format!("{head}Content-Length: 2\r\n\r\nok")));
    let answer = shop.send(get(ORDERS, &shop.issuer.token("ann"))).remove(0);
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    for name in ["x-portcullis-principal", "x-inner", "keep-alive"] {
        assert_eq!(answer.header(name), None);
    }
    assert_eq!(answer.header("x-outer"), Some("1"));
    assert!(answer.header("ratelimit").unwrap().starts_with("\"per-caller\";r="), "{answer:?}");
    assert_eq!(answer.header("ratelimit-policy"), Some("\"per-caller\";q=60;w=60"));
}
