//! Are streams judged at their opening, carried as they are, and ended with what they live by?

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use portcullis_model::Record;
use portcullis_model::record::RecordKind;
use portcullis_testkit::issuer::{base64_standard, now};
use portcullis_testkit::raw::{connect, exchange, read_to_end};
use portcullis_testkit::shop::request;
use portcullis_testkit::{Behaviour, Shop};
use serde_json::json;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop");

/// What the shop's contract is given besides.
const OPERATIONS: &str = "
  /chat:
    get:
      operationId: chat
      security: [{token: []}]
      responses: {\"101\": {description: a conversation}}
  /feed:
    get:
      operationId: feed
      security: [{token: []}]
      responses: {\"200\": {description: events}}
";

const POLICY: &str = "@id(\"users-talk\")\npermit (principal, action in [Orders::Action::\"chat\", Orders::Action::\"feed\"], resource);\n";

/// Opens the shop with two streams; `streams` says how they are declared.
fn shop(upstream: Option<SocketAddr>, streams: &str) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").args(["-r", EXAMPLE]).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    let estate = folder.path().join("shop");
    let contract = std::fs::read_to_string(estate.join("contracts/orders.yaml")).unwrap();
    let contract = contract.replace("\npaths:\n", &format!("\npaths:{OPERATIONS}"));
    std::fs::write(estate.join("contracts/orders.yaml"), &contract).unwrap();
    let made = Command::new(GATEWAY).arg("-C").arg(&estate).args(["policy", "baseline"]).output();
    assert!(made.unwrap().status.success());
    let baseline = std::fs::read_to_string(estate.join("policies/baseline.cedar")).unwrap();
    let declared = format!("    owner: team-orders\n    streams: {streams}");
    let mut changes = vec![("    owner: team-orders", declared.as_str())];
    let address = upstream.map(|address| address.to_string()).unwrap_or_default();
    if upstream.is_some() {
        changes.push(("127.0.0.1:8091", &address));
    }
    let files = [
        ("contracts/orders.yaml", contract.as_str()),
        ("policies/baseline.cedar", baseline.as_str()),
        ("policies/streams.cedar", POLICY),
    ];
    Shop::open_with(GATEWAY, &changes, &files)
}

const STREAMS: &str = "{chat: {kind: websocket, idle_timeout: 2s, longest: 20s}, feed: {kind: events, idle_timeout: 2s, longest: 20s}}";

/// The answer to a client's key (RFC 6455 section 4.2.2).
fn accept(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64_standard(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

/// A server that switches protocols and then repeats whatever it is sent. `lie` is what it adds to
/// the answer's accepted key.
fn echo(lie: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&heads);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || converse(stream, lie, &seen));
        }
    });
    (address, heads)
}

fn converse(mut stream: TcpStream, lie: &str, seen: &Mutex<Vec<String>>) {
    let head = head(&mut stream);
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}{lie}\r\nX-Portcullis-Tenant: evil\r\n\r\n",
        accept(key)
    );
    seen.lock().unwrap().push(head);
    stream.write_all(answer.as_bytes()).unwrap();
    let mut part = [0; 1024];
    while let Ok(count) = stream.read(&mut part) {
        if count == 0 || stream.write_all(&part[..count]).is_err() {
            return;
        }
    }
}

fn head(stream: &mut TcpStream) -> String {
    let mut raw = Vec::new();
    let mut byte = [0];
    while !raw.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            break;
        }
        raw.push(byte[0]);
    }
    String::from_utf8(raw).unwrap()
}

fn opening(token: &str) -> String {
    let token = format!("Authorization: Bearer {token}");
    request(
        "GET",
        "/v1/chat",
        &[
            &token,
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ],
    )
    .replace("Connection: close\r\n", "")
}

fn outcome(shop: &Shop, operation: &str) -> Record {
    shop.gateway
        .wait_for(|records| {
            let ours = |record: &&Record| {
                record.kind == RecordKind::Outcome
                    && record
                        .crossing
                        .operation
                        .as_ref()
                        .is_some_and(|one| one.as_str() == operation)
            };
            records.iter().rfind(ours).cloned()
        })
        .unwrap()
}

