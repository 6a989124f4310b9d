//! Cases E10, E11, E13, E14 and 62 with an issuer that is known by its metadata: it is down, slow,
//! lying, or somebody else; and what that costs in calls.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::Write;
use std::time::{Duration, Instant};

use portcullis_testkit::raw::{connect, read_one};
use portcullis_testkit::shop::{document, get};
use portcullis_testkit::{Behaviour, Issuer, Shop, Upstream};
use serde_json::{Value, json};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const METADATA: &str = "/.well-known/openid-configuration";
const UNAVAILABLE: &str = "identify.keys_unavailable";

/// Unknown key ids of the flood.
const UNKNOWN: usize = 10_000;

/// The shop with an issuer that is known by its metadata.
struct Estate {
    shop: Shop,
    host: Upstream,
}

impl Estate {
    /// With this way to discover.
    fn open(discovery: &str) -> Self {
        let host = Upstream::start();
        let issuer = format!("issuer: http://{}", host.address);
        let guards = "guards: {failure_rate: 1000000, address_rate: 1000000}\npolicies: policies";
        let shop = Shop::open(
            GATEWAY,
            &[
                ("issuer: https://id.shop.example", issuer.as_str()),
                (
                    "url: {url: \"http://127.0.0.1:8090/jwks.json\", fresh_for: 5m, stale_until: 1h}",
                    discovery,
                ),
                ("policies: policies", guards),
            ],
        );
        let estate = Self { shop, host };
        estate.publish(&estate.metadata(), &estate.shop.issuer);
        estate
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.host.address)
    }

    fn metadata(&self) -> Value {
        json!({"issuer": self.issuer(), "jwks_uri": format!("{}/keys", self.issuer())})
    }

    /// Has metadata and keys served.
    fn publish(&self, metadata: &Value, keys: &Issuer) {
        self.host.behave(Behaviour::Paths(vec![
            (METADATA.to_owned(), document(&metadata.to_string())),
            ("/keys".to_owned(), document(&keys.jwks())),
        ]));
    }

    fn get_as(&self, subject: &str) -> String {
        get(ORDERS, &self.token(&self.shop.issuer, subject))
    }

    fn token(&self, issuer: &Issuer, subject: &str) -> String {
        issuer.sign(&issuer.draft(subject).claim("iss", json!(self.issuer())))
    }

    /// The paths that the issuer was asked for.
    fn asked(&self) -> Vec<String> {
        let path = |head: &str| head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.host.take().iter().map(|seen| path(&seen.head)).collect()
    }
}

#[test]
fn e14_metadata_of_another_issuer_is_not_believed() {
    for other in ["https://id.shop.example", "http://127.0.0.1", "HOST/", "HOST/x", ""] {
        let estate = Estate::open("discovery: {}");
        let mut metadata = estate.metadata();
        metadata["issuer"] = json!(other.replace("HOST", &estate.issuer()));
        estate.publish(&metadata, &estate.shop.issuer);
        let answer = estate.shop.refuses(other, estate.get_as("ann"), UNAVAILABLE);
        assert_eq!((answer.status, answer.header("www-authenticate")), (503, None));
        assert_eq!(estate.asked(), [METADATA], "its keys were asked for");
    }
}

#[test]
fn e14_metadata_leads_to_no_inner_address() {
    let inner = Upstream::start();
    inner.behave(document("{\"keys\":[]}"));
    let port = inner.address.port();
    for place in [
        format!("http://localhost:{port}/keys"),
        format!("https://localhost:{port}/keys"),
        format!("http://[::ffff:127.0.0.1]:{port}/keys"),
        format!("http://0.0.0.0:{port}/keys"),
        format!("http://x@127.0.0.1:{port}/keys"),
        format!("file://127.0.0.1:{port}/keys"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://10.0.0.1/keys".to_owned(),
    ] {
        let estate = Estate::open("discovery: {allow_addresses: [169.254.0.0/16]}");
        let mut metadata = estate.metadata();
        metadata["jwks_uri"] = json!(place);
        estate.publish(&metadata, &estate.shop.issuer);
        let begun = Instant::now();
        let answer = estate.shop.refuses(&place, estate.get_as("ann"), UNAVAILABLE);
        assert_eq!(answer.status, 503, "{place}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{place} was connected to");
        assert_eq!(estate.asked(), [METADATA]);
    }
    assert_eq!(inner.connections(), 0, "somebody followed the metadata inside");
}

#[test]
fn e14_neither_metadata_nor_keys_may_redirect() {
    let elsewhere = Upstream::start();
    let moved = Behaviour::BytesThenClose(format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        elsewhere.address
    ));
    let estate = Estate::open("discovery: {}");
    estate.host.behave(moved.clone());
    estate.shop.refuses("metadata", estate.get_as("ann"), UNAVAILABLE);
    let estate = Estate::open("discovery: {}");
    let metadata = document(&estate.metadata().to_string());
    let paths = vec![(METADATA.to_owned(), metadata), ("/keys".to_owned(), moved)];
    estate.host.behave(Behaviour::Paths(paths));
    estate.shop.refuses("keys", estate.get_as("ann"), UNAVAILABLE);
    assert_eq!(estate.asked(), [METADATA, "/keys"]);
    assert_eq!(elsewhere.connections(), 0, "a redirect was followed");
}

