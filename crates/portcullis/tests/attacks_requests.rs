//! Requests that the contract, the policies, the upstream or the counters might read differently.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::net::SocketAddr;

use portcullis_testkit::Shop;
use portcullis_testkit::raw::exchange;
use portcullis_testkit::shop::{get, post, request};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const TRUSTED: (&str, &str) = (
    "zone: public}\n  partner",
    "zone: public, trusted_hops: 1, trusted_peers: [127.0.0.1]}\n  partner",
);

/// The shop with more operations that anybody may call.
fn shelves() -> Shop {
    let contract = include_str!("../../../examples/shop/contracts/orders.yaml");
    let more = "
  /shelves/{id}:
    parameters:
    - {name: id, in: path, required: true, schema: {type: string}}
    get: {operationId: getShelf, security: [], x-portcullis: {public: test}, responses: {\"200\": {description: x}}}
    delete: {operationId: dropShelf, security: [], x-portcullis: {public: test}, responses: {\"204\": {description: x}}}
  /shelves/mine:
    get: {operationId: myShelf, security: [], x-portcullis: {public: test}, responses: {\"200\": {description: x}}}
  /shelves/@me:
    get: {operationId: meShelf, security: [], x-portcullis: {public: test}, responses: {\"200\": {description: x}}}
  /counts/{n}:
    parameters:
    - {name: n, in: path, required: true, schema: {type: integer, maximum: 100}}
    - {name: price, in: query, schema: {type: number, maximum: 9.5}}
    get: {operationId: count, security: [], x-portcullis: {public: test}, responses: {\"200\": {description: x}}}
";
    let policy = "permit (principal, action in [Orders::Action::\"getShelf\", Orders::Action::\"dropShelf\", \
                  Orders::Action::\"myShelf\", Orders::Action::\"count\"], resource);";
    let contract = format!("{contract}{more}");
    let files = [("contracts/orders.yaml", contract.as_str()), ("policies/more.cedar", policy)];
    let faster = ("amount: 60, window: 1m, burst: 20", "amount: 999, window: 1m, burst: 999");
    Shop::open_with(GATEWAY, &[faster], &files)
}

#[test]
fn a12_targets_that_the_parser_would_refuse_have_a_record() {
    let shop = Shop::open(GATEWAY, &[]);
    for target in [
        "/v1/products<x",
        "/v1/products>",
        "/v1/products`",
        "/v1/products?search=a`b",
        "/v1/products?search=a\"b",
        "http://",
        "http:///v1/products",
        "http://[::1/",
        "http://a b/",
    ] {
        let bytes = request("GET", target, &[]);
        let code = if target.contains(' ') { "malformed_framing" } else { "ambiguous_target" };
        let answer = shop.refuses(target, &bytes, &format!("receive.{code}"));
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")), "{target}");
    }
}

#[test]
fn c11_c12_a_literal_is_the_literal_in_every_spelling_and_under_every_method() {
    let shop = shelves();
    for (method, path) in
        [("GET", "/v1/shelves/7"), ("GET", "/v1/shelves/mine"), ("DELETE", "/v1/shelves/7")]
    {
        let _crossed = shop.crosses(path, request(method, path, &[]));
    }
    let unlisted = "receive.unlisted_operation";
    shop.refuses("no DELETE there", request("DELETE", "/v1/shelves/mine", &[]), unlisted);
    shop.refuses("nor there", request("DELETE", "/v1/shelves/%40me", &[]), unlisted);
    let answer = shop.refuses(
        "to the upstream it is `@me`, which nobody may",
        request("GET", "/v1/shelves/%40me", &[]),
        "identify.credential_missing",
    );
    let operation = shop.gateway.outcome(&answer.id()).crossing.operation.unwrap();
    assert_eq!(operation.as_str(), "meShelf");
}

#[test]
fn a_query_that_some_cut_at_semicolons_is_refused() {
    let shop = Shop::open(GATEWAY, &[]);
    let target = "/v1/products?search=a;admin=1";
    shop.refuses("bare", request("GET", target, &[]), "receive.ambiguous_target");
    let _crossed = shop.crosses("encoded", request("GET", "/v1/products?search=a%3Badmin", &[]));
}

#[test]
fn numbers_have_one_spelling_and_no_rounding() {
    let shop = shelves();
    for target in ["/v1/counts/100", "/v1/counts/-7", "/v1/counts/0", "/v1/counts/1?price=9.5"] {
        let _crossed = shop.crosses(target, request("GET", target, &[]));
    }
    for target in [
        "/v1/counts/1e2",
        "/v1/counts/1E1",
        "/v1/counts/1.0",
        "/v1/counts/-0",
        "/v1/counts/+1",
        "/v1/counts/01",
        "/v1/counts/%201",
        "/v1/counts/101",
        "/v1/counts/100.00000000000000000001",
        "/v1/counts/1?price=9.5000000000000000000001",
        "/v1/counts/1?price=1e-1",
        "/v1/counts/1?price=.5",
        "/v1/counts/1?price=5.",
        "/v1/counts/1?price=-0.0",
        "/v1/counts/1?price=1e400",
    ] {
        shop.refuses(target, request("GET", target, &[]), "inspect.parameter_refused");
    }
    let token = shop.issuer.token("ann");
    let order = |amount: &str| {
        format!(
            r#"{{"customer":"a@example.com","lines":[{{"sku":"ABC-0001","amount":{amount}}}]}}"#
        )
    };
    for amount in [
        "99.00000000000000000001",
        "1.00000000000000000001",
        "100",
        "0.99999999999999999999",
        "1e2",
        "-1",
        "1e300",
    ] {
        let bytes = post(ORDERS, &token, &order(amount));
        shop.refuses(amount, bytes, "inspect.body_refused");
    }
    for amount in ["1e400", "-", "01", "1e", "0x1", "NaN", "Infinity", "+1"] {
        let bytes = post(ORDERS, &token, &order(amount));
        shop.refuses(amount, bytes, "inspect.body_malformed");
    }
    let digits = "\u{664}".repeat(3);
    let body = order("1").replace("0001", &digits);
    shop.refuses("digits of other scripts", post(ORDERS, &token, &body), "inspect.body_refused");
}

#[test]
fn d02_names_that_an_application_could_take_for_others() {
    let shop = Shop::open(GATEWAY, &[]);
    for line in [
        "X.User-Id: root",
        "X!User!Id: root",
        "x~user~id: root",
        "Content.Length: 5",
        "X+Api'Key: a",
    ] {
        shop.refuses(line, request("GET", "/v1/products", &[line]), "receive.invalid_header");
    }
    let lines =
        ["X-Forwarded: for=1.2.3.4", "CF-Connecting-IP: 1.2.3.4", "X-SSL-Client-S-DN: CN=root"];
    let seen = shop.crosses("stripped", request("GET", "/v1/products", &lines));
    for line in lines {
        assert!(seen.values(line.split_once(':').unwrap().0).is_empty(), "{line}");
    }
}

#[test]
fn b10_an_ipv6_network_does_not_have_an_allowance_for_each_address() {
    let limit = ("amount: 60, window: 1m, burst: 20", "amount: 60, window: 1h, burst: 4");
    let shop = Shop::open(GATEWAY, &[TRUSTED, limit]);
    let from = |address: &str| {
        let line = format!("X-Forwarded-For: {address}");
        shop.send(request("GET", "/v1/products", &[&line])).remove(0).status
    };
    let statuses: Vec<u16> = (1..8).map(|host| from(&format!("2001:db8:7:7::{host:x}"))).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429, 429]);
    assert_eq!(from("2001:db8:7:8::1"), 200);
    for (address, status) in
        [("192.0.2.7", 200), ("::ffff:192.0.2.7", 200), ("::ffff:c000:207", 200)]
    {
        assert_eq!(from(address), status, "{address}");
    }
    assert_eq!((from("192.0.2.7"), from("::ffff:192.0.2.7")), (200, 429));
}

#[test]
fn an_ipv4_peer_of_a_listener_of_both_families_is_an_ipv4_peer_to_policies() {
    let policy = "forbid (principal, action, resource) when { context.address.isInRange(ip(\"127.0.0.0/8\")) };";
    let shop = Shop::open_with(
        GATEWAY,
        &[("127.0.0.1:8080", "[::]:0")],
        &[("policies/inside.cedar", policy)],
    );
    let address = SocketAddr::from(([127, 0, 0, 1], shop.gateway.address("web").port()));
    let bytes = get(ORDERS, &shop.issuer.token("ann"));
    let answer = exchange(address, bytes.as_bytes()).remove(0);
    assert_eq!((answer.status, answer.code().as_str()), (403, "authorize.forbidden"));
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn d10_trailers_of_a_chunked_body_say_nothing() {
    let shop = Shop::open(GATEWAY, &[]);
    let token = format!("Authorization: Bearer {}", shop.issuer.token("alice"));
    let order = r#"{"customer":"a@example.com","lines":[{"sku":"ABC-0001","amount":2}]}"#;
    let head = request(
        "POST",
        "/v1/tenants/acme/orders",
        &[
            &token,
            "Content-Type: application/json",
            "Transfer-Encoding: chunked",
            "Trailer: X-User-Id",
        ],
    );
    let chunks = format!("{:x}\r\n{order}\r\n0\r\n", order.len());
    let trailers =
        "X-User-Id: root\r\nAuthorization: Bearer x\r\nX-Portcullis-Tenant: other\r\n\r\n";
    let answer = shop.send(format!("{head}{chunks}{trailers}")).remove(0);
    let seen = shop.upstream.take();
    match answer.status {
        // refused as a whole, or carried without a word of them
        400 => {
            assert!(answer.code().starts_with("receive.") || answer.code().starts_with("inspect."))
        }
        status => {
            assert_eq!((status, seen.len()), (200, 1), "{answer:?}");
            for name in ["x-user-id", "authorization", "trailer"] {
                assert!(seen[0].values(name).is_empty(), "{seen:?}");
            }
            assert_eq!(seen[0].values("x-portcullis-tenant"), ["acme"]);
        }
    }
}
