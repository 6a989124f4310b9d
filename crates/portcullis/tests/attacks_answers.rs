//! Case A16 in depth: what upstreams send back is read as strictly as what clients send, and one
//! upstream's misbehaviour never reaches another request.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::Write;
use std::time::Duration;

use portcullis_testkit::raw::{connect, read_to_end};
use portcullis_testkit::shop::request;
use portcullis_testkit::{Behaviour, Shop};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const MORE: (&str, &str) =
    ("rate: {amount: 60, window: 1m, burst: 20}", "rate: {amount: 999, window: 1m, burst: 999}");

fn products() -> String {
    request("GET", "/v1/products", &[])
}

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

/// A good request afterwards is answered well, over a connection of its own; which is closed, so
/// that whichever worker comes next has none that waits.
fn dropped(shop: &Shop, case: &str) {
    shop.upstream.behave(Behaviour::BytesThenClose(GOOD.to_owned()));
    let before = shop.upstream.connections();
    let answer = shop.send(products()).remove(0);
    assert_eq!((answer.status, answer.body.as_str()), (200, "good"), "{case}");
    assert_eq!(shop.upstream.connections(), before + 1, "{case}: used again");
}

#[test]
fn a16_heads_that_can_be_read_in_two_ways() {
    let shop = Shop::open(GATEWAY, &[MORE]);
    let heads = [
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        "HTTP/1.1 200 OK\r\nX: 1\nContent-Length: 2\r\n\r\nok",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 999 x\r\nContent-Length: 2\r\n\r\nok",
    ];
    let long =
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 2\r\n\r\nok", "x".repeat(70_000));
    let storm = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2000);
    for head in heads.into_iter().chain([long.as_str(), storm.as_str()]) {
        let case = head.get(..80).unwrap_or(head);
        shop.upstream.behave(Behaviour::Bytes(head.to_owned()));
        let answer = shop.send(products()).remove(0);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (502, "forward.upstream_invalid"),
            "{case}"
        );
        let record = shop.gateway.outcome(&answer.id());
        assert_eq!(record.reason.unwrap().code(), "forward.upstream_invalid", "{case}");
        let seen = shop.upstream.take();
        assert_eq!(seen.len(), 1, "{case}: what was answered badly was asked again: {seen:?}");
        dropped(&shop, case);
        let _good = shop.upstream.take();
    }
}

#[test]
fn a16_a_chunk_that_can_be_read_in_two_ways_cuts_the_answer() {
    let shop = Shop::open(GATEWAY, &[MORE]);
    for chunk in ["2;a=b\r\nok", "2 \r\nok", "0x2\r\nok", "2\r\nokHTTP/1.1"] {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n>\r\n";
        shop.upstream.behave(Behaviour::Bytes(format!("{head}{chunk}")));
        let answer = shop.send(products()).remove(0);
        let reason = shop.gateway.outcome(&answer.id()).reason.unwrap();
        let known = ["forward.upstream_invalid", "reply.interrupted"];
        assert!(known.contains(&reason.code()), "{chunk}: {reason}");
        dropped(&shop, chunk);
    }
}

#[test]
fn a16_nobody_is_given_an_answer_that_was_not_asked_for() {
    let shop = Shop::open(GATEWAY, &[MORE]);
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\
               HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
    for _ in 0..10 {
        shop.upstream.behave(Behaviour::Bytes(two.to_owned()));
        assert_eq!(shop.send(products())[0].body, "ok");
        dropped(&shop, "two answers to one request");
    }
    let tail = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\
                Set-Cookie: a=b\r\nX-User-Id: root\r\n\r\n";
    shop.upstream.behave(Behaviour::Bytes(tail.to_owned()));
    let asking = request("GET", "/v1/products", &["TE: trailers", "Connection: TE"]);
    let raw = format!("{:?}", shop.send(asking));
    assert!(raw.contains("\"ok\"") && !raw.to_lowercase().contains("set-cookie"), "{raw}");
}

#[test]
fn a_request_that_kills_its_connection_is_sent_again_once_and_no_more() {
    let shop = Shop::open(GATEWAY, &[MORE]);
    shop.upstream.behave(Behaviour::Slow(Duration::from_millis(500)));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(shop.send(products())[0].status, 200));
        }
    });
    let _warm = shop.upstream.take();
    shop.upstream.behave(Behaviour::Close);
    let answer = shop.send(products()).remove(0);
    assert_eq!(answer.code(), "forward.upstream_unreachable");
    let seen = shop.upstream.take();
    assert!(seen.len() <= 2, "sent {} times", seen.len());
}

/// The shop with an operation that answers `HEAD`.
fn heads() -> Shop {
    let contract = include_str!("../../../examples/shop/contracts/orders.yaml");
    let more = "
  /heads:
    head: {operationId: head, security: [], x-portcullis: {public: test}, responses: {\"200\": {description: x}}}
";
    let contract = format!("{contract}{more}");
    let policy = "permit (principal, action == Orders::Action::\"head\", resource);";
    let files = [("contracts/orders.yaml", contract.as_str()), ("policies/more.cedar", policy)];
    Shop::open_with(GATEWAY, &[MORE], &files)
}

#[test]
fn a16_a_body_where_none_may_be_never_reaches_the_next_answer() {
    let shop = heads();
    let cases = [
        ("HEAD", "/v1/heads", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"),
        (
            "HEAD",
            "/v1/heads",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nEVIL\r\n0\r\n\r\n",
        ),
        ("GET", "/v1/products", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nEVIL"),
        ("GET", "/v1/products", "HTTP/1.1 204 No Content\r\n\r\nEVIL"),
    ];
    for (method, target, bytes) in cases {
        shop.upstream.behave(Behaviour::Bytes(bytes.to_owned()));
        let mut stream = connect(shop.gateway.address("web"));
        stream.write_all(request(method, target, &[]).as_bytes()).unwrap();
        let first = shop
            .gateway
            .wait_for(|records| records.iter().rfind(|one| one.outcome.is_some()).cloned());
        assert!(first.is_some());
        std::thread::sleep(Duration::from_millis(100));
        shop.upstream.behave(Behaviour::BytesThenClose(GOOD.to_owned()));
        let last = request("GET", "/v1/products", &["Connection: close"]);
        stream.write_all(last.as_bytes()).unwrap();
        let text = String::from_utf8(read_to_end(&mut stream)).unwrap();
        assert_eq!(text.matches("HTTP/1.1 ").count(), 2, "{bytes}: {text}");
        assert!(text.ends_with("\r\n\r\ngood") && !text.contains("EVIL"), "{bytes}: {text}");
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_lowercase().contains("transfer-encoding") || method == "HEAD", "{head}");
    }
}
