//! Cases E15, 62 and 66: an issuer that answers wrongly, slowly, or not at all about opaque tokens, and
//! what that costs in calls.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::Write;
use std::time::{Duration, Instant};

use portcullis_testkit::issuer::now;
use portcullis_testkit::raw::{connect, exchange, read_one};
use portcullis_testkit::shop::{document, get};
use portcullis_testkit::{Behaviour, Shop, Upstream};
use serde_json::{Value, json};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const UNAVAILABLE: &str = "identify.introspection_unavailable";
const INVALID: &str = "identify.introspection_invalid";

/// The shop with an issuer of opaque tokens, and that issuer.
fn open(more: &str) -> (Shop, Upstream) {
    let issuer = Upstream::start();
    let declared = format!(
        "  opaque-idp:\n    introspection:\n      issuer: https://opaque.example\n      endpoint: \
         http://{}/introspect\n      audiences: [https://api.shop.example]\n      client: {{id: portcullis, \
         auth: {{secret: {{file: client.key}}}}}}\n      claims: {{tenant: tenant, scopes: scope}}\n{more}  partner-keys:\n",
        issuer.address
    );
    let shop = Shop::open_with(
        GATEWAY,
        &[
            ("  partner-keys:\n", declared.as_str()),
            ("providers: [shop-idp]", "providers: [shop-idp, opaque-idp]"),
            (
                "policies: policies",
                "guards: {failure_rate: 100000, address_rate: 100000}\npolicies: policies",
            ),
            (
                "rate: {amount: 60, window: 1m, burst: 20}",
                "rate: {amount: 10000, window: 1s, burst: 10000}",
            ),
        ],
        &[("client.key", "a secret with: signs & such")],
    );
    issuer.behave(document(&good().to_string()));
    (shop, issuer)
}

/// An answer about a token that is good.
fn good() -> Value {
    json!({"active": true, "iss": "https://opaque.example", "aud": "https://api.shop.example",
        "sub": "ann", "exp": now() + 600, "tenant": "acme", "scope": "orders:read"})
}