#[test]
fn a_websocket_is_judged_at_its_opening_and_carries_bytes() {
    let (address, heads) = echo("");
    let shop = shop(Some(address), STREAMS);
    let mut stream = connect(shop.gateway.address("web"));
    stream.write_all(opening(&shop.issuer.token("alice")).as_bytes()).unwrap();
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.contains(&accept("dGhlIHNhbXBsZSBub25jZQ==")), "{answer}");
    assert!(!answer.to_ascii_lowercase().contains("tenant"), "{answer}");
    for size in [1_usize, 700, 1_000] {
        let bytes = vec![b'x'; size];
        stream.write_all(&bytes).unwrap();
        let mut back = vec![0; size];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, bytes);
    }
    let seen = heads.lock().unwrap().remove(0).to_ascii_lowercase();
    assert!(
        seen.contains("upgrade: websocket") && seen.contains("x-portcullis-principal"),
        "{seen}"
    );
    assert!(!seen.contains("authorization"), "{seen}");
    drop(stream);
    let record = outcome(&shop, "chat");
    let result = record.outcome.clone().unwrap();
    assert_eq!((result.status, result.response_bytes), (101, 1_701), "{record:?}");
    // who is not let in opens nothing, and who opens nothing is not let through
    let refused = |text: &str| exchange(shop.gateway.address("web"), text.as_bytes())[0].code();
    assert_eq!(refused(&request("GET", "/v1/chat", &[])), "identify.credential_missing");
    let good = opening(&shop.issuer.token("alice"));
    for (from, to) in [
        ("Upgrade: websocket\r\n", ""),
        ("Connection: Upgrade", "Connection: close"),
        ("Version: 13", "Version: 8"),
        ("Upgrade: websocket", "Upgrade: h2c"),
    ] {
        assert_eq!(refused(&good.replace(from, to)), "inspect.upgrade_required", "{to}");
    }
    // a page of another host may not open one with what the browser knows; one of this host may
    let from = |origin: &str| {
        good.replace(
            "Upgrade: websocket\r\n",
            &format!("Upgrade: websocket\r\nOrigin: {origin}\r\n"),
        )
    };
    for origin in ["https://evil.example", "null", "https://api.shop.example.evil.example"] {
        assert_eq!(refused(&from(origin)), "receive.cross_origin_refused", "{origin}");
    }
    assert!(heads.lock().unwrap().is_empty());
    let mut stream = connect(shop.gateway.address("web"));
    stream.write_all(from("https://api.shop.example").as_bytes()).unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 101"));
}

#[test]
fn a08_nothing_passes_before_the_upstream_has_accepted() {
    // an answer that is no acceptance of this opening
    let (address, _) = echo("x");
    let lying = shop(Some(address), STREAMS);
    let good = opening(&lying.issuer.token("alice"));
    let answer = exchange(lying.gateway.address("web"), good.as_bytes()).remove(0);
    assert_eq!(answer.code(), "forward.upstream_invalid");
    assert_eq!(
        lying.gateway.outcome(&answer.id()).reason.unwrap().code(),
        "forward.upstream_invalid"
    );
    // an upstream that answers 200, and bytes that the client sent ahead
    let plain = shop(None, STREAMS);
    let good = opening(&plain.issuer.token("alice"));
    let ahead = format!("{good}\x01\x02smuggled: 1\r\n\r\n");
    let answers = exchange(plain.gateway.address("web"), ahead.as_bytes());
    assert_eq!(answers[0].status, 200);
    assert!(answers.len() < 2 || answers[1].code().starts_with("receive."), "{answers:?}");
    let seen = plain.upstream.take();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].body.is_empty());
}

#[test]
fn a_websocket_ends_when_it_is_silent_or_its_credential_is_over() {
    let (address, _) = echo("");
    let shop = shop(Some(address), STREAMS);
    let open = |token: &str| {
        let mut stream = connect(shop.gateway.address("web"));
        stream.write_all(opening(token).as_bytes()).unwrap();
        assert!(head(&mut stream).starts_with("HTTP/1.1 101"));
        stream
    };
    let begun = Instant::now();
    let mut silent = open(&shop.issuer.token("alice"));
    assert!(read_to_end(&mut silent).is_empty());
    assert!(begun.elapsed() > Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert_eq!(outcome(&shop, "chat").reason.unwrap().code(), "reply.interrupted");
    // expires 27 s ago; with 30 s of tolerance it is good for 3 s more
    let token = shop.issuer.draft("bob").claim("exp", json!(now() - 27));
    let mut busy = open(&shop.issuer.sign(&token));
    let begun = Instant::now();
    let mut part = [0; 4];
    while busy.write_all(b"ping").is_ok() && busy.read_exact(&mut part).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(15), "it outlives its token");
        std::thread::sleep(Duration::from_millis(100));
    }
    let found = shop.gateway.wait_for(|records| {
        let mut reasons = records.iter().filter_map(|record| record.reason);
        reasons.find(|reason| reason.code() == "reply.credential_ended")
    });
    assert!(found.is_some());
}

