//! Cases A1–A14 and B7, over a real socket against the running gateway: what cannot be read in one
//! way is refused, the connection is closed, and the upstream never hears of it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::Write;
use std::time::{Duration, Instant};

use portcullis_testkit::raw::{answers, connect, exchange, read_one, read_to_end};
use portcullis_testkit::shop::{get, post, request};
use portcullis_testkit::{Behaviour, Shop};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const ORDER: &str = r#"{"customer":"a@example.com","lines":[{"sku":"ABC-0001","amount":2}]}"#;

/// A POST whose framing is given, by a caller of its own.
fn framed(shop: &Shop, lines: &[&str], body: &str) -> String {
    let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
    let mut all = vec![token.as_str(), "Content-Type: application/json"];
    all.extend(lines);
    request("POST", ORDERS, &all) + body
}

/// Refused as malformed, and nothing behind it is ever read: a second request gets no answer.
fn malformed(shop: &Shop, case: &str, lines: &[&str], body: &str) {
    let follow_up = request("GET", "/v1/products", &[]);
    let bytes = framed(shop, lines, body) + &follow_up;
    let answer = shop.refuses(case, bytes, "receive.malformed_framing");
    assert_eq!(answer.status, 400, "{case}");
    assert_eq!(answer.header("connection"), Some("close"), "{case}");
}

#[test]
fn a01_length_and_transfer_coding_together() {
    let shop = Shop::open(GATEWAY, &[]);
    let smuggled = "0\r\n\r\nGET /admin HTTP/1.1\r\nHost: api.shop.example\r\n\r\n";
    malformed(&shop, "CL.TE", &["Content-Length: 4", "Transfer-Encoding: chunked"], smuggled);
    malformed(&shop, "TE.CL", &["Transfer-Encoding: chunked", "Content-Length: 4"], smuggled);
}

#[test]
fn a02_transfer_codings_that_somebody_might_read_differently() {
    let shop = Shop::open(GATEWAY, &[]);
    for coding in
        ["chunked, chunked", ",chunked", "chunked,", "identity", "gzip, chunked", "xchunked"]
    {
        let line = format!("Transfer-Encoding: {coding}");
        let bytes = framed(&shop, &[&line], "0\r\n\r\n");
        let answers = shop.send(&bytes);
        assert_eq!(answers.len(), 1, "{coding}");
        assert!(matches!(answers[0].status, 400 | 501), "{coding}: {answers:?}");
        assert!(answers[0].code().starts_with("receive."), "{coding}: {answers:?}");
    }
    let twice = ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"];
    malformed(&shop, "twice", &twice, "0\r\n\r\n");
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn a03_transfer_coding_on_http_1_0() {
    let shop = Shop::open(GATEWAY, &[]);
    let bytes =
        framed(&shop, &["Transfer-Encoding: chunked"], "0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0");
    shop.refuses("1.0", bytes, "receive.malformed_framing");
}

#[test]
fn a04_lengths_that_are_not_one_number() {
    let shop = Shop::open(GATEWAY, &[]);
    for length in ["+4", "4_0", "0x4", "", "-4", "18446744073709551616", "4, 4", "4 4"] {
        malformed(&shop, length, &[&format!("Content-Length: {length}")], "aaaa");
    }
    malformed(&shop, "equal", &["Content-Length: 4", "Content-Length: 4"], "aaaa");
    malformed(&shop, "different", &["Content-Length: 4", "Content-Length: 5"], "aaaaa");
}

#[test]
fn a05_a06_chunks_that_are_not_chunks() {
    let shop = Shop::open(GATEWAY, &[]);
    let bodies = [
        "0x1\r\na\r\n0\r\n\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "1_0\r\na\r\n0\r\n\r\n",
        " 1\r\na\r\n0\r\n\r\n",
        "\r\na\r\n0\r\n\r\n",
        "11111111111111111\r\na\r\n0\r\n\r\n",
        "fffffffffffffffe\r\na\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1;\rx\r\na\r\n0\r\n\r\n",
        "1;\nx\r\na\r\n0\r\n\r\n",
        "1\r\naX\r\n0\r\n\r\n",
    ];
    for body in bodies {
        let bytes = framed(&shop, &["Transfer-Encoding: chunked"], body);
        let answer = shop.refuses(body, bytes, "receive.malformed_framing");
        assert_eq!(answer.header("connection"), Some("close"), "{body}");
    }
    let good = framed(
        &shop,
        &["Transfer-Encoding: chunked"],
        &format!("{:x}\r\n{ORDER}\r\n0\r\n\r\n", ORDER.len()),
    );
    let seen = shop.crosses("a good one", good);
    assert_eq!(seen.body, ORDER.as_bytes());
    assert_eq!(seen.values("content-length"), [ORDER.len().to_string()]);
    assert!(seen.values("transfer-encoding").is_empty());
}

#[test]
fn a07_header_lines_that_are_not_header_lines() {
    let shop = Shop::open(GATEWAY, &[]);
    let lines = [
        "X-A: a\0b",
        "X-A: a\rb",
        "X-A: a\nb",
        "X-A : a",
        "X-A",
        ": a",
        "X A: a",
        " X-A: a",
        "X-A: a\r\n folded",
        "X\u{e4}: a",
        "X-A: \u{1}",
    ];
    for line in lines {
        let answers = shop.send(request("GET", "/v1/products", &[line]));
        assert_eq!(answers.len(), 1, "{line:?}");
        assert_eq!(answers[0].status, 400, "{line:?}: {answers:?}");
        let record = shop.gateway.outcome(&answers[0].id());
        assert!(record.reason.unwrap().code().starts_with("receive."), "{line:?}");
    }
    let bare = request("GET", "/v1/products", &[]).replace("\r\n", "\n");
    shop.refuses("bare line feeds", bare, "receive.malformed_framing");
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn a08_an_upgrade_changes_nothing() {
    let shop = Shop::open(GATEWAY, &[]);
    let first = request("GET", "/v1/products", &["Connection: upgrade", "Upgrade: websocket"]);
    let second = request("GET", "/v1/products?search=x", &["Connection: close"]);
    let answers = shop.send(first + &second);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200]);
    let seen = shop.upstream.take();
    assert!(
        seen.iter()
            .all(|one| one.values("upgrade").is_empty() && one.values("connection").is_empty())
    );
}

