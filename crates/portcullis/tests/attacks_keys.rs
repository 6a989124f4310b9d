//! Keys that changed, were revoked, or stand where everybody may write.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use portcullis_testkit::raw::exchange;
use portcullis_testkit::shop::{get, publish};
use portcullis_testkit::{Issuer, Shop};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";

fn stock(shop: &Shop, key: &str) -> (u16, String) {
    let bytes = format!(
        "GET /stock/v1/items/ABC-0001 HTTP/1.1\r\nHost: stock.shop.example\r\nX-Api-Key: {key}\r\n\r\n"
    );
    let answer = exchange(shop.gateway.address("partner"), bytes.as_bytes()).remove(0);
    let reason = shop.gateway.outcome(&answer.id()).reason;
    assert_eq!(reason.map(|reason| reason.to_string()).unwrap_or_default(), answer.code());
    (answer.status, answer.code())
}

fn allow(shop: &Shop, file: &str, mode: u32) {
    let path = shop.folder().join(file);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn e13_a_withdrawn_key_is_forgotten_whoever_noticed() {
    let shop = Shop::open(GATEWAY, &[("fresh_for: 5m", "fresh_for: 1s")]);
    let (known, other) = (shop.issuer.token("ann"), shop.issuer.token("bob"));
    for _ in 0..3 {
        assert_eq!(shop.send(get(ORDERS, &known))[0].status, 200);
    }
    publish(&shop.jwks, &Issuer::new("shop-2").jwks());
    std::thread::sleep(Duration::from_millis(5200));
    // this one is served from the stale set; meanwhile the next is fetched
    assert_eq!(shop.send(get(ORDERS, &other))[0].status, 200);
    std::thread::sleep(Duration::from_millis(500));
    for token in [&known, &other] {
        shop.refuses("a key that is gone", get(ORDERS, token), "identify.key_unknown");
    }
}

#[test]
fn a_key_file_that_everybody_may_write_vouches_for_nobody() {
    let shop = Shop::open(GATEWAY, &[]);
    let key = shop.key(&["stock:read"]);
    allow(&shop, "state/partner-keys.json", 0o666);
    assert_eq!(stock(&shop, &key), (401, "identify.api_key_unknown".to_owned()));
    assert!(shop.upstream.take().is_empty());
    allow(&shop, "state/partner-keys.json", 0o600);
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(stock(&shop, &key).0, 200);
}

#[test]
fn secrets_that_everybody_may_write_do_not_start() {
    let shop = Shop::open(GATEWAY, &[]);
    let _sealed = shop.send(get(ORDERS, &shop.issuer.token("ann")));
    let path = shop.folder().join("portcullis.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\nadmin: {{socket: state/other.sock}}\n")).unwrap();
    for secret in ["state/pepper", "state/seal.key"] {
        let mode = std::fs::metadata(shop.folder().join(secret)).unwrap().permissions().mode();
        allow(&shop, secret, 0o666);
        let output = Command::new(GATEWAY)
            .arg("-C")
            .arg(shop.folder())
            .args(["run", "--workers", "1"])
            .output();
        let said = String::from_utf8(output.unwrap().stderr).unwrap();
        allow(&shop, secret, mode);
        assert!(said.contains("everybody may write it"), "{said}");
    }
}

#[test]
fn an_admin_socket_never_takes_the_place_of_a_file() {
    let shop = Shop::open(GATEWAY, &[]);
    let folder = shop.folder();
    let path = folder.join("portcullis.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\nadmin: {{socket: policies/orders.cedar}}\n")).unwrap();
    let output = Command::new(GATEWAY).arg("-C").arg(folder).arg("run").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("is no socket"), "{said}");
    assert!(folder.join("policies/orders.cedar").is_file());
}