#[test]
fn events_go_on_past_the_patience_of_the_upstream_and_end_with_the_boundary() {
    let mut shop = shop(None, STREAMS);
    let slow = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata:1\r\n";
    shop.upstream.behave(Behaviour::Bytes(slow.to_owned()));
    let token = format!("Authorization: Bearer {}", shop.issuer.token("alice"));
    let ask = request("GET", "/v1/feed", &[&token]);
    let mut stream = connect(shop.gateway.address("web"));
    stream.write_all(ask.as_bytes()).unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 200"));
    let mut part = [0; 11];
    stream.read_exact(&mut part).unwrap();
    assert_eq!(&part, b"6\r\ndata:1\r\n");
    // the boundary stops accepting the provider: who came by it is ended
    shop.rewrite(
        "portcullis.yaml",
        "{providers: [shop-idp], anonymous: true}",
        "{providers: [partner-keys], anonymous: true}",
    );
    shop.rewrite(
        "portcullis.yaml",
        "identity: {providers: [partner-keys]}",
        "identity: {providers: [shop-idp]}",
    );
    let (taken, said) = shop.gateway.reload();
    assert!(taken, "{said}");
    let rest = read_to_end(&mut stream);
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it was cut, not ended");
    assert_eq!(outcome(&shop, "feed").reason.unwrap().code(), "reply.credential_ended");
}

#[test]
fn a_stream_ends_at_its_declared_longest_time_however_busy_it_is() {
    let (address, _) = echo("");
    let short = STREAMS.replace("longest: 20s", "longest: 2s");
    let shop = shop(Some(address), &short);
    let mut busy = connect(shop.gateway.address("web"));
    busy.write_all(opening(&shop.issuer.token("alice")).as_bytes()).unwrap();
    assert!(head(&mut busy).starts_with("HTTP/1.1 101"));
    let begun = Instant::now();
    let mut part = [0; 4];
    while busy.write_all(b"ping").is_ok() && busy.read_exact(&mut part).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(12), "it outlives its time");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(begun.elapsed() > Duration::from_millis(1_900), "{:?}", begun.elapsed());
    let record = outcome(&shop, "chat");
    assert_eq!(record.reason.unwrap().code(), "reply.stream_too_long");
    assert!(record.outcome.unwrap().response_bytes > 4, "it was busy");
    // the client may open another
    let mut again = connect(shop.gateway.address("web"));
    again.write_all(opening(&shop.issuer.token("alice")).as_bytes()).unwrap();
    assert!(head(&mut again).starts_with("HTTP/1.1 101"));
}

#[test]
fn events_end_at_their_declared_longest_time() {
    let short =
        STREAMS.replace("longest: 20s", "longest: 1s").replace("timeout: 2s", "timeout: 9s");
    let shop = shop(None, &short);
    let slow = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata:1\r\n";
    shop.upstream.behave(Behaviour::Bytes(slow.to_owned()));
    let token = format!("Authorization: Bearer {}", shop.issuer.token("alice"));
    let mut stream = connect(shop.gateway.address("web"));
    stream.write_all(request("GET", "/v1/feed", &[&token]).as_bytes()).unwrap();
    let all = read_to_end(&mut stream);
    assert!(all.starts_with(b"HTTP/1.1 200") && !all.ends_with(b"0\r\n\r\n"), "cut, not ended");
    assert_eq!(outcome(&shop, "feed").reason.unwrap().code(), "reply.stream_too_long");
}

#[test]
fn what_cannot_be_a_stream_is_said() {
    let shop = shop(None, STREAMS);
    for (to, code) in [
        ("{chta: {kind: events}}", "PC0170"),
        ("{createOrder: {kind: websocket}}", "PC0171"),
        ("{createOrder: {kind: grpc}}", "PC0172"),
    ] {
        shop.rewrite("portcullis.yaml", STREAMS, to);
        let said = shop.verb(&["check"]);
        assert!(said.contains(code), "{to}: {said}");
        shop.rewrite("portcullis.yaml", to, STREAMS);
    }
}