#[test]
fn e10_t62_keys_outlive_their_issuer_for_the_declared_time() {
    let estate = Estate::open("discovery: {fresh_for: 1s, stale_until: 3s}");
    let shop = &estate.shop;
    shop.crosses("up", estate.get_as("a"));
    estate.host.behave(Behaviour::Close);
    std::thread::sleep(Duration::from_millis(1500));
    shop.crosses("down, within the bound", estate.get_as("b"));
    std::thread::sleep(Duration::from_millis(2000));
    let answer = shop.refuses("down, beyond it", estate.get_as("c"), UNAVAILABLE);
    assert_eq!((answer.status, answer.header("www-authenticate")), (503, None));
    // keys alone are not enough: the metadata that leads to them is stale as well
    estate.host.behave(Behaviour::Paths(vec![("/keys".to_owned(), document(&shop.issuer.jwks()))]));
    std::thread::sleep(Duration::from_millis(5200));
    shop.refuses("no metadata", estate.get_as("d"), UNAVAILABLE);
    estate.publish(&estate.metadata(), &shop.issuer);
    let begun = Instant::now();
    while shop.send(estate.get_as("e"))[0].status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(15), "the issuer is not believed again");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn e13_keys_follow_the_metadata_to_another_place() {
    let estate = Estate::open("discovery: {fresh_for: 1s, stale_until: 1h}");
    let shop = &estate.shop;
    let old = estate.token(&shop.issuer, "ann");
    shop.crosses("before", get(ORDERS, &old));
    let next = Issuer::new("shop-2");
    let moved = json!({"issuer": estate.issuer(), "jwks_uri": format!("{}/new", estate.issuer())});
    estate.host.behave(Behaviour::Paths(vec![
        (METADATA.to_owned(), document(&moved.to_string())),
        ("/new".to_owned(), document(&next.jwks())),
    ]));
    std::thread::sleep(Duration::from_millis(5200));
    shop.crosses("the new key", get(ORDERS, &estate.token(&next, "ann")));
    shop.refuses("the old key", get(ORDERS, &old), "identify.key_unknown");
    assert_eq!(estate.asked(), [METADATA, "/keys", METADATA, "/new"]);
}

#[test]
fn t62_a_slow_issuer_is_asked_once_for_everybody() {
    let estate = Estate::open("discovery: {}");
    let metadata = document(&estate.metadata().to_string());
    let paths = vec![(METADATA.to_owned(), metadata), ("/keys".to_owned(), Behaviour::Silent)];
    estate.host.behave(Behaviour::Paths(paths));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let request = estate.get_as(&format!("u{number}"));
            let address = estate.shop.gateway.address("web");
            scope.spawn(move || {
                let mut stream = connect(address);
                stream.write_all(request.as_bytes()).unwrap();
                let answer = read_one(&mut stream).unwrap();
                assert_eq!((answer.status, answer.code().as_str()), (503, UNAVAILABLE));
            });
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(estate.asked(), [METADATA, "/keys"]);
}

#[test]
fn e11_t12_ten_thousand_unknown_keys_cost_the_issuer_next_to_nothing() {
    let estate = Estate::open("discovery: {}");
    estate.shop.crosses("warm", estate.get_as("ann"));
    let draft = estate.shop.issuer.draft("eve").claim("iss", json!(estate.issuer()));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (draft, estate) = (draft.clone(), &estate);
            scope.spawn(move || {
                let mut stream = connect(estate.shop.gateway.address("web"));
                for number in 0..UNKNOWN / 4 {
                    let kid = json!(format!("k{thread}-{number}"));
                    let token =
                        format!("{}.{}", draft.clone().header("kid", kid).input(), "A".repeat(86));
                    stream.write_all(get(ORDERS, &token).as_bytes()).unwrap();
                    let answer = read_one(&mut stream).unwrap();
                    assert_eq!(
                        (answer.status, answer.code().as_str()),
                        (401, "identify.key_unknown")
                    );
                }
            });
        }
    });
    // at most one fetch in five seconds, and the metadata is still fresh
    let most = 2 + usize::try_from(begun.elapsed().as_secs() / 5).unwrap();
    let asked = estate.asked();
    assert_eq!(asked.iter().filter(|path| *path == METADATA).count(), 1, "{asked:?}");
    assert!(asked.len() <= 1 + most + 1, "{} calls for {UNKNOWN} unknown keys", asked.len());
    estate.shop.crosses("still served", estate.get_as("bob"));
}
