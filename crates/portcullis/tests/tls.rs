//! TLS of listeners, over real sockets: against rustls, OpenSSL and curl; what is refused, what is
//! negotiated, and that certificates are exchanged without a dropped connection.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portcullis_testkit::certificates::{Issued, Leaf};
use portcullis_testkit::raw::connect;
use portcullis_testkit::secure::ask;
use portcullis_testkit::shop::request;
use portcullis_testkit::{Dialer, Mesh};
use rustls::version::{TLS12, TLS13};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const HOST: &str = "api.shop.example";

/// Limits that a test under load does not reach.
const WIDE: [(&str, &str); 2] = [
    ("amount: 60, window: 1m, burst: 20", "amount: 4000000, window: 1m, burst: 4000000"),
    ("policies: policies", "policies: policies\nguards: {address_rate: 1000000}"),
];

fn products() -> String {
    request("GET", "/v1/products", &[])
}

/// What OpenSSL says of a handshake, and whether it succeeded.
fn openssl(mesh: &Mesh, arguments: &[&str]) -> (bool, String) {
    let root = mesh.shop.folder().join("public.pem");
    std::fs::write(&root, mesh.public.pem()).unwrap();
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &mesh.address().to_string(), "-verify_return_error"])
        .arg("-CAfile")
        .arg(&root)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is installed");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// What curl prints of `GET /v1/products`: protocol, TLS result and status.
fn curl(mesh: &Mesh, path: &str, arguments: &[&str]) -> (bool, String) {
    let root = mesh.shop.folder().join("public.pem");
    std::fs::write(&root, mesh.public.pem()).unwrap();
    let port = mesh.address().port();
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--output", "-", "--max-time", "20"])
        .args(["--write-out", "\n%{http_version} %{http_code}"])
        .args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")])
        .arg("--cacert")
        .arg(&root)
        .args(arguments)
        .arg(format!("https://{HOST}:{port}{path}"))
        .output()
        .expect("curl is installed");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Writes a certificate and its key where a command finds them.
fn written(mesh: &Mesh, own: &Issued) -> (String, String) {
    let (chain, key) = (mesh.shop.folder().join("own.pem"), mesh.shop.folder().join("own.key"));
    std::fs::write(&chain, &own.chain).unwrap();
    std::fs::write(&key, &own.key).unwrap();
    (chain.display().to_string(), key.display().to_string())
}

#[test]
fn openssl_speaks_both_versions_and_none_below() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    for (version, named) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let (done, said) = openssl(&mesh, &["-servername", HOST, version]);
        assert!(done && said.contains(named) && said.contains("Verify return code: 0"), "{said}");
    }
    for old in ["-tls1", "-tls1_1"] {
        let arguments = ["-servername", HOST, old, "-cipher", "ALL:@SECLEVEL=0"];
        let (done, said) = openssl(&mesh, &arguments);
        let told = ["alert protocol version", "alert handshake failure"];
        assert!(!done && told.iter().any(|alert| said.contains(alert)), "{old}: {said}");
    }
    for cipher in
        ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "AES256-GCM-SHA384"]
    {
        let (done, said) = openssl(&mesh, &["-servername", HOST, "-tls1_2", "-cipher", cipher]);
        assert!(!done && said.contains("handshake failure"), "{cipher}: {said}");
    }
}

#[test]
fn a_name_that_no_certificate_has_is_shown_none() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    for arguments in [&["-noservername"][..], &["-servername", "other.example"]] {
        let (done, said) = openssl(&mesh, arguments);
        assert!(!done && said.contains("no peer certificate available"), "{arguments:?}: {said}");
    }
    for (name, has) in [
        ("API.shop.example", true),
        ("a.shops.example", true),
        ("a.b.shops.example", false),
        ("shops.example", false),
    ] {
        let (done, said) = openssl(&mesh, &["-servername", name]);
        assert_eq!(done, has, "{name}: {said}");
    }
    let default = [("key: {file: web.key}}", "key: {file: web.key}, default: true}")];
    let mesh = Mesh::open(GATEWAY, "", &default);
    for arguments in [&["-noservername"][..], &["-servername", "other.example"]] {
        let (done, said) = openssl(&mesh, arguments);
        assert!(done && said.contains("Verify return code: 0"), "{arguments:?}: {said}");
    }
}

