//! What happens when what the gateway needs is down, slow, lying or full, and when it is killed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portcullis_model::record::RecordKind;
use portcullis_testkit::gateway::records;
use portcullis_testkit::raw::{connect, read_one, read_to_end};
use portcullis_testkit::shop::{get, publish, request};
use portcullis_testkit::{Behaviour, Issuer, Shop};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";

/// Kills under load; `cargo xtask soak` asks for more.
const KILLS: usize = 50;

/// Most bytes of a file where no more can be written, in blocks of 512.
const FULL_BLOCKS: usize = 40;

#[test]
fn upstreams_that_are_dead_slow_or_silent() {
    let shop = Shop::open(GATEWAY, &[("response_timeout: 2s", "response_timeout: 400ms")]);
    let products = request("GET", "/v1/products", &[]);
    let cases = [
        (Behaviour::Close, 502, "forward.upstream_unreachable"),
        (Behaviour::Slow(Duration::from_secs(2)), 504, "forward.upstream_timeout"),
        (Behaviour::Silent, 504, "forward.upstream_timeout"),
    ];
    for (behaviour, status, code) in cases {
        shop.upstream.behave(behaviour.clone());
        let answer = shop.send(&products).remove(0);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{behaviour:?}");
        let record = shop.gateway.outcome(&answer.id());
        assert_eq!(record.reason.unwrap().code(), code);
        assert_eq!(record.decision, portcullis_model::Decision::Allow);
    }
    shop.upstream.behave(Behaviour::Answer);
    assert_eq!(shop.send(&products)[0].status, 200);
    let dead = Shop::open(GATEWAY, &[("127.0.0.1:8091", "127.0.0.1:9")]);
    assert_eq!(dead.send(&products)[0].code(), "forward.upstream_unreachable");
}

#[test]
fn an_upstream_that_lies_about_its_length_is_not_taken_for_whole() {
    let shop = Shop::open(GATEWAY, &[]);
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort";
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nshort";
    for bytes in [short, chunk] {
        shop.upstream.behave(Behaviour::BytesThenClose(bytes.to_owned()));
        let mut stream = connect(shop.gateway.address("web"));
        stream.write_all(request("GET", "/v1/products", &[]).as_bytes()).unwrap();
        let raw = read_to_end(&mut stream);
        let text = String::from_utf8_lossy(&raw);
        assert!(text.starts_with("HTTP/1.1 200") && !text.ends_with("0\r\n\r\n"), "{text}");
        let found = shop.gateway.wait_for(|records| {
            records
                .iter()
                .rev()
                .find_map(|record| record.reason.filter(|r| r.code() == "reply.interrupted"))
        });
        assert!(found.is_some());
    }
}

#[test]
fn a_stale_connection_is_replaced_without_the_client_noticing() {
    let shop = Shop::open(GATEWAY, &[]);
    let good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    shop.upstream.behave(Behaviour::BytesThenClose(good.to_owned()));
    for _ in 0..10 {
        assert_eq!(shop.send(get(ORDERS, &shop.issuer.token("ann")))[0].status, 200);
    }
}

#[test]
fn e10_t62_an_issuer_that_is_down_is_503_after_its_bound_and_never_401() {
    let short = ("fresh_for: 5m, stale_until: 1h", "fresh_for: 1s, stale_until: 3s");
    let shop = Shop::open(GATEWAY, &[short]);
    let fresh = |subject: &str| get(ORDERS, &shop.issuer.token(subject));
    shop.crosses("up", fresh("a"));
    shop.jwks.behave(Behaviour::Close);
    std::thread::sleep(Duration::from_millis(1500));
    shop.crosses("down, within the bound", fresh("b"));
    std::thread::sleep(Duration::from_millis(2000));
    let answer = shop.refuses("down, beyond it", fresh("c"), "identify.keys_unavailable");
    assert_eq!((answer.status, answer.header("www-authenticate")), (503, None));
    publish(&shop.jwks, &shop.issuer.jwks());
    let begun = Instant::now();
    while shop.send(fresh("d"))[0].status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(15), "the issuer is not believed again");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn e13_a_key_that_its_issuer_withdrew_is_not_believed() {
    let shop = Shop::open(GATEWAY, &[]);
    let old = shop.issuer.token("ann");
    shop.crosses("before", get(ORDERS, &old));
    let next = Issuer::new("shop-2");
    publish(&shop.jwks, &next.jwks());
    // sets are fetched at most once in five seconds
    std::thread::sleep(Duration::from_millis(5200));
    shop.crosses("the new key", get(ORDERS, &next.token("ann")));
    shop.refuses("the old key", get(ORDERS, &old), "identify.key_unknown");
}

