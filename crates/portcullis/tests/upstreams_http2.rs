//! Does a request over HTTP/2 to an upstream stay what was judged, and its answer what can be read in
//! one way?

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::sync::atomic::Ordering;

use portcullis_testkit::h2raw::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, block, frame,
};
use portcullis_testkit::multiplexed::raw;
use portcullis_testkit::shop::{post, request};
use portcullis_testkit::{Authority, Http2Upstream, Shop, Upstream, secure};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const DECLARED: &str = "orders: {address: \"127.0.0.1:8091\", ";
const ORDER: &str =
    "{\"customer\":\"a@example.org\",\"lines\":[{\"sku\":\"ABC-0001\",\"amount\":1}]}";

fn open(declared: &str) -> Shop {
    Shop::open(GATEWAY, &[(DECLARED, &format!("orders: {{{declared}, "))])
}

fn products() -> String {
    request("GET", "/v1/products?search=a", &["X-Shown: 1"])
}

#[test]
fn requests_share_a_connection_and_keep_their_meaning() {
    let upstream = Http2Upstream::start();
    let shop = open(&format!("address: \"{}\", protocol: http2", upstream.address));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let answer = shop.send(products()).remove(0);
                let body = "{\"target\":\"/v1/products?search=a\"}";
                assert_eq!((answer.status, answer.body.as_str()), (200, body));
                assert_eq!(answer.header("x-secret"), None);
            });
        }
    });
    assert!(upstream.connections() <= 2, "{} connections of 2 workers", upstream.connections());
    let seen = upstream.take();
    assert_eq!(seen.len(), 12);
    assert_eq!(seen[0].uri().authority().unwrap().as_str(), "api.shop.example");
    assert_eq!(seen[0].headers()["x-shown"], "1");
    assert!(!seen[0].headers().contains_key("connection"));
    let target = "/v1/tenants/acme/orders";
    let answer = shop.send(post(target, &shop.issuer.token("ann"), ORDER)).remove(0);
    assert_eq!(answer.status, 200);
    let seen = upstream.take();
    assert_eq!((seen.len(), seen[0].body().as_ref()), (1, ORDER.as_bytes()));
    assert_eq!(seen[0].headers()["content-length"], ORDER.len().to_string());
    assert_eq!(shop.gateway.outcome(&answer.id()).reason, None);
}

#[test]
fn what_is_not_offered_is_not_spoken() {
    let authority = Authority::root("ours");
    let pem = authority.pem();
    let config = secure::server(&authority.certify("orders.internal"), None, &["http/1.1"]);
    let upstream = Upstream::start_tls(config);
    for (protocol, status) in [("auto", 200), ("http1", 200), ("http2", 502)] {
        let tls = "tls: {roots: ca.pem, server_name: orders.internal}";
        let declared = format!("address: \"{}\", protocol: {protocol}, {tls}", upstream.address);
        let declared = format!("orders: {{{declared}, ");
        let shop = Shop::open_with(GATEWAY, &[(DECLARED, &declared)], &[("ca.pem", pem.as_str())]);
        assert_eq!(shop.send(products())[0].status, status, "{protocol}");
        assert_eq!(upstream.take().len(), usize::from(status == 200), "{protocol}");
    }
}

/// Makes the frames of an answer on a stream.
type Frames = fn(u32) -> Vec<u8>;

/// Heads of an answer, and whether data follows.
fn answer(stream: u32, headers: &[(&str, &str)], data: &[u8]) -> Vec<u8> {
    let mut frames = frame(HEADERS, END_HEADERS, stream, &block(headers));
    frames.extend(frame(DATA, END_STREAM, stream, data));
    frames
}

