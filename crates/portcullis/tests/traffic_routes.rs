//! C7, C8: routes and rewritten paths choose among what was judged, never what is judged. Over real
//! sockets: what which upstream saw, the record, and what is no declaration.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use portcullis_model::record::FactValue;
use portcullis_testkit::shop::{get, post, request};
use portcullis_testkit::{Shop, Upstream};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const OWNER: &str = "    owner: team-orders";
const FAST: (&str, &str) =
    ("amount: 60, window: 1m, burst: 20", "amount: 999, window: 1m, burst: 999");

fn shop(lines: &str) -> Shop {
    Shop::open(GATEWAY, &[FAST, (OWNER, &format!("{OWNER}\n{lines}"))])
}

/// The shop with a second upstream of orders.
fn with_beta(routes: &str) -> (Shop, Upstream) {
    let beta = Upstream::start();
    let declared = format!("upstreams:\n  beta: {{address: \"{}\"}}", beta.address);
    let routes = format!("{OWNER}\n    routes:\n{routes}");
    (Shop::open(GATEWAY, &[FAST, ("upstreams:", &declared), (OWNER, &routes)]), beta)
}

fn path_of(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}

fn replayed(shop: &Shop) -> String {
    let file = std::fs::read_dir(shop.folder().join("state/records")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).next().unwrap();
    shop.verb(&["replay", file.to_str().unwrap()])
}

#[test]
fn c07_a_prefix_is_stripped_from_what_was_judged() {
    let shop = shop("    rewrite: {strip_prefix: /v1}");
    let token = shop.issuer.token("ann");
    for (asked, seen) in [
        (ORDERS, "/tenants/acme/orders"),
        ("/v1/tenants/acme/orders?limit=5", "/tenants/acme/orders?limit=5"),
        ("/v1/tenants/acme/orders/o-1", "/tenants/acme/orders/o-1"),
        ("/v1/products?search=%2Fv1%2F", "/products?search=%2Fv1%2F"),
    ] {
        let request = shop.crosses(asked, get(asked, &token));
        assert_eq!(path_of(&request.head), seen);
        assert_eq!(request.values("x-forwarded-prefix"), ["/v1"]);
    }
    let unlisted = "receive.unlisted_operation";
    let ambiguous = "receive.ambiguous_target";
    for (asked, code) in [
        // as the upstream sees it, it is no path of the boundary
        ("/tenants/acme/orders", unlisted),
        ("/v1/v1/tenants/acme/orders", unlisted),
        ("/v1x/tenants/acme/orders", unlisted),
        ("/v1", unlisted),
        ("/v1/..v1/products", unlisted),
        ("/%76%31/tenants/acme/orders", ambiguous),
        ("/v1/%2e%2e/v1/tenants/acme/orders", ambiguous),
        ("/v1//tenants/acme/orders", ambiguous),
        ("/v1%2Ftenants/acme/orders", ambiguous),
        ("/v1/tenants/acme%2F..%2Fglobex/orders", ambiguous),
        ("/v1/tenants/acme/%2E%2E/globex/orders", ambiguous),
    ] {
        shop.refuses(asked, get(asked, &token), code);
    }
    // policies and contracts are asked about the judged path
    shop.refuses(
        "another tenant",
        get("/v1/tenants/globex/orders", &token),
        "authorize.tenant_mismatch",
    );
    let said = replayed(&shop);
    assert!(said.ends_with(" the same, 0 differ, 0 cannot be recomputed"), "{said}");
}

#[test]
fn a_prefix_is_replaced_and_encodings_stay() {
    let moved = "    rewrite: {replace_prefix: {from: /v1/tenants, to: /inner/t}}\n    routes:\n    \
                 - {name: shelf, operations: [listProducts], upstream: orders, rewrite: {strip_prefix: /v1}}";
    let contract = include_str!("../../../examples/shop/contracts/orders.yaml");
    let pattern = ", pattern: \"^[a-z]{2,20}$\"";
    let shop = Shop::open_with(
        GATEWAY,
        &[(OWNER, &format!("{OWNER}\n{moved}"))],
        &[("contracts/orders.yaml", &contract.replacen(pattern, "", 1))],
    );
    let token =
        shop.issuer.sign(&shop.issuer.draft("ann").claim("tenant", serde_json::json!("a b\u{e9}")));
    let request = shop.crosses("encoded", get("/v1/tenants/a%20b%C3%A9/orders", &token));
    assert_eq!(path_of(&request.head), "/inner/t/a%20b%C3%A9/orders");
    assert!(request.values("x-forwarded-prefix").is_empty());
    let request = shop.crosses("a route of its own", get("/v1/products", &token));
    assert_eq!(path_of(&request.head), "/products");
}