#[test]
fn only_what_was_declared_is_spoken() {
    let narrow = [(
        "certificates: [{certificate: web.pem",
        "versions: {min: \"1.3\"}, ciphers: [TLS_AES_256_GCM_SHA384], certificates: [{certificate: web.pem",
    )];
    let mesh = Mesh::open(GATEWAY, "", &narrow);
    let (done, said) = openssl(&mesh, &["-servername", HOST]);
    assert!(done && said.contains("TLS_AES_256_GCM_SHA384"), "{said}");
    let (done, said) = openssl(&mesh, &["-servername", HOST, "-tls1_2"]);
    assert!(!done && said.contains("alert protocol version"), "{said}");
    let arguments = ["-servername", HOST, "-ciphersuites", "TLS_AES_128_GCM_SHA256"];
    let (done, said) = openssl(&mesh, &arguments);
    assert!(!done && said.contains("handshake failure"), "{said}");
}

#[test]
fn curl_crosses_over_both_protocols_with_a_certificate_and_without() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    for (protocol, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let (done, said) = curl(&mesh, "/v1/products", &[protocol]);
        assert!(done && said.ends_with(&format!("\n{version} 200")), "{said}");
        let (chain, key) = written(&mesh, &mesh.billing());
        let (done, said) =
            curl(&mesh, "/v1/tenants/acme/orders", &[protocol, "--cert", &chain, "--key", &key]);
        assert!(done && said.ends_with(&format!("\n{version} 200")), "{said}");
        let (done, said) = curl(&mesh, "/v1/tenants/acme/orders", &[protocol]);
        assert!(done && said.ends_with(&format!("\n{version} 401")), "{said}");
    }
    let stranger = portcullis_testkit::certificates::Authority::root("stranger");
    let (chain, key) = written(&mesh, &stranger.issue(&Leaf::workload(&[])));
    let (done, said) = curl(&mesh, "/v1/products", &["--cert", &chain, "--key", &key]);
    // the alert, or the end of the connection that overtakes it
    assert!(!done, "{said}");
    assert_eq!(mesh.shop.upstream.take().len(), 4);
}

#[test]
fn the_protocol_is_the_one_that_was_negotiated() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    for (offered, agreed) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])),
        (&[b"http/1.1", b"h2"], Some(b"h2")),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let dialer = Dialer::speaking(&mesh.public.pem(), None, rustls::ALL_VERSIONS, offered);
        let secure = dialer.dial(mesh.address(), HOST).unwrap();
        assert_eq!(secure.conn.alpn_protocol(), agreed, "{offered:?}");
    }
    let other = Dialer::speaking(&mesh.public.pem(), None, &[&TLS13, &TLS12], &[b"imap"]);
    let error = other.dial(mesh.address(), HOST).unwrap_err();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
    // who negotiates nothing speaks HTTP/1.1
    let silent = Dialer::speaking(&mesh.public.pem(), None, &[&TLS12], &[]);
    assert_eq!(silent.ask(mesh.address(), HOST, &products()).unwrap().0.status, 200);
}

#[test]
fn a_listener_with_tls_speaks_nothing_else() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    let mut plain = connect(mesh.address());
    plain.write_all(products().as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ended: std::io::Result<usize> = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    assert!(mesh.shop.upstream.take().is_empty());
}