#[test]
fn t66_answers_that_do_not_hold() {
    let (shop, issuer) = open("");
    let seen = shop.crosses("good", get(ORDERS, "good"));
    assert_eq!(seen.values("x-portcullis-principal"), ["opaque-idp|ann"]);
    let question = issuer.take().remove(0);
    assert_eq!(question.body, b"token=good&token_type_hint=access_token");
    assert_eq!(
        question.values("authorization"),
        ["Basic cG9ydGN1bGxpczphJTIwc2VjcmV0JTIwd2l0aCUzQSUyMHNpZ25zJTIwJTI2JTIwc3VjaA=="]
    );
    for (number, (name, value, code)) in [
        ("active", json!(false), "identify.token_inactive"),
        ("active", json!("true"), INVALID),
        ("active", json!(1), INVALID),
        ("active", Value::Null, INVALID),
        ("exp", Value::Null, "identify.claim_invalid"),
        ("exp", json!("2000000000"), "identify.claim_invalid"),
        ("exp", json!(now() - 60), "identify.token_expired"),
        ("nbf", json!(now() + 600), "identify.token_not_yet_valid"),
        ("aud", Value::Null, "identify.audience_refused"),
        ("aud", json!(["https://other.example"]), "identify.audience_refused"),
        ("iss", json!("https://opaque.example/"), "identify.issuer_refused"),
        ("iss", Value::Null, "identify.issuer_refused"),
        ("sub", json!(""), "identify.claim_invalid"),
        ("tenant", json!("globex"), "authorize.tenant_mismatch"),
        ("cnf", json!({"unheard-of": "x"}), "identify.credential_not_accepted"),
        ("cnf", json!({"x5t#S256": "A".repeat(43)}), "identify.sender_unproven"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut answer = good();
        let case = format!("{name} {value}");
        if value.is_null() {
            answer.as_object_mut().unwrap().remove(name);
        } else {
            answer[name] = value;
        }
        issuer.behave(document(&answer.to_string()));
        shop.refuses(&case, get(ORDERS, &format!("token-{number}")), code);
        assert_eq!(issuer.take().len(), 1, "{case}");
    }
}

#[test]
fn t66_what_is_no_answer_identifies_nobody() {
    let (shop, issuer) = open("      deadline: 500ms\n");
    let with = |kind: &str, body: &str| {
        Behaviour::BytesThenClose(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    let elsewhere = Upstream::start();
    let moved = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        elsewhere.address
    );
    let text = good().to_string();
    let refused = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    for (number, (behaviour, code)) in [
        (with("application/token-introspection+jwt", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"), INVALID),
        (with("text/html", &text), INVALID),
        (
            with(
                "application/json",
                &text.replace("\"active\":true", "\"active\":false,\"active\":true"),
            ),
            INVALID,
        ),
        (with("application/json", "[]"), INVALID),
        (with("application/json", &format!("{text}{}", " ".repeat(20_000))), UNAVAILABLE),
        (Behaviour::BytesThenClose(moved), UNAVAILABLE),
        (Behaviour::BytesThenClose(refused.to_owned()), UNAVAILABLE),
        (
            Behaviour::BytesThenClose("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned()),
            UNAVAILABLE,
        ),
        (Behaviour::Close, UNAVAILABLE),
        (Behaviour::Silent, UNAVAILABLE),
        (Behaviour::Half, UNAVAILABLE),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.behave(behaviour.clone());
        let begun = Instant::now();
        let answer =
            shop.refuses(&format!("{behaviour:?}"), get(ORDERS, &format!("t{number}")), code);
        assert_eq!((answer.status, answer.header("www-authenticate")), (503, None));
        assert!(begun.elapsed() < Duration::from_secs(3), "{behaviour:?}");
    }
    assert_eq!(elsewhere.connections(), 0, "a redirect was followed with a token");
    // nothing of it was kept
    issuer.behave(document(&text));
    shop.crosses("the issuer is back", get(ORDERS, "t9"));
}

#[test]
fn e15_an_answer_outlives_neither_its_token_nor_its_time() {
    let (shop, issuer) = open("      fresh_for: 10m\n      clock_skew: 0s\n");
    let mut answer = good();
    answer["exp"] = json!(now() + 2);
    issuer.behave(document(&answer.to_string()));
    shop.crosses("good", get(ORDERS, "short"));
    std::thread::sleep(Duration::from_millis(2100));
    shop.refuses("kept, and over", get(ORDERS, "short"), "identify.token_expired");
    // another token, another question; the same under another declaration as well
    let _before = issuer.take();
    issuer.behave(document(&good().to_string()));
    shop.crosses("one", get(ORDERS, "one"));
    shop.crosses("two", get(ORDERS, "two"));
    shop.crosses("one again", get(ORDERS, "one"));
    assert_eq!(issuer.take().len(), 2);
    let (mut shop, issuer) = (shop, issuer);
    shop.rewrite("portcullis.yaml", "burst: 5}", "burst: 6}");
    let (taken, said) = shop.gateway.reload();
    assert!(taken, "{said}");
    shop.crosses("one, after a reload", get(ORDERS, "one"));
    assert_eq!(issuer.take().len(), 1);
}

#[test]
fn t62_requests_with_one_token_ask_once_and_all_of_them_boundedly() {
    let (shop, issuer) = open("      deadline: 3s\n      concurrent: 4\n");
    let answer = document(&good().to_string());
    let Behaviour::BytesThenClose(text) = answer else { panic!() };
    issuer.behave(Behaviour::SlowBytes(Duration::from_millis(700), text));
    let together = |tokens: Vec<String>| -> Vec<u16> {
        let address = shop.gateway.address("web");
        std::thread::scope(|scope| {
            let threads: Vec<_> = tokens
                .into_iter()
                .map(|token| {
                    scope.spawn(move || {
                        let mut stream = connect(address);
                        stream.write_all(get(ORDERS, &token).as_bytes()).unwrap();
                        read_one(&mut stream).unwrap().status
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    };
    assert_eq!(together(vec!["same".to_owned(); 12]), [200; 12]);
    assert_eq!(issuer.take().len(), 1, "one token was asked about more than once");
    let statuses = together((0..12).map(|number| format!("other-{number}")).collect());
    let good = statuses.iter().filter(|status| **status == 200).count();
    assert!(good >= 4 && statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(issuer.most_at_once() <= 4);
}

#[test]
fn tokens_go_to_their_own_issuer_only() {
    let (shop, issuer) = open("");
    let code = "identify.issuer_refused";
    let foreign = shop.issuer.draft("ann").claim("iss", json!("https://unknown.example"));
    shop.refuses("signed, unknown issuer", get(ORDERS, &shop.issuer.sign(&foreign)), code);
    shop.refuses("form of a signed one", get(ORDERS, "a.b.c"), "identify.credential_malformed");
    shop.refuses(
        "longer than any",
        get(ORDERS, &"a".repeat(5000)),
        "identify.credential_malformed",
    );
    let partner = get("/stock/v1/items/ABC-0001", "opaque").replace("api.shop", "stock.shop");
    let answer = exchange(shop.gateway.address("partner"), partner.as_bytes()).remove(0);
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(issuer.take().is_empty(), "the issuer was shown a token that is not its own");
}

#[test]
fn one_boundary_asks_one_issuer() {
    let one = |name: &str| {
        format!(
            "  {name}:\n    introspection:\n      issuer: https://{name}.example\n      endpoint: \
             https://{name}.example/introspect\n      audiences: [x]\n      client: {{id: p, auth: {{secret: \
             {{env: X}}}}}}\n"
        )
    };
    let shop = Shop::open(GATEWAY, &[]);
    shop.rewrite(
        "portcullis.yaml",
        "  partner-keys:\n",
        &format!("{}{}  partner-keys:\n", one("a"), one("b")),
    );
    shop.rewrite("portcullis.yaml", "providers: [shop-idp]", "providers: [shop-idp, a, b]");
    let said = shop.verb(&["check"]);
    assert!(said.contains("PC0124"), "{said}");
}