#[test]
fn a09_a_refusal_before_the_body_closes_the_connection() {
    let shop = Shop::open(GATEWAY, &[]);
    let smuggled = request("GET", "/v1/products", &[]);
    let lines = [format!("Content-Length: {}", smuggled.len())];
    let bytes = request("POST", ORDERS, &[&lines[0], "Content-Type: application/json"]) + &smuggled;
    let answer = shop.refuses("no credential", bytes, "identify.credential_missing");
    assert_eq!(answer.header("connection"), Some("close"));
}

#[test]
fn a10_connect_never_crosses() {
    let shop = Shop::open(GATEWAY, &[]);
    let bytes = "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\nSSH-2.0-x\r\n";
    let answers = shop.send(bytes);
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].code().starts_with("receive."), "{answers:?}");
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn a11_a_body_that_is_not_expected_is_refused() {
    let shop = Shop::open(GATEWAY, &[]);
    for method in ["GET", "DELETE"] {
        let token = format!(
            "Authorization: Bearer {}",
            shop.issuer
                .sign(&shop.issuer.draft("ann").claim("roles", serde_json::json!(["manager"])))
        );
        let target = if method == "GET" { ORDERS } else { "/v1/tenants/acme/orders/o-1" };
        let bytes = request(method, target, &[&token, "Content-Length: 2"]) + "{}";
        shop.refuses(method, bytes, "inspect.body_unexpected");
    }
}