#[test]
fn b07_a_handshake_that_is_never_over_holds_no_seat() {
    let slow = [("policies: policies", "policies: policies\nguards: {head_timeout: 1s}")];
    let mesh = Mesh::open(GATEWAY, "", &slow);
    // the first bytes of a record, and nothing; a byte at a time
    let mut silent = connect(mesh.address());
    silent.write_all(&[22, 3, 1, 2, 0]).unwrap();
    let mut dripping = connect(mesh.address());
    let begun = Instant::now();
    let mut dropped = false;
    for byte in [22, 3, 1, 2, 0].into_iter().chain(std::iter::repeat_n(1, 40)) {
        dropped = dropped || dripping.write_all(&[byte]).is_err();
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(dropped, "still open after {:?}", begun.elapsed());
    ended(&mut silent);
    let metrics = mesh.shop.gateway.admin("GET", "/metrics").1;
    assert!(metrics.contains("portcullis_handshakes_failed_total 2"), "{metrics}");
}

#[test]
fn handshakes_that_fail_are_logged_with_their_reason_and_a_flood_is_not() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    let error = mesh.dialer(None).dial(mesh.address(), "other.example").unwrap_err();
    assert!(error.contains("AccessDenied") || error.contains("Unrecog"), "{error}");
    let failed = |count: u32| {
        let line = format!("portcullis_handshakes_failed_total {count}");
        let begun = Instant::now();
        while !mesh.shop.gateway.admin("GET", "/metrics").1.contains(&line) {
            assert!(begun.elapsed() < Duration::from_secs(20), "fewer than {count}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    failed(1);
    let lines = || {
        let log = mesh.shop.gateway.log();
        let lines = log.lines().filter(|line| line.contains("no handshake")).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    let line = lines().remove(0);
    assert!(line.contains("WARN") && line.contains("listener=web"), "{line}");
    assert!(line.contains("peer=127.0.0.1") && line.contains("no server certificate"), "{line}");
    // what was sent instead of TLS is not written down
    for _ in 0..100 {
        let mut plain = connect(mesh.address());
        plain.write_all(b"GET /mallory HTTP/1.1\r\n\r\n").unwrap();
    }
    failed(101);
    assert_eq!(lines().len(), 60);
    let log = mesh.shop.gateway.log();
    assert!(!log.contains("mallory"));
    assert!(!log.contains('\u{1b}'), "colours are for terminals: {log}");
}

fn ended(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let begun = Instant::now();
    let _ended: std::io::Result<usize> = stream.read_to_end(&mut rest);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// Asks over and over, over one connection or a fresh one each; every answer must be 200.
fn load(
    mesh: &Dialer,
    address: std::net::SocketAddr,
    keep: bool,
    done: &AtomicBool,
    asked: &AtomicUsize,
) {
    let mut kept = mesh.dial(address, HOST).unwrap();
    while !done.load(Ordering::Acquire) {
        let answer = if keep {
            ask(&mut kept, &products())
        } else {
            mesh.ask(address, HOST, &products()).map(|(answer, _)| answer)
        };
        let answer = answer.unwrap_or_else(|error| panic!("{error} after {asked:?}, kept: {keep}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        asked.fetch_add(1, Ordering::AcqRel);
    }
}

#[test]
fn certificates_are_exchanged_under_load_without_a_failed_request() {
    let mut mesh = Mesh::open(GATEWAY, "", &WIDE);
    let address = mesh.address();
    let (done, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = [true, true, false]
        .into_iter()
        .map(|keep| {
            let (done, asked) = (Arc::clone(&done), Arc::clone(&asked));
            let dialer = mesh.dialer(None);
            std::thread::spawn(move || load(&dialer, address, keep, &done, &asked))
        })
        .collect();
    let mut shown = std::collections::BTreeSet::new();
    for round in 1..=20 {
        let next = mesh.public.issue(&Leaf::server(&[HOST]));
        // one file after the other: in between they do not fit, and the old ones stay
        mesh.replace("web.pem", &next.chain);
        let (taken, said) = mesh.shop.gateway.reload();
        assert!(!taken && said.contains("PC0132"), "{said}");
        mesh.replace("web.key", &next.key);
        mesh.reload();
        let secure = mesh.dialer(None).dial(address, HOST).unwrap();
        shown.insert(secure.conn.peer_certificates().unwrap().first().unwrap().to_vec());
        while asked.load(Ordering::Acquire) < round * 50 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    done.store(true, Ordering::Release);
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(shown.len(), 20);
    assert!(asked.load(Ordering::Acquire) >= 1000);
}
