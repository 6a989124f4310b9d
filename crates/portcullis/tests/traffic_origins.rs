//! Pages of other origins: preflights are answered here and recorded, origins are named only where they
//! are listed, and no credential is needed or looked at. Over real sockets.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use portcullis_model::Decision;
use portcullis_testkit::Shop;
use portcullis_testkit::raw::Answer;
use portcullis_testkit::shop::{get, request};
use portcullis_testkit::upstream::Behaviour;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const OWNER: &str = "    owner: team-orders";
const APP: &str = "https://app.shop.example";

fn shop(cors: &str) -> Shop {
    Shop::open(GATEWAY, &[(OWNER, &format!("{OWNER}\n    cors: {{{cors}}}"))])
}

fn usual() -> Shop {
    shop(
        "origins: [\"https://app.shop.example\", \"https://*.partners.example\"], headers: \
         [authorization, content-type], expose: [ratelimit], credentials: true, max_age: 5m",
    )
}

fn preflight(origin: &str, method: &str, headers: &str) -> String {
    let origin = format!("Origin: {origin}");
    let method = format!("Access-Control-Request-Method: {method}");
    let headers = format!("Access-Control-Request-Headers: {headers}");
    request("OPTIONS", ORDERS, &[&origin, &method, &headers])
}

fn values<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    answer
        .headers
        .iter()
        .filter(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
        .collect()
}

fn replayed(shop: &Shop) -> String {
    let file = std::fs::read_dir(shop.folder().join("state/records")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).next().unwrap();
    shop.verb(&["replay", file.to_str().unwrap()])
}

#[test]
fn a_preflight_is_answered_here_and_recorded() {
    let shop = usual();
    for (origin, asked) in [
        (APP, "authorization,content-type"),
        ("https://a.b.partners.example", "Content-Type"),
        (APP, ""),
    ] {
        let answer = shop.send(preflight(origin, "POST", asked)).remove(0);
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{answer:?}");
        let said = |name| answer.header(name).unwrap_or_default();
        assert_eq!(said("access-control-allow-origin"), origin);
        assert_eq!(said("access-control-allow-credentials"), "true");
        assert_eq!(said("access-control-allow-methods"), "GET, POST");
        assert_eq!(said("access-control-allow-headers"), "authorization, content-type");
        assert_eq!(said("access-control-max-age"), "300");
        assert!(values(&answer, "vary").contains(&"origin"), "{answer:?}");
        let record = shop.gateway.outcome(&answer.id());
        assert_eq!((record.decision, record.reason), (Decision::Allow, None));
        assert_eq!(record.stage, portcullis_model::Stage::Receive);
        assert_eq!(record.outcome.unwrap().status, 204);
        assert_eq!(record.crossing.operation.unwrap().as_str(), "createOrder");
    }
    assert!(shop.upstream.take().is_empty(), "a preflight was forwarded");
    assert!(replayed(&shop).ends_with("3 the same, 0 differ, 0 cannot be recomputed"));
}

#[test]
fn a_preflight_for_what_is_not_listed_is_refused() {
    let shop = usual();
    let origin = "receive.cross_origin_refused";
    let unlisted = "receive.unlisted_operation";
    let cases = [
        ("null", preflight("null", "GET", ""), origin),
        ("another origin", preflight("https://evil.example", "GET", ""), origin),
        ("a prefix", preflight("https://app.shop.example.evil.example", "GET", ""), origin),
        ("another scheme", preflight("http://app.shop.example", "GET", ""), origin),
        ("the domain itself", preflight("https://partners.example", "GET", ""), origin),
        ("a header", preflight(APP, "GET", "x-user-id"), origin),
        ("any header", preflight(APP, "GET", "*"), origin),
        ("a method", preflight(APP, "DELETE", ""), unlisted),
        ("an unknown method", preflight(APP, "TRACE", ""), unlisted),
        ("a path", preflight(APP, "GET", "").replace("acme", "acme/x"), unlisted),
        ("no preflight", request("OPTIONS", ORDERS, &[&format!("Origin: {APP}")]), unlisted),
    ];
    let count = cases.len();
    for (case, bytes, code) in cases {
        let answer = shop.refuses(case, bytes, code);
        let told = answer.header("access-control-allow-methods");
        assert_eq!(told, None, "{case}");
    }
    let said = replayed(&shop);
    assert!(
        said.ends_with(&format!("{count} the same, 0 differ, 0 cannot be recomputed")),
        "{said}"
    );
    // an API without the section answers none
    let shop = Shop::open(GATEWAY, &[]);
    shop.refuses("not declared", preflight(APP, "GET", ""), unlisted);
}

#[test]
fn an_answer_names_the_origin_only_where_it_is_listed() {
    let shop = usual();
    let body = "HTTP/1.1 200 OK\r\naccess-control-allow-origin: https://evil.example\r\n\
                access-control-allow-credentials: true\r\ncontent-length: 2\r\n\r\n{}";
    shop.upstream.behave(Behaviour::Bytes(body.to_owned()));
    let with = |origin: &str| {
        let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
        shop.send(request("GET", ORDERS, &[&token, &format!("Origin: {origin}")])).remove(0)
    };
    let answer = with(APP);
    assert_eq!(values(&answer, "access-control-allow-origin"), [APP]);
    assert_eq!(answer.header("access-control-expose-headers"), Some("ratelimit"));
    for origin in ["https://evil.example", "null"] {
        let answer = with(origin);
        assert_eq!(answer.status, 200);
        assert!(values(&answer, "access-control-allow-origin").is_empty(), "{answer:?}");
        assert!(values(&answer, "access-control-allow-credentials").is_empty(), "{answer:?}");
        assert!(values(&answer, "vary").contains(&"origin"));
    }
    // a page may read why it was refused
    let lines = [format!("Origin: {APP}")];
    let refused = shop.send(request("GET", ORDERS, &[&lines[0]])).remove(0);
    assert_eq!(refused.status, 401);
    assert_eq!(values(&refused, "access-control-allow-origin"), [APP]);
}

#[test]
fn every_origin_is_told_so_and_never_by_its_name() {
    let shop = shop("origins: [\"*\"]");
    let answer = shop.send(preflight("https://anybody.example", "GET", "")).remove(0);
    assert_eq!(values(&answer, "access-control-allow-origin"), ["*"]);
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    shop.refuses("null", preflight("null", "GET", ""), "receive.cross_origin_refused");
    // without the section, what the upstream says of origins does not count either
    let shop = Shop::open(GATEWAY, &[]);
    let body = "HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\ncontent-length: 2\r\n\r\n{}";
    shop.upstream.behave(Behaviour::Bytes(body.to_owned()));
    let answer = shop.send(get(ORDERS, &shop.issuer.token("ann"))).remove(0);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}
