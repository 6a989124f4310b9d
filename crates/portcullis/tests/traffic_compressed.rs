//! Compressed answers over real sockets, decoded by other readers than wrote them: what is compressed,
//! what stays as it is, and that an answer that breaks off is never taken for whole.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may stop at the first surprise"
)]

use std::io::{Read, Write};

use portcullis_testkit::Shop;
use portcullis_testkit::raw::{connect, read_to_end};
use portcullis_testkit::shop::request;
use portcullis_testkit::upstream::Behaviour;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const PRODUCTS: &str = "/v1/products";
const LIMITS: &str = "    limits: [per-caller, at-once]";

fn shop(compress: &str) -> Shop {
    let answers = format!("{LIMITS}\n    answers: {{cache: upstream, compress: {{{compress}}}}}");
    Shop::open(GATEWAY, &[(LIMITS, &answers)])
}

fn text() -> String {
    (0..4000).map(|number| format!("{{\"product\": {number}}},")).collect()
}

fn says(shop: &Shop, lines: &str, body: &str) {
    let length = body.len();
    let text = format!("HTTP/1.1 200 OK\r\n{lines}content-length: {length}\r\n\r\n{body}");
    shop.upstream.behave(Behaviour::Bytes(text));
}

const JSON: &str = "content-type: application/json; charset=utf-8\r\n";

/// Head and body of the answer, the body without its chunks.
fn asked(shop: &Shop, bytes: &str) -> (String, Vec<u8>) {
    let mut stream = connect(shop.gateway.address("web"));
    stream.write_all(bytes.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let raw = read_to_end(&mut stream);
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(raw[..end].to_vec()).unwrap().to_ascii_lowercase();
    let mut rest = &raw[end..];
    if !head.contains("transfer-encoding: chunked") {
        return (head, rest.to_vec());
    }
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return (head, body);
        }
        body.extend(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 4 + size..];
    }
    (head + "cut short", body)
}

fn products(accepted: &str) -> String {
    request("GET", PRODUCTS, &[&format!("Accept-Encoding: {accepted}")])
}

fn opened(coding: &str, body: &[u8]) -> String {
    let mut text = String::new();
    match coding {
        "br" => brotli::Decompressor::new(body, 4096).read_to_string(&mut text).unwrap(),
        _ => flate2::read::GzDecoder::new(body).read_to_string(&mut text).unwrap(),
    };
    text
}

#[test]
fn what_is_declared_is_compressed_as_the_client_takes_it() {
    let shop = shop("types: [application/json]");
    let text = text();
    says(&shop, &format!("{JSON}etag: \"a\"\r\naccept-ranges: bytes\r\n"), &text);
    for (accepted, coding) in [("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0, *", "gzip")] {
        let (head, body) = asked(&shop, &products(accepted));
        assert!(head.contains(&format!("content-encoding: {coding}\r\n")), "{head}");
        assert!(
            head.contains("etag: w/\"a\"\r\n") && head.contains("vary: accept-encoding"),
            "{head}"
        );
        assert!(!head.contains("content-length") && !head.contains("accept-ranges"), "{head}");
        assert!(body.len() * 4 < text.len(), "{} of {}", body.len(), text.len());
        assert_eq!(opened(coding, &body), text);
        let id = head.lines().find_map(|line| line.strip_prefix("portcullis-decision-id: "));
        let sent = shop.gateway.outcome(id.unwrap()).outcome.unwrap().response_bytes;
        assert_eq!(sent, u64::try_from(body.len()).unwrap());
    }
    // the upstream is never asked for a coding
    assert!(shop.upstream.take().iter().all(|seen| seen.values("accept-encoding").is_empty()));
}

#[test]
fn what_is_not_declared_or_not_taken_stays_as_it_is() {
    let shop = shop("types: [application/json], bytes_min: 2KiB, codings: [gzip]");
    let text = text();
    let plain = |case: &str, lines: &str, body: &str, accepted: &str, varies: bool| {
        says(&shop, lines, body);
        let (head, got) = asked(&shop, &products(accepted));
        assert!(!head.contains("content-encoding: gzip"), "{case}: {head}");
        assert_eq!(head.contains("vary: accept-encoding"), varies, "{case}: {head}");
        assert_eq!(String::from_utf8_lossy(&got), body, "{case}");
    };
    plain("not taken", JSON, &text, "br, deflate", true);
    plain("refused", JSON, &text, "gzip;q=0", true);
    plain("another type", "content-type: text/csv\r\n", &text, "gzip", false);
    plain("small", JSON, "{}", "gzip", false);
    let coded = format!("{JSON}content-encoding: br\r\n");
    plain("coded already", &coded, &text, "gzip", false);
    plain("no-transform", &format!("{JSON}cache-control: No-Transform\r\n"), &text, "gzip", false);
    plain("with a digest", &format!("{JSON}repr-digest: sha-256=:AA==:\r\n"), &text, "gzip", false);
    // nobody says so: nothing is compressed
    let silent = Shop::open(GATEWAY, &[]);
    says(&silent, JSON, &text);
    assert!(!asked(&silent, &products("gzip")).0.contains("content-encoding"));
}

#[test]
fn answers_to_identified_callers_only_where_it_is_declared() {
    let text = text();
    for (compress, coded) in [
        ("types: [application/json]", false),
        ("types: [application/json], identified: true", true),
    ] {
        let shop = shop(compress);
        says(&shop, JSON, &text);
        let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
        let bytes = request("GET", ORDERS, &[&token, "Accept-Encoding: gzip"]);
        let (head, body) = asked(&shop, &bytes);
        assert_eq!(head.contains("content-encoding: gzip"), coded, "{head}");
        assert_eq!(
            if coded { opened("gzip", &body) } else { String::from_utf8(body).unwrap() },
            text
        );
    }
}

#[test]
fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    let shop = shop("types: [application/json]");
    let text = format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 90000\r\n\r\n{}", text());
    shop.upstream.behave(Behaviour::BytesThenClose(text));
    for accepted in ["gzip", "br"] {
        let (head, _) = asked(&shop, &products(accepted));
        assert!(head.contains("content-encoding") && head.ends_with("cut short"), "{head}");
    }
}