#[test]
fn a15_a16_answers_that_http2_forbids_are_not_passed_on() {
    let cases: [(&str, Frames); 6] = [
        ("connection", |id| answer(id, &[(":status", "200"), ("connection", "close")], b"ok")),
        ("transfer-encoding", |id| {
            answer(id, &[(":status", "200"), ("transfer-encoding", "chunked")], b"ok")
        }),
        ("upper case", |id| answer(id, &[(":status", "200"), ("X-Upper", "1")], b"ok")),
        ("no status", |id| answer(id, &[("x", "1")], b"ok")),
        ("lengths", |id| {
            let head = [(":status", "200"), ("content-length", "2"), ("content-length", "3")];
            answer(id, &head, b"ok")
        }),
        ("101", |id| answer(id, &[(":status", "101")], b"ok")),
    ];
    for (case, frames) in cases {
        let (address, heads) = raw(frames);
        let shop = open(&format!("address: \"{address}\", protocol: http2"));
        let answer = shop.send(products()).remove(0);
        assert_eq!(answer.status, 502, "{case}: {answer:?}");
        let record = shop.gateway.outcome(&answer.id());
        assert_eq!(record.reason.unwrap().code(), "forward.upstream_invalid", "{case}");
        assert_eq!(heads.load(Ordering::SeqCst), 1, "{case}: asked again");
    }
}

#[test]
fn a16_a_length_that_is_not_the_data_is_not_taken_for_whole() {
    let more: Frames = |id| answer(id, &[(":status", "200"), ("content-length", "2")], b"more");
    let less: Frames = |id| answer(id, &[(":status", "200"), ("content-length", "9")], b"less");
    for frames in [more, less] {
        let (address, _) = raw(frames);
        let shop = open(&format!("address: \"{address}\", protocol: http2"));
        let answers = shop.send(products());
        let whole = answers.first().is_some_and(|one| {
            one.status == 200 && one.header("content-length") == Some(&one.body.len().to_string())
        });
        assert!(!whole, "{answers:?}");
        let refused = shop.gateway.wait_for(|records| {
            let reason = records.iter().rev().find_map(|record| record.reason)?;
            Some(reason.code().to_owned())
        });
        let reasons = ["reply.interrupted", "forward.upstream_invalid"];
        assert!(reasons.contains(&refused.unwrap().as_str()));
    }
}

#[test]
fn a_refused_stream_was_not_acted_on_and_may_go_elsewhere() {
    let (refusing, heads) = raw(|id| frame(RST_STREAM, 0, id, &7_u32.to_be_bytes()));
    let upstream = Http2Upstream::start();
    let declared = format!(
        "addresses: [\"{refusing}\", \"{}\"], protocol: http2, retries: {{attempts_max: 1, budget_percent: 100}}",
        upstream.address
    );
    let shop = open(&declared);
    let token = shop.issuer.token("ann");
    for _ in 0..12 {
        let answer = shop.send(post("/v1/tenants/acme/orders", &token, ORDER)).remove(0);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(upstream.take().len(), 12);
    assert!(heads.load(Ordering::SeqCst) > 0, "the other one was never asked");
    // one that cancels may have acted
    let (cancelling, heads) = raw(|id| frame(RST_STREAM, 0, id, &8_u32.to_be_bytes()));
    let shop = open(&format!("address: \"{cancelling}\", protocol: http2"));
    let token = shop.issuer.token("ann");
    let answer = shop.send(post("/v1/tenants/acme/orders", &token, ORDER)).remove(0);
    assert_eq!(answer.code(), "forward.upstream_unreachable");
    assert_eq!(heads.load(Ordering::SeqCst), 1);
}

#[test]
fn a_connection_that_was_ended_is_replaced_and_no_request_is_lost_or_sent_twice() {
    let frames: Frames = |id| {
        let mut frames = answer(id, &[(":status", "200"), ("content-length", "2")], b"ok");
        let last = [id.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        frames.extend(frame(GOAWAY, 0, 0, &last));
        frames
    };
    let (address, heads) = raw(frames);
    let shop = open(&format!("address: \"{address}\", protocol: http2"));
    let token = shop.issuer.token("ann");
    for _ in 0..15 {
        let answer = shop.send(post("/v1/tenants/acme/orders", &token, ORDER)).remove(0);
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"), "{answer:?}");
    }
    assert_eq!(heads.load(Ordering::SeqCst), 15);
}
