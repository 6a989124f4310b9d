//! Certificates by ACME, from an authority that follows RFC 8555, over real sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use portcullis_testkit::acme::Acme;
use portcullis_testkit::certificates::Authority;
use portcullis_testkit::certificates::DAY;
use portcullis_testkit::raw::exchange;
use portcullis_testkit::secure::ask;
use portcullis_testkit::shop::request;
use portcullis_testkit::{Behaviour, Dialer, Shop, Upstream};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const HOST: &str = "api.shop.example";
const WEB: &str = r#"web: {address: "127.0.0.1:8080", zone: public}"#;

/// The shop, whose web listener orders its certificate; `more` are further keys of `tls`.
fn shop(acme: &Acme, more: &str, files: &[(&str, &str)]) -> Shop {
    shop_with(acme, "", more, files)
}

/// The same with further keys of the order.
fn shop_with(acme: &Acme, more_of_order: &str, more: &str, files: &[(&str, &str)]) -> Shop {
    let web = format!(
        "web: {{address: \"127.0.0.1:8080\", zone: public, tls: {{acme: {{directory: \"{}\", hosts: [{HOST}, www.shop.example], contacts: [\"mailto:ops@shop.example\"], terms_agreed: true{more_of_order}}}{more}}}}}",
        acme.directory
    );
    Shop::open_with(GATEWAY, &[(WEB, &web)], files)
}

fn products() -> String {
    request("GET", "/v1/products", &[])
}

/// Waits until something holds.
fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(45), "waited for: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_certificate_is_ordered_kept_and_shown() {
    let acme = Acme::start(90 * DAY);
    let mut shop = shop(&acme, "", &[]);
    acme.names_lead_to(shop.gateway.address("web"));
    let dialer = Dialer::new(&acme.authority.pem(), None);
    let address = shop.gateway.address("web");
    until("a certificate", || dialer.ask(address, HOST, &products()).is_ok());
    for name in [HOST, "www.shop.example"] {
        assert_eq!(dialer.ask(address, name, &products()).unwrap().0.status, 200, "{name}");
    }
    // once refused for its nonce, as may happen, and tried again
    assert_eq!(acme.faults(), ["badNonce"]);
    let store = shop.folder().join("state/acme");
    assert_eq!(mode(&store), 0o700);
    for entry in std::fs::read_dir(&store).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    // the challenge is answered to nobody any more, and nothing else is spoken by its name
    let asks =
        Dialer::speaking(&acme.authority.pem(), None, rustls::ALL_VERSIONS, &[b"acme-tls/1"]);
    assert!(asks.dial(address, HOST).is_err());
    // what was kept is shown after a start, without another order and with the same account
    let pid = shop.gateway.pid().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    shop.gateway.ended();
    shop.restart();
    let address = shop.gateway.address("web");
    assert_eq!(dialer.ask(address, HOST, &products()).unwrap().0.status, 200);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((acme.issued(), acme.accounts()), (1, 1));
}

#[test]
fn it_is_renewed_at_two_thirds_of_its_life_and_no_connection_ends() {
    let acme = Acme::start(12);
    let shop = shop(&acme, "", &[]);
    acme.names_lead_to(shop.gateway.address("web"));
    let dialer = Dialer::new(&acme.authority.pem(), None);
    let address = shop.gateway.address("web");
    until("a certificate", || dialer.ask(address, HOST, &products()).is_ok());
    let mut kept = dialer.dial(address, HOST).unwrap();
    let first = kept.conn.peer_certificates().unwrap().first().unwrap().to_vec();
    let shown = || {
        // a client that has not been here, so that nothing is resumed
        let fresh = Dialer::new(&acme.authority.pem(), None).dial(address, HOST).unwrap();
        fresh.conn.peer_certificates().unwrap().first().unwrap().to_vec()
    };
    until("another certificate", || shown() != first);
    assert_eq!(ask(&mut kept, &products()).unwrap().status, 200);
    assert!(acme.issued() >= 2);
    assert_eq!(acme.accounts(), 1);
}

#[test]
fn an_authority_can_look_where_clients_must_show_a_certificate() {
    let acme = Acme::start(90 * DAY);
    let clients = Authority::root("clients").pem();
    let more = ", client: {roots: clients.pem, required: true}";
    let shop = shop(&acme, more, &[("clients.pem", &clients)]);
    acme.names_lead_to(shop.gateway.address("web"));
    until("a certificate", || acme.issued() == 1);
    let dialer = Dialer::new(&acme.authority.pem(), None);
    let address = shop.gateway.address("web");
    until("it is shown", || dialer.dial(address, HOST).is_ok());
    assert!(dialer.ask(address, HOST, &products()).is_err());
}

#[test]
fn without_proof_there_is_no_certificate_and_no_storm() {
    let acme = Acme::start(90 * DAY);
    // the names lead to somebody who does not answer challenges
    let other = Upstream::start();
    other.behave(Behaviour::Close);
    acme.names_lead_to(other.address);
    let shop = shop(&acme, "", &[]);
    until("a refusal", || acme.faults().len() > 1);
    std::thread::sleep(Duration::from_secs(4));
    let faults = acme.faults();
    assert!(faults.len() <= 3, "at most one for each name, once: {faults:?}");
    assert_eq!(acme.issued(), 0);
    until("a word", || shop.gateway.log().contains("no certificate; tried again in"));
    let dialer = Dialer::new(&acme.authority.pem(), None);
    assert!(dialer.dial(shop.gateway.address("web"), HOST).is_err());
}

#[test]
fn a_challenge_is_answered_by_http_where_that_was_declared_and_nothing_else_is() {
    let acme = Acme::start(90 * DAY);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let shop = shop_with(&acme, &format!(", http_address: \"{free}\""), "", &[]);
    // the order waits for its challenge to be looked at
    until("the order", || TcpStream::connect(free).is_ok());
    for request in [
        "GET / HTTP/1.1\r\nHost: api.shop.example\r\n\r\n",
        "GET /.well-known/acme-challenge/ HTTP/1.1\r\nHost: api.shop.example\r\n\r\n",
        "GET /.well-known/acme-challenge/unknown HTTP/1.1\r\nHost: api.shop.example\r\n\r\n",
        "GET /v1/products HTTP/1.1\r\nHost: api.shop.example\r\n\r\n",
    ] {
        let answers = exchange(free, request.as_bytes());
        assert_eq!(answers.first().unwrap().status, 404, "{request}");
    }
    acme.names_lead_to(free);
    until("a certificate", || acme.issued() == 1);
    let dialer = Dialer::new(&acme.authority.pem(), None);
    let address = shop.gateway.address("web");
    until("it is shown", || dialer.ask(address, HOST, &products()).is_ok());
    assert!(TcpStream::connect(free).is_err(), "the address is closed when the order is over");
}
