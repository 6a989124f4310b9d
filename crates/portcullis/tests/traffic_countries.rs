//! Lists of countries, looked up in a MaxMind DB file: the answer, what the upstream saw, the record
//! and its replay; and a file that is missing, broken or too old.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_testkit::Shop;
use portcullis_testkit::countries::database;
use portcullis_testkit::shop::request;
use tempfile::TempDir;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const BEHIND: &str = "zone: public, trusted_hops: 1, trusted_peers: [127.0.0.1]";
const DAY: u64 = 86_400;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The shop with lists of countries at the listener and at the boundary; the file stands in a folder
/// of its own.
fn shop(listener: &str, boundary: &str, built: u64) -> (Shop, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let networks = [
        ("192.0.2.0/24", "DE"),
        ("198.51.100.0/24", "FR"),
        ("198.51.100.128/25", "AT"),
        ("2001:db8::/32", "at"),
    ];
    let file = folder.path().join("countries.mmdb");
    std::fs::write(&file, database(&networks, built)).unwrap();
    let section = format!(
        "countries: {{file: \"{}\", stale_until: 30d}}\npolicies: policies",
        file.display()
    );
    let listener = format!("{BEHIND}{listener}}}\n  partner");
    let limits = "    limits: [per-caller, at-once]";
    let boundary = format!("{limits}{boundary}");
    let shop = Shop::open(
        GATEWAY,
        &[
            ("policies: policies", &section),
            ("zone: public}\n  partner", &listener),
            (limits, &boundary),
        ],
    );
    (shop, folder)
}

fn from(shop: &Shop, address: &str) -> String {
    let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
    request("GET", ORDERS, &[&token, &format!("X-Forwarded-For: {address}")])
}

fn replayed(shop: &Shop) -> String {
    let file = std::fs::read_dir(shop.folder().join("state/records")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).next().unwrap();
    shop.verb(&["replay", file.to_str().unwrap()])
}

#[test]
fn only_listed_countries_come_and_unknown_ones_do_not() {
    let (shop, _folder) = shop("", "\n    addresses: {countries: {allow: [DE, AT]}}", now() - DAY);
    let refused = "receive.country_refused";
    for address in ["192.0.2.7", "198.51.100.200", "2001:db8::1"] {
        shop.crosses(address, from(&shop, address));
    }
    for address in ["198.51.100.7", "203.0.113.1", "10.0.0.1", "2001:db9::1"] {
        let answer = shop.refuses(address, from(&shop, address), refused);
        assert_eq!(answer.status, 403);
    }
    let said = replayed(&shop);
    assert!(said.ends_with("7 the same, 0 differ, 0 cannot be recomputed"), "{said}");
}

#[test]
fn a_denied_country_is_refused_at_the_listener() {
    let lists = ", addresses: {countries: {deny: [FR]}}";
    let (shop, _folder) = shop(lists, "", now() - DAY);
    shop.refuses("denied", from(&shop, "198.51.100.7"), "receive.country_refused");
    shop.crosses("not denied", from(&shop, "192.0.2.7"));
    shop.crosses("not known", from(&shop, "203.0.113.1"));
    assert!(replayed(&shop).ends_with("3 the same, 0 differ, 0 cannot be recomputed"));
}

#[test]
fn a_file_that_is_too_old_lets_nobody_in() {
    let lists = ", addresses: {countries: {deny: [FR], unknown: allow}}";
    let (shop, _folder) = shop(lists, "", now() - 31 * DAY);
    for address in ["192.0.2.7", "203.0.113.1"] {
        shop.refuses(address, from(&shop, address), "receive.country_refused");
    }
    assert!(replayed(&shop).ends_with("2 the same, 0 differ, 0 cannot be recomputed"));
}

#[test]
fn lists_and_their_file_need_each_other() {
    let shop = Shop::open(GATEWAY, &[]);
    let file = shop.folder().join("portcullis.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    let with_file =
        good.replacen("policies: policies", "countries: {file: c.mmdb}\npolicies: policies", 1);
    let lists = |text: &str, lists: &str| {
        text.replacen(
            "zone: public}",
            &format!("zone: public, addresses: {{countries: {lists}}}}}"),
            1,
        )
    };
    let whole = database(&[("192.0.2.0/24", "DE")], now());
    let mut broken = whole.clone();
    broken.truncate(whole.len() - 40);
    for (text, bytes, code) in [
        (lists(&good, "{allow: [DE]}"), &whole, "PC0157"),
        (with_file.clone(), &whole, "PC0157"),
        (lists(&with_file, "{}"), &whole, "PC0157"),
        (lists(&with_file, "{allow: [DE], deny: [DE]}"), &whole, "PC0157"),
        (lists(&with_file, "{allow: [de]}"), &whole, "PC0107"),
        (lists(&with_file, "{allow: [DE]}"), &broken, "PC0504"),
        (lists(&with_file, "{allow: [DE]}"), &Vec::new(), "PC0504"),
    ] {
        std::fs::write(&file, &text).unwrap();
        std::fs::write(shop.folder().join("c.mmdb"), bytes).unwrap();
        let said = shop.verb(&["--format", "json", "check"]);
        assert!(said.contains(code), "{code}: {said}\n{text}");
    }
    std::fs::write(&file, lists(&with_file, "{allow: [DE]}")).unwrap();
    std::fs::write(shop.folder().join("c.mmdb"), &whole).unwrap();
    let said = shop.verb(&["--format", "json", "check"]);
    assert!(!said.contains("\"error\""), "{said}");
}
