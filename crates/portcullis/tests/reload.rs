//! Does another declaration take effect as a whole, without a failed request, or not at all?

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portcullis_testkit::Shop;
use portcullis_testkit::raw::{connect, exchange, read_one};
use portcullis_testkit::shop::{get, request};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";

/// Limits that a test under load does not reach.
const WIDE: [(&str, &str); 2] = [
    ("amount: 60, window: 1m, burst: 20", "amount: 4000000, window: 1m, burst: 4000000"),
    ("policies: policies", "policies: policies\nguards: {address_rate: 1000000}"),
];

/// Asks over and over; every answer must be 200. Answers how many there were.
fn load(address: SocketAddr, keep: bool, done: &AtomicBool, asked: &AtomicUsize) {
    let products = request("GET", "/v1/products", &[]);
    let mut kept = connect(address);
    while !done.load(Ordering::Acquire) {
        let answer = if keep {
            kept.write_all(products.as_bytes()).unwrap();
            read_one(&mut kept)
        } else {
            let mut fresh = connect(address);
            fresh.write_all(products.as_bytes()).unwrap();
            read_one(&mut fresh)
        };
        let answer = answer.unwrap_or_else(|| panic!("no answer after {asked:?}, kept: {keep}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        asked.fetch_add(1, Ordering::AcqRel);
    }
}

#[test]
fn f07_a_hundred_reloads_under_load_fail_no_request() {
    let mut shop = Shop::open(GATEWAY, &WIDE);
    let address = shop.gateway.address("web");
    let (done, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = [true, true, false]
        .into_iter()
        .map(|keep| {
            let (done, asked) = (Arc::clone(&done), Arc::clone(&asked));
            std::thread::spawn(move || load(address, keep, &done, &asked))
        })
        .collect();
    let mut revisions = BTreeSet::new();
    let (mut from, mut to) = (
        ("json_depth_max: 16", "connect_timeout: 1s", "deny"),
        ("json_depth_max: 17", "connect_timeout: 900ms", "deny"),
    );
    for _ in 0..100 {
        // an inspection bound of the crossing, and what the upstream's pool is made from
        shop.rewrite("portcullis.yaml", from.0, to.0);
        shop.rewrite("portcullis.yaml", from.1, to.1);
        let (taken, said) = shop.gateway.reload();
        assert!(taken, "{said}");
        revisions.insert(shop.gateway.admin("GET", "/revision").1.trim().to_owned());
        std::mem::swap(&mut from, &mut to);
    }
    done.store(true, Ordering::Release);
    for client in clients {
        client.join().unwrap();
    }
    let asked = asked.load(Ordering::Acquire);
    assert_eq!(revisions.len(), 2, "{revisions:?}");
    let recorded = shop.gateway.wait_for(|records| {
        let outcomes =
            records.iter().filter(|one| one.kind == portcullis_model::record::RecordKind::Outcome);
        let revisions: BTreeSet<String> =
            outcomes.clone().map(|one| one.revision.to_string()).collect();
        (outcomes.count() >= asked).then_some(revisions)
    });
    assert_eq!(recorded.unwrap(), revisions);
    println!("{asked} requests over 100 reloads");
}

#[test]
fn who_was_let_in_by_other_rules_does_not_stay() {
    let mut shop = Shop::open(GATEWAY, &[]);
    let address = shop.gateway.address("web");
    let products = request("GET", "/v1/products", &[]);
    let ask = |client: &mut TcpStream| {
        // it may be closed already
        client.write_all(products.as_bytes()).ok().and_then(|()| read_one(client))
    };
    let mut kept = connect(address);
    assert_eq!(ask(&mut kept).unwrap().status, 200);
    for (from, to, stays) in [
        ("zone: public}", "zone: public, addresses: {deny: [192.0.2.0/24]}}", true),
        ("zone: public, ", "protocols: [http2], zone: public, ", false),
        ("protocols: [http2]", "protocols: [http1]", true),
    ] {
        shop.rewrite("portcullis.yaml", from, to);
        let (taken, said) = shop.gateway.reload();
        assert!(taken, "{said}");
        assert_eq!(ask(&mut kept).is_some_and(|answer| answer.status == 200), stays, "{to}");
        assert_eq!(shop.gateway.address("web"), address);
        kept = connect(address);
        assert_eq!(ask(&mut kept).is_some_and(|answer| answer.status == 200), stays, "{to}");
    }
}

#[test]
fn f02_what_does_not_hold_changes_nothing() {
    let mut shop = Shop::open(GATEWAY, &[]);
    let before = shop.gateway.admin("GET", "/revision").1;
    let token = shop.issuer.token("alice");
    for (file, from, to, code) in [
        ("portcullis.yaml", "audit: required", "audit: requierd", "PC0104"),
        ("policies/orders.cedar", "permit", "pemrit", "PC0301"),
        ("contracts/orders.yaml", "openapi: 3", "openapi: 2", "PC0240"),
        ("portcullis.yaml", "records: {keep_files: 3}", "", "cannot change"),
        ("portcullis.yaml", "127.0.0.1:0", "192.0.2.1:80", "listener"),
    ] {
        let (from, to) = if to.is_empty() {
            ("policies: policies", "policies: policies\nrecords: {keep_files: 3}")
        } else {
            (from, to)
        };
        shop.rewrite(file, from, to);
        let (taken, said) = shop.gateway.reload();
        assert!(!taken && said.contains(code), "{to}: {said}");
        assert_eq!(shop.gateway.admin("GET", "/revision").1, before);
        shop.crosses(to, get(ORDERS, &token));
        shop.rewrite(file, to, from);
    }
    let metrics = shop.gateway.admin("GET", "/metrics").1;
    assert!(metrics.contains("portcullis_reloads_total{outcome=\"refused\"} 5"), "{metrics}");
    let (taken, _) = shop.gateway.reload();
    assert!(taken);
    assert_eq!(
        shop.gateway.admin("GET", "/revision").1,
        before,
        "the same texts, the same revision"
    );
}

#[test]
fn what_changes_takes_effect_with_the_next_request() {
    let mut shop = Shop::open(GATEWAY, &[]);
    let token = shop.issuer.token("alice");
    let mut kept = connect(shop.gateway.address("web"));
    let mut ask = || {
        kept.write_all(get(ORDERS, &token).replace("Connection: close\r\n", "").as_bytes())
            .unwrap();
        read_one(&mut kept).unwrap()
    };
    assert_eq!(ask().status, 200);
    let forbid = "@id(\"closed\")\nforbid (principal, action, resource);\n";
    std::fs::write(shop.folder().join("policies/closed.cedar"), forbid).unwrap();
    assert!(shop.gateway.reload().0);
    assert_eq!(ask().code(), "authorize.forbidden");
    std::fs::remove_file(shop.folder().join("policies/closed.cedar")).unwrap();
    assert!(shop.gateway.reload().0);
    assert_eq!(ask().status, 200);
    // what was used up stays used up
    shop.rewrite(
        "portcullis.yaml",
        "amount: 60, window: 1m, burst: 20",
        "amount: 1, window: 1m, burst: 1",
    );
    assert!(shop.gateway.reload().0);
    let throttled = ask().code();
    assert_eq!(throttled, "admit.rate_exceeded");
}

#[test]
fn listeners_come_and_go() {
    let mut shop = Shop::open(GATEWAY, &[]);
    let partner = shop.gateway.address("partner");
    let mut kept = connect(partner);
    let declared = "  partner: {address: \"127.0.0.1:0\", zone: partners}";
    shop.rewrite(
        "portcullis.yaml",
        declared,
        "  second: {address: \"127.0.0.1:0\", zone: partners}",
    );
    let (taken, said) = shop.gateway.reload();
    assert!(taken, "{said}");
    let second = shop.gateway.address("second");
    assert!(!shop.gateway.addresses.contains_key("partner"));
    let answer = exchange(second, request("GET", "/v1/products", &[]).as_bytes());
    assert_eq!(answer[0].code(), "identify.credential_missing", "{answer:?}");
    // an idle connection of the listener that went is ended; nobody is let in any more
    assert!(read_one(&mut kept).is_none());
    let begun = Instant::now();
    while TcpStream::connect(partner).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5), "the old listener still accepts");
        std::thread::sleep(Duration::from_millis(10));
    }
    let answer = shop.send(request("GET", "/v1/products", &[]));
    assert_eq!(answer[0].status, 200);
}

