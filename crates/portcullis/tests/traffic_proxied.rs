//! D8: who may say for whom a connection is. The PROXY protocol over real sockets: the answer, the
//! address that the upstream was told, the record, and what is counted.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::{Read, Write};

use portcullis_testkit::Shop;
use portcullis_testkit::raw::connect;
use portcullis_testkit::shop::request;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const LINE: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn shop(proxied: &str) -> Shop {
    let change = format!("zone: public, proxy_protocol: {proxied}}}");
    Shop::open(GATEWAY, &[("zone: public}", &change)])
}

fn asked(shop: &Shop, lines: &[&str]) -> Vec<u8> {
    let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
    request("GET", ORDERS, &[&[token.as_str()], lines].concat()).into_bytes()
}

fn admin(shop: &Shop, path: &str) -> String {
    let socket = shop.folder().join("state/admin.sock");
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, block].concat()
}

#[test]
fn d08_a_pinned_proxy_names_the_client() {
    let shop = shop("{peers: [127.0.0.0/8]}");
    let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x1f, 0x90, 0, 80];
    let tlvs = [&v4[..], &[0xee, 0, 3, 1, 2, 3]].concat();
    for (header, client) in [
        (LINE.to_vec(), "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n".to_vec(), "2001:db8::7"),
        (v2(0x21, 0x11, &v4), "192.0.2.7"),
        (v2(0x21, 0x11, &tlvs), "192.0.2.7"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (v2(0x20, 0, b""), "127.0.0.1"),
        (v2(0x21, 0, b""), "127.0.0.1"),
    ] {
        // a spoofed header of HTTP is not believed: the client behind the proxy is no proxy of ours
        let bytes = [header, asked(&shop, &["X-Forwarded-For: 6.6.6.6"])].concat();
        let seen = shop.crosses(client, bytes);
        assert_eq!(seen.values("x-forwarded-for"), [client]);
    }
}

#[test]
fn a_header_may_come_in_pieces_and_the_request_with_it() {
    let shop = shop("{peers: [127.0.0.1]}");
    let mut stream = connect(shop.gateway.address("web"));
    let (start, end) = LINE.split_at(9);
    for piece in [start, end] {
        stream.write_all(piece).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    for _ in 0..2 {
        stream.write_all(&asked(&shop, &[])).unwrap();
        assert_eq!(portcullis_testkit::raw::read_one(&mut stream).unwrap().status, 200);
    }
    assert_eq!(shop.upstream.take().len(), 2);
}

#[test]
fn d08_who_is_not_pinned_is_closed_or_is_no_proxy() {
    let strict = shop("{peers: [10.0.0.0/8]}");
    for bytes in [[LINE, &asked(&strict, &[])].concat(), asked(&strict, &[])] {
        assert!(strict.send(bytes).is_empty(), "a stranger was answered");
    }
    let counted = admin(&strict, "/metrics");
    assert!(counted.contains("portcullis_connections_refused_total 2"), "{counted}");
    assert!(strict.upstream.take().is_empty());
    // where others may connect, a header of theirs is a request like any other: a bad one
    let open = shop("{peers: [10.0.0.0/8], required: false}");
    let bytes = [LINE, &asked(&open, &[])].concat();
    let answers = open.send(bytes);
    assert_eq!((answers.len(), answers.first().unwrap().status), (1, 400), "{answers:?}");
    assert!(open.gateway.outcome(&answers.first().unwrap().id()).reason.is_some());
    open.crosses("without a header", asked(&open, &[]));
}

#[test]
fn a_pinned_proxy_without_a_whole_header_is_closed() {
    let shop = shop("{peers: [127.0.0.1]}");
    let plain = asked(&shop, &[]);
    let nobody = [0; 12];
    for header in [
        b"".to_vec(),
        b"PROXY TCP4 192.0.2.7\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.07 10.0.0.1 1 2\r\n".to_vec(),
        v2(0x21, 0x12, &[192, 0, 2, 7, 10, 0, 0, 1, 0, 1, 0, 2]),
        v2(0x21, 0x11, &nobody),
        v2(0x31, 0x11, &nobody),
        [SIGNATURE, &[0x21, 0x11, 0xff, 0xff]].concat(),
    ] {
        let bytes = [header.as_slice(), &plain].concat();
        assert!(shop.send(bytes).is_empty(), "{}", header.escape_ascii());
    }
    assert!(shop.upstream.take().is_empty());
    shop.crosses("and a whole one is not", [LINE, &plain].concat());
}

#[test]
fn lists_and_limits_are_those_of_the_client() {
    let change =
        "zone: public, proxy_protocol: {peers: [127.0.0.1]}, addresses: {deny: [192.0.2.0/24]}}";
    let shop = Shop::open(GATEWAY, &[("zone: public}", change)]);
    let bytes = [LINE, &asked(&shop, &[])].concat();
    shop.refuses("denied", bytes, "receive.address_refused");
    let other = b"PROXY TCP4 198.51.100.7 10.0.0.1 4711 80\r\n";
    shop.crosses("another", [other, asked(&shop, &[]).as_slice()].concat());
}