#[test]
fn a12_methods_and_versions_are_whole_words() {
    let shop = Shop::open(GATEWAY, &[]);
    let line = |line: &str| format!("{line}\r\nHost: api.shop.example\r\n\r\n");
    for first in [
        "GET /v1/products HTTP/1.32",
        "GET /v1/products HTTP/2.0",
        "GET /v1/products",
        "GET  /v1/products HTTP/1.1",
        "G=\":<> /v1/products HTTP/1.1",
        "get /v1/products HTTP/1.1",
        "TRACE /v1/products HTTP/1.1",
        "GET /v1/products http/1.1",
        "GET\t/v1/products HTTP/1.1",
    ] {
        let answers = shop.send(line(first));
        assert_eq!(answers.len(), 1, "{first}");
        assert!(matches!(answers[0].status, 400 | 404 | 501 | 505), "{first}: {answers:?}");
    }
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn a13_one_host_and_it_is_the_targets() {
    let shop = Shop::open(GATEWAY, &[]);
    let cases = [
        "GET http://evil.example/v1/products HTTP/1.1\r\nHost: api.shop.example\r\n\r\n",
        "GET /v1/products HTTP/1.1\r\nHost: api.shop.example\r\nHost: api.shop.example\r\n\r\n",
        "GET /v1/products HTTP/1.1\r\n\r\n",
        "GET /v1/products HTTP/1.1\r\nHost: a@api.shop.example\r\n\r\n",
        "GET /v1/products HTTP/1.1\r\nHost: api.shop.example:99999\r\n\r\n",
        "GET /v1/products HTTP/1.1\r\nHost: api.shop.example, evil.example\r\n\r\n",
    ];
    for case in cases {
        let answers = shop.send(case);
        assert_eq!(answers.len(), 1, "{case}");
        assert_eq!(answers[0].status, 400, "{case}: {answers:?}");
    }
    let seen = shop.crosses(
        "absolute form",
        "GET http://api.shop.example/v1/products HTTP/1.1\r\nHost: api.shop.example\r\n\r\n",
    );
    assert!(seen.head.starts_with("GET /v1/products HTTP/1.1\r\n"), "{}", seen.head);
}

#[test]
fn a14_one_decision_per_request_on_a_connection() {
    let shop = Shop::open(GATEWAY, &[]);
    let token = shop.issuer.token("ann");
    let three = get(ORDERS, &token) + &post(ORDERS, &token, "{}") + &get(ORDERS, &token);
    let statuses: Vec<u16> = shop.send(three).iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 400, 200]);
    assert_eq!(shop.upstream.take().len(), 2);
    // a body that is announced, asked for, and then sent
    let mut stream = connect(shop.gateway.address("web"));
    let whole =
        post(ORDERS, &token, ORDER).replacen("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1);
    let (head, body) = whole.split_at(whole.len() - ORDER.len());
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(shop.upstream.take().is_empty());
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(read_one(&mut stream).unwrap().status, 200);
    assert_eq!(shop.upstream.take()[0].body, ORDER.as_bytes());
}

#[test]
fn a16_an_answer_in_two_readings_is_not_passed_on() {
    let shop = Shop::open(GATEWAY, &[]);
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok";
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
    for bytes in [both, twice, switch, "garbage\r\n\r\n"] {
        shop.upstream.behave(Behaviour::Bytes(bytes.to_owned()));
        let answers = shop.send(request("GET", "/v1/products", &[]));
        assert_eq!(answers[0].status, 502, "{bytes}: {answers:?}");
        assert_eq!(answers[0].code(), "forward.upstream_invalid", "{bytes}");
    }
    shop.upstream.behave(Behaviour::Answer);
    let before = shop.upstream.connections();
    assert_eq!(shop.send(request("GET", "/v1/products", &[]))[0].status, 200);
    assert_eq!(shop.upstream.connections(), before + 1, "a suspect connection was used again");
}

#[test]
fn b07_slow_heads_bodies_and_idlers_are_ended() {
    let guards = "guards: {head_timeout: 300ms, body_timeout: 300ms, idle_timeout: 300ms}\npolicies: policies";
    let shop = Shop::open(GATEWAY, &[("policies: policies", guards)]);
    let address = shop.gateway.address("web");
    let begun = Instant::now();
    let mut slow = connect(address);
    slow.write_all(b"GET /v1/products HTTP/1.1\r\nHo").unwrap();
    let answer = answers(&read_to_end(&mut slow)).remove(0);
    assert_eq!((answer.status, answer.code().as_str()), (408, "receive.head_timeout"));
    let mut idle = connect(address);
    assert!(read_to_end(&mut idle).is_empty());
    let mut body = connect(address);
    let whole = post(ORDERS, &shop.issuer.token("ann"), ORDER);
    body.write_all(&whole.as_bytes()[..whole.len() - 5]).unwrap();
    let answer = answers(&read_to_end(&mut body)).remove(0);
    assert_eq!((answer.status, answer.code().as_str()), (408, "inspect.body_timeout"));
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn b07_connections_are_counted_per_address() {
    let guards = "guards: {connections_per_address_max: 3}\npolicies: policies";
    let shop = Shop::open(GATEWAY, &[("policies: policies", guards)]);
    let address = shop.gateway.address("web");
    let mut held: Vec<_> = (0..3).map(|_| connect(address)).collect();
    for stream in &mut held {
        stream.write_all(request("GET", "/v1/products", &[]).as_bytes()).unwrap();
        assert_eq!(read_one(stream).unwrap().status, 200);
    }
    assert!(exchange(address, request("GET", "/v1/products", &[]).as_bytes()).is_empty());
    drop(held);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(shop.send(request("GET", "/v1/products", &[]))[0].status, 200);
}