#[test]
fn e14_key_sets_that_are_hostile() {
    let huge = format!("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n{}", " ".repeat(400_000));
    let cases = [
        Behaviour::BytesThenClose(
            "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
        ),
        Behaviour::BytesThenClose(huge),
        Behaviour::BytesThenClose(
            "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"keys\":".to_owned(),
        ),
        Behaviour::BytesThenClose("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned()),
        Behaviour::Silent,
    ];
    for behaviour in cases {
        let shop = Shop::open(GATEWAY, &[]);
        shop.jwks.behave(behaviour.clone());
        let begun = Instant::now();
        let code = "identify.keys_unavailable";
        let answer = shop.refuses("hostile", get(ORDERS, &shop.issuer.token("ann")), code);
        assert_eq!(answer.status, 503, "{behaviour:?}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{behaviour:?}");
    }
}

#[test]
fn no_record_no_crossing() {
    let shop = Shop::open(GATEWAY, &[]);
    std::fs::remove_dir_all(shop.folder().join("state/records")).unwrap();
    let answers = shop.send(get(ORDERS, &shop.issuer.token("ann")));
    assert_eq!((answers[0].status, answers[0].code().as_str()), (503, "admit.record_unavailable"));
    assert!(shop.upstream.take().is_empty());
    std::fs::create_dir(shop.folder().join("state/records")).unwrap();
    shop.crosses("records again", get(ORDERS, &shop.issuer.token("ann")));
}

#[test]
fn a_stop_lets_what_is_under_way_end() {
    let mut shop = Shop::open(GATEWAY, &[]);
    shop.upstream.behave(Behaviour::Slow(Duration::from_millis(700)));
    let mut stream = connect(shop.gateway.address("web"));
    stream.write_all(request("GET", "/v1/products", &[]).as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let folder = shop.folder().join("state/records");
    let pid = shop.gateway.pid().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let answer = read_one(&mut stream).unwrap();
    assert_eq!(answer.status, 200);
    shop.gateway.ended();
    let found = records(&folder)
        .into_iter()
        .any(|record| record.id.as_str() == answer.id() && record.kind == RecordKind::Outcome);
    assert!(found, "the outcome was not written before the end");
}

/// Requests under load from four threads until told to end; the ids of decisions that let through.
fn load(shop: &Shop, tokens: &[String], end: &AtomicBool) -> BTreeSet<String> {
    let address = shop.gateway.address("web");
    std::thread::scope(|scope| {
        let threads: Vec<_> = tokens
            .iter()
            .map(|token| {
                scope.spawn(move || {
                    let mut seen = BTreeSet::new();
                    while !end.load(Ordering::SeqCst) {
                        let Ok(mut stream) = std::net::TcpStream::connect(address) else {
                            continue;
                        };
                        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                        while stream.write_all(get(ORDERS, token).as_bytes()).is_ok()
                            && let Some(answer) = read_one(&mut stream)
                        {
                            if answer.status == 200 {
                                seen.insert(answer.id());
                            }
                        }
                    }
                    seen
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn what_the_disk_does_not_take_does_not_cross() {
    // the system refuses to write past a size, in the middle of a line, as a full disk does
    let folder = tempfile::tempdir().unwrap();
    let full = folder.path().join("full.sh");
    let script = format!(
        "#!/bin/sh\ntrap '' XFSZ\nulimit -f {FULL_BLOCKS}\nexec {GATEWAY} \"$@\" 2>/dev/null\n"
    );
    std::fs::write(&full, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&full, mode).unwrap();
    let unlimited = (
        "rate: {amount: 60, window: 1m, burst: 20}",
        "rate: {amount: 100000, window: 1s, burst: 100000}",
    );
    let shop = Shop::open(full.to_str().unwrap(), &[unlimited]);
    let (mut crossed, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..60 {
        let answer = shop.send(get(ORDERS, &shop.issuer.token("ann"))).remove(0);
        match (answer.status, answer.code().as_str()) {
            (200, _) => crossed.insert(answer.id()),
            (503, "admit.record_unavailable") => refused.insert(answer.id()),
            other => panic!("{other:?}"),
        };
    }
    assert!(!refused.is_empty(), "the disk was never full");
    assert_eq!(shop.upstream.take().len(), crossed.len(), "what was refused crossed");
    let written: BTreeSet<String> = records(&shop.folder().join("state/records"))
        .into_iter()
        .filter(|record| record.kind == RecordKind::Intent)
        .map(|record| record.id.to_string())
        .collect();
    assert!(crossed.is_subset(&written), "something crossed without a record");
}

/// Bounds what a process may write to any file, or bounds it no more.
fn bound_files(shop: &Shop, bound: &str) {
    let arguments = ["--pid", &shop.gateway.pid().to_string(), &format!("--fsize={bound}:")];
    assert!(Command::new("prlimit").args(arguments).status().unwrap().success());
}

#[test]
fn after_a_full_disk_it_goes_on_and_no_earlier_record_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = folder.path().join("launcher.sh");
    std::fs::write(&launcher, format!("#!/bin/sh\ntrap '' XFSZ\nexec {GATEWAY} \"$@\"\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&launcher, mode).unwrap();
    let changes = [
        (
            "rate: {amount: 60, window: 1m, burst: 20}",
            "rate: {amount: 9999, window: 1s, burst: 9999}",
        ),
        ("policies: policies", "policies: policies\nrecords: {keep_files: 3}"),
    ];
    let shop = Shop::open(launcher.to_str().unwrap(), &changes);
    let ask = || shop.send(get(ORDERS, &shop.issuer.token("ann"))).remove(0);
    let first = ask();
    assert_eq!(first.status, 200);
    let _written = shop.gateway.outcome(&first.id());
    // its log cannot be written either
    bound_files(&shop, "0");
    for _ in 0..20 {
        assert_eq!(ask().code(), "admit.record_unavailable");
    }
    bound_files(&shop, "unlimited");
    let last = ask();
    assert_eq!(last.status, 200, "{last:?}");
    let _written = shop.gateway.outcome(&last.id());
    let _kept = shop.gateway.outcome(&first.id());
    assert_eq!(shop.upstream.take().len(), 2);
}

#[test]
fn a_kill_under_load_loses_no_acknowledged_record() {
    let unlimited = (
        "rate: {amount: 60, window: 1m, burst: 20}",
        "rate: {amount: 100000, window: 1s, burst: 100000}",
    );
    let guards = (
        "policies: policies",
        "guards: {address_rate: 1000000}\nrecords: {keep_files: 1000}\npolicies: policies",
    );
    let mut shop = Shop::open(GATEWAY, &[unlimited, guards]);
    let tokens: Vec<String> =
        (0..4).map(|number| shop.issuer.token(&format!("u{number}"))).collect();
    let mut acknowledged = BTreeSet::new();
    let kills = std::env::var("PORTCULLIS_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    for round in 0..kills {
        let end = AtomicBool::new(false);
        let pid = shop.gateway.pid().to_string();
        let seen = std::thread::scope(|scope| {
            let loading = scope.spawn(|| load(&shop, &tokens, &end));
            let pause = u64::try_from(round % 10).unwrap() * 7;
            std::thread::sleep(Duration::from_millis(40 + pause));
            assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            end.store(true, Ordering::SeqCst);
            loading.join().unwrap()
        });
        acknowledged.extend(seen);
        shop.restart();
    }
    let written: BTreeSet<String> = records(&shop.folder().join("state/records"))
        .into_iter()
        .filter(|record| record.kind == RecordKind::Intent)
        .map(|record| record.id.to_string())
        .collect();
    assert!(acknowledged.len() > kills, "only {} requests crossed", acknowledged.len());
    let lost: Vec<_> = acknowledged.difference(&written).collect();
    assert!(lost.is_empty(), "{} of {} records were lost", lost.len(), acknowledged.len());
}