#[test]
fn the_first_route_that_fits_is_taken_and_recorded() {
    let (shop, beta) = with_beta(
        "    - {name: trial, header: {name: x-beta, value: \"1\"}, methods: [GET], upstream: beta}\n    \
         - {name: writes, operations: [createOrder], upstream: beta, rewrite: {replace_prefix: {from: /v1, to: /w}}}",
    );
    let token = shop.issuer.token("ann");
    let bearer = format!("Authorization: Bearer {token}");
    let order = r#"{"customer":"a@example.com","lines":[{"sku":"ABC-0001","amount":2}]}"#;
    let trial = request("GET", ORDERS, &[&bearer, "X-Beta: 1"]);
    for (case, bytes, to_beta, route, path) in [
        ("plain", get(ORDERS, &token), false, r#"{"route":null,"upstream":"orders"}"#, ORDERS),
        ("trial", trial.clone(), true, r#"{"route":"trial","upstream":"beta"}"#, ORDERS),
        (
            "another value",
            trial.replace("X-Beta: 1", "X-Beta: 11"),
            false,
            r#"{"route":null,"upstream":"orders"}"#,
            ORDERS,
        ),
        (
            "writes",
            post(ORDERS, &token, order),
            true,
            r#"{"route":"writes","upstream":"beta"}"#,
            "/w/tenants/acme/orders",
        ),
    ] {
        let answer = shop.send(bytes).remove(0);
        assert_eq!(answer.status, 200, "{case}: {answer:?}");
        let (mine, theirs) = (shop.upstream.take(), beta.take());
        assert_eq!(
            (mine.len(), theirs.len()),
            (usize::from(!to_beta), usize::from(to_beta)),
            "{case}"
        );
        let seen = if to_beta { &theirs[0] } else { &mine[0] };
        assert_eq!(path_of(&seen.head), path, "{case}");
        let record = shop.gateway.outcome(&answer.id());
        let fact = record.facts.iter().find(|fact| fact.name == "route").unwrap();
        assert_eq!(fact.value, FactValue::Clear(route.to_owned()), "{case}");
    }
    let twice = request("GET", ORDERS, &[&bearer, "X-Beta: 1", "X-Beta: 2"]);
    shop.refuses("a header that says two things", twice, "receive.invalid_header");
    assert!(beta.take().is_empty());
    let said = replayed(&shop);
    assert!(said.ends_with("5 the same, 0 differ, 0 cannot be recomputed"), "{said}");
    let file = std::fs::read_dir(shop.folder().join("state/records")).unwrap().next().unwrap();
    let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
    let altered = shop.folder().join("altered.jsonl");
    let (from, to) = ("\\\"upstream\\\":\\\"beta\\\"", "\\\"upstream\\\":\\\"orders\\\"");
    assert!(text.contains(from));
    std::fs::write(&altered, text.replace(from, to)).unwrap();
    assert!(shop.verb(&["replay", altered.to_str().unwrap()]).contains("differs"));
}

#[test]
fn c08_what_could_reach_another_operation_is_no_declaration() {
    let shop = Shop::open(GATEWAY, &[]);
    let file = shop.folder().join("portcullis.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    let with = |lines: &str| good.replacen(OWNER, &format!("{OWNER}\n    {lines}"), 1);
    let route = |text: &str| with(&format!("routes: [{text}]"));
    // one upstream serves both: `PUT /stock/v1/items/{sku}` and what orders become
    let stock = |lines: &str| {
        let one = good.replacen("upstream: stock", "upstream: orders", 1);
        let unused = one.find("  stock: {address").unwrap();
        let (front, rest) = one.split_at(unused);
        let rest = rest.split_once('\n').unwrap().1;
        format!("{front}{rest}").replacen(OWNER, &format!("{OWNER}\n    {lines}"), 1)
    };
    for (text, code) in [
        (with("rewrite: {strip_prefix: /v2}"), "PC0153"),
        (with("rewrite: {strip_prefix: /v}"), "PC0153"),
        (with("rewrite: {strip_prefix: /v1/}"), "PC0153"),
        (with("rewrite: {strip_prefix: /v1/tenants}"), "PC0153"),
        (with("rewrite: {strip_prefix: \"/v1/../x\"}"), "PC0153"),
        (with("rewrite: {strip_prefix: \"/v%31\"}"), "PC0153"),
        (with("rewrite: {replace_prefix: {from: /v1, to: /v1}}"), "PC0153"),
        (with("rewrite: {replace_prefix: {from: /v1, to: \"\"}}"), "PC0153"),
        (route("{name: all, upstream: orders}"), "PC0152"),
        (route("{name: a, operations: [nothing], upstream: orders}"), "PC0152"),
        (route("{name: a, operations: [listOrders], methods: [POST], upstream: orders}"), "PC0152"),
        (
            route(
                "{name: a, methods: [GET], upstream: orders}, {name: b, operations: [listOrders], upstream: orders}",
            ),
            "PC0152",
        ),
        (route("{name: a, methods: [FETCH], upstream: orders}"), "PC0107"),
        (route("{name: a, methods: [GET], upstream: nowhere}"), "PC0110"),
        (route("{name: a, header: {name: authorization, value: x}, upstream: orders}"), "PC0151"),
        (route("{name: a, header: {name: x-tenant, value: x}, upstream: orders}"), "PC0151"),
        (route("{name: a, header: {name: cookie, value: x}, upstream: orders}"), "PC0151"),
        (
            stock(
                "routes: [{name: a, operations: [listProducts], upstream: orders, rewrite: {replace_prefix: {from: /v1/products, to: /stock/v1/items/ABC-0001}}}]",
            ),
            "PC0154",
        ),
        (
            route(
                "{name: a, operations: [listProducts], upstream: orders, rewrite: {replace_prefix: {from: /v1/products, to: /v1/tenants/acme/orders}}}",
            ),
            "PC0154",
        ),
    ] {
        std::fs::write(&file, &text).unwrap();
        let said = shop.verb(&["--format", "json", "check"]);
        assert!(said.contains(code), "{code}: {said}\n{text}");
    }
    for text in [
        stock("rewrite: {strip_prefix: /v1}"),
        with("rewrite: {replace_prefix: {from: /v1, to: /v2}}"),
    ] {
        std::fs::write(&file, &text).unwrap();
        let said = shop.verb(&["--format", "json", "check"]);
        assert!(!said.contains("\"error\""), "{said}\n{text}");
    }
}
