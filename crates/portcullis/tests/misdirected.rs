//! Requests over a connection that was opened for another server (RFC 9110 section 15.5.20; one
//! certificate's connection taken for another's): refused over both protocols, recorded, decided
//! the same again; what the certificate covers crosses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at the first surprise"
)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use portcullis_testkit::certificates::Leaf;
use portcullis_testkit::secure::ask;
use portcullis_testkit::{Answer, Mesh};
use rustls::HandshakeKind;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const API: &str = "api.shop.example";
const STOCK: &str = "stock.shop.example";

/// The mesh with a second certificate, of another host, which is the default if it is said.
fn two_servers(default: &str) -> Mesh {
    let mut mesh = Mesh::open(GATEWAY, "", &[]);
    let own = mesh.public.issue(&Leaf::server(&[STOCK]));
    mesh.replace("stock.pem", &own.chain);
    mesh.replace("stock.key", &own.key);
    let key = mesh.shop.folder().join("stock.key");
    std::fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
    let second = format!(
        "key: {{file: web.key}}}}, {{certificate: stock.pem, key: {{file: stock.key}}{default}}}]"
    );
    mesh.shop.rewrite("portcullis.yaml", "key: {file: web.key}}]", &second);
    mesh.reload();
    mesh
}

fn products(host: &str) -> String {
    format!("GET /v1/products HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

fn refused(mesh: &Mesh, answer: &Answer, case: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (421, "receive.misdirected"), "{case}");
    assert!(mesh.shop.upstream.take().is_empty(), "{case}");
    let record = mesh.shop.gateway.outcome(&answer.id());
    assert_eq!(record.reason.unwrap().to_string(), "receive.misdirected", "{case}");
    assert!(record.facts.iter().any(|fact| fact.name == "server_name"), "{case}: {record:?}");
}

#[test]
fn a_host_that_the_shown_certificate_does_not_cover_is_misdirected() {
    let mesh = two_servers("");
    let ask = |name: &str, host: &str| {
        mesh.dialer(None).ask(mesh.address(), name, &products(host)).unwrap().0
    };
    for (name, host) in [(STOCK, API), (STOCK, "a.shops.example"), (STOCK, "127.0.0.1")] {
        refused(&mesh, &ask(name, host), &format!("{name}, then {host}"));
    }
    for (name, host) in [(API, API), ("a.shops.example", API), ("API.shop.example", API)] {
        assert_eq!(ask(name, host).status, 200, "{name}, then {host}");
        assert_eq!(mesh.shop.upstream.take().len(), 1, "{name}, then {host}");
    }
    // not misdirected, and not served either
    let other = ask(API, "b.shops.example");
    assert_eq!((other.status, other.code().as_str()), (421, "receive.unknown_host"));
    let records = std::fs::read_dir(mesh.shop.folder().join("state/records")).unwrap();
    let newest = records.map(|entry| entry.unwrap().path()).max().unwrap();
    let said = mesh.shop.verb(&["replay", &newest.display().to_string()]);
    assert_eq!(said, "7 the same, 0 differ, 0 cannot be recomputed");
}

#[test]
fn a_connection_that_is_kept_or_resumed_stays_that_of_its_server() {
    let mesh = two_servers("");
    let dialer = mesh.dialer(None);
    let mut kept = dialer.dial(mesh.address(), STOCK).unwrap();
    for host in [API, API] {
        refused(&mesh, &ask(&mut kept, &products(host)).unwrap(), "kept");
    }
    for expected in [HandshakeKind::Resumed, HandshakeKind::Resumed] {
        let (answer, kind) = dialer.ask(mesh.address(), STOCK, &products(API)).unwrap();
        assert_eq!(kind, expected);
        refused(&mesh, &answer, "resumed");
    }
    // the ticket of one server is none for another
    let (answer, kind) = dialer.ask(mesh.address(), API, &products(API)).unwrap();
    assert_eq!((answer.status, kind), (200, HandshakeKind::Full));
}

#[test]
fn curl_is_told_421_over_both_protocols() {
    let mesh = two_servers("");
    let root = mesh.shop.folder().join("public.pem");
    std::fs::write(&root, mesh.public.pem()).unwrap();
    let port = mesh.address().port();
    for (protocol, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for (host, status) in [(API, "421"), (STOCK, "404")] {
            let output = Command::new("curl")
                .args(["--silent", "--output", "-", "--max-time", "20", protocol])
                .args(["--write-out", "\n%{http_version} %{http_code}"])
                .args(["--resolve", &format!("{STOCK}:{port}:127.0.0.1")])
                .args(["--header", &format!("Host: {host}")])
                .arg("--cacert")
                .arg(&root)
                .arg(format!("https://{STOCK}:{port}/v1/products"))
                .output()
                .expect("curl is installed");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.ends_with(&format!("\n{version} {status}")), "{host}: {said}");
            assert_eq!(said.contains("receive.misdirected"), status == "421", "{said}");
        }
    }
    assert!(mesh.shop.upstream.take().is_empty());
}

#[test]
fn without_a_name_the_certificate_says_whom_it_reached() {
    let mesh = two_servers(", default: true");
    let dialer = mesh.dialer(None);
    // the name of an address is not sent; the default is shown, which is not of this address
    let error = dialer.dial(mesh.address(), "127.0.0.1").unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
    let script = format!(
        "printf 'GET /v1/products HTTP/1.1\\r\\nHost: {API}\\r\\nConnection: close\\r\\n\\r\\n' | \
         openssl s_client -quiet -ign_eof -connect {} $NAME 2>/dev/null",
        mesh.address()
    );
    for (name, status) in [
        ("-noservername", "HTTP/1.1 200"),
        ("-servername other.example", "HTTP/1.1 421"),
        ("-servername api.shop.example", "HTTP/1.1 200"),
    ] {
        let output = Command::new("sh").args(["-c", &script]).env("NAME", name).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.starts_with(status), "{name}: {said}");
    }
}