#[test]
fn a_signal_and_a_changed_file_are_reasons_to_read_anew() {
    let mut shop = Shop::open(GATEWAY, &[]);
    let waits = |shop: &Shop, count: usize| {
        let begun = Instant::now();
        while shop.gateway.log().matches("\nreloaded, revision").count() < count {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", shop.gateway.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let pid = shop.gateway.pid().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    waits(&shop, 1);
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    shop.gateway.ended();
    shop.restart_with(&["--watch"]);
    let before = shop.gateway.admin("GET", "/revision").1;
    shop.rewrite("policies/orders.cedar", "// Who", "// Say who");
    waits(&shop, 2);
    assert_ne!(shop.gateway.admin("GET", "/revision").1, before);
}

#[test]
fn an_upstream_that_is_not_declared_any_more_has_no_addresses_to_tell_of() {
    let mut shop = Shop::open(GATEWAY, &WIDE);
    let answer =
        exchange(shop.gateway.address("web"), request("GET", "/v1/products", &[]).as_bytes());
    assert_eq!(answer[0].status, 200);
    let lines = |shop: &Shop, of: &str| {
        let metrics = shop.gateway.admin("GET", "/metrics").1;
        let of = format!("portcullis_upstream_endpoints{{upstream=\"{of}\",");
        metrics.lines().filter(|line| line.starts_with(&of)).count()
    };
    let renamed =
        [("  orders: {address:", "  moved: {address:"), ("upstream: orders", "upstream: moved")];
    assert_eq!((lines(&shop, "orders"), lines(&shop, "moved")), (3, 0));
    for (from, to) in renamed {
        shop.rewrite("portcullis.yaml", from, to);
    }
    assert!(shop.gateway.reload().0);
    assert_eq!((lines(&shop, "orders"), lines(&shop, "moved")), (0, 3));
    // what was counted stays counted, or its sums would fall
    let metrics = shop.gateway.admin("GET", "/metrics").1;
    assert!(metrics.contains("portcullis_upstream_calls_total{upstream=\"orders\""), "{metrics}");
    // the keeper of the old one looks once a second
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!((lines(&shop, "orders"), lines(&shop, "moved")), (0, 3));
    for (from, to) in renamed {
        shop.rewrite("portcullis.yaml", to, from);
    }
    assert!(shop.gateway.reload().0);
    assert_eq!((lines(&shop, "orders"), lines(&shop, "moved")), (3, 0));
}
