//! An API that is to be left, has ended or is being maintained; and addresses that may not come. Over
//! real sockets: the answer, what the upstream saw, and the record.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use portcullis_testkit::Shop;
use portcullis_testkit::shop::{get, request};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const OWNER: &str = "    owner: team-orders";

fn with_life(lines: &str) -> Shop {
    Shop::open(GATEWAY, &[(OWNER, &format!("{OWNER}\n{lines}"))])
}

fn replayed(shop: &Shop) -> String {
    let file = std::fs::read_dir(shop.folder().join("state/records")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).next().unwrap();
    shop.verb(&["replay", file.to_str().unwrap()])
}

#[test]
fn a_deprecated_api_says_so_in_every_answer() {
    let shop = with_life(
        "    lifecycle: deprecated\n    deprecated_since: 2025-01-01\n    sunset: 2099-12-31\n    \
         link: https://shop.example/v2",
    );
    let token = shop.issuer.token("ann");
    for bytes in [get(ORDERS, &token), get(ORDERS, "wrong")] {
        let answer = shop.send(bytes).remove(0);
        assert_eq!(answer.header("deprecation"), Some("@1735689600"), "{answer:?}");
        assert_eq!(answer.header("sunset"), Some("Thu, 31 Dec 2099 00:00:00 GMT"));
        let link = "<https://shop.example/v2>; rel=\"deprecation\"";
        assert_eq!(answer.header("link"), Some(link));
    }
    let other = shop.send(request("GET", "/nowhere", &[])).remove(0);
    assert_eq!(other.header("deprecation"), None);
}

#[test]
fn an_api_past_its_sunset_or_retired_is_gone() {
    for lines in [
        "    lifecycle: deprecated\n    deprecated_since: 2020-01-01\n    sunset: 2021-01-01",
        "    lifecycle: retired\n    link: https://shop.example/v2",
    ] {
        let shop = with_life(lines);
        let bytes = get(ORDERS, &shop.issuer.token("ann"));
        let answer = shop.refuses(lines, bytes, "receive.retired");
        assert_eq!(answer.status, 410);
        assert!(answer.header("sunset").is_some() || answer.header("link").is_some());
        // the other API is none the wiser
        let stock = request("GET", "/stock/v1/items/ABC-0001", &[]);
        let stock = stock.replace("api.shop", "stock.shop");
        shop.refuses("stock", stock, "identify.credential_missing");
        assert!(replayed(&shop).ends_with("2 the same, 0 differ, 0 cannot be recomputed"));
    }
}

#[test]
fn maintenance_is_answered_with_the_time_to_wait() {
    let shop = with_life("    maintenance: {retry_after: 90s, message: \"back at noon\"}");
    let bytes = get(ORDERS, &shop.issuer.token("ann"));
    let answer = shop.refuses("maintained", bytes, "receive.maintenance");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("90")));
    assert!(answer.body.contains("\"detail\":\"back at noon\""), "{}", answer.body);
    let over = with_life("    maintenance: {until: 2021-01-01}");
    over.crosses("it is over", get(ORDERS, &over.issuer.token("ann")));
}

#[test]
fn addresses_are_judged_at_the_listener_and_at_the_boundary() {
    let listener = ("zone: public}", "zone: public, addresses: {deny: [127.0.0.0/8]}}");
    let boundary = (
        "    limits: [per-caller, at-once]",
        "    limits: [per-caller, at-once]\n    addresses: {allow: [192.0.2.0/24]}",
    );
    for change in [listener, boundary] {
        let shop = Shop::open(GATEWAY, &[change]);
        let bytes = get(ORDERS, &shop.issuer.token("ann"));
        let answer = shop.refuses("loopback", bytes, "receive.address_refused");
        assert_eq!(answer.status, 403);
        assert!(replayed(&shop).ends_with("1 the same, 0 differ, 0 cannot be recomputed"));
    }
    // the address is the one that a proxy of ours names, never the left-most
    let behind = ("zone: public}", "zone: public, trusted_hops: 1, trusted_peers: [127.0.0.1]}");
    let shop = Shop::open(GATEWAY, &[behind, boundary]);
    let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
    let from = |lines: &[&str]| request("GET", ORDERS, &[&[token.as_str()], lines].concat());
    shop.crosses("listed", from(&["X-Forwarded-For: 198.51.100.1, 192.0.2.9"]));
    let bytes = from(&["X-Forwarded-For: 192.0.2.9", "X-Forwarded-For: 198.51.100.1"]);
    shop.refuses("spoofed", bytes, "receive.address_refused");
}
