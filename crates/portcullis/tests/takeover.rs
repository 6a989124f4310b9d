//! Does a new process take over without a failed request, and does the old one leave nothing behind?
//! Real processes, new and kept connections under load, every answer with its record.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portcullis_model::record::RecordKind;
use portcullis_testkit::raw::read_one;
use portcullis_testkit::shop::get;
use portcullis_testkit::{Gateway, Shop};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");

const ORDERS: &str = "/v1/tenants/acme/orders";

/// Upgrades while requests come.
const UPGRADES: usize = 3;

/// A process that leaves has answered everything within this time.
const LEAVING: Duration = Duration::from_secs(15);

fn shop() -> Shop {
    let unlimited = (
        "rate: {amount: 60, window: 1m, burst: 20}",
        "rate: {amount: 100000, window: 1s, burst: 100000}",
    );
    let guards = (
        "policies: policies",
        "guards: {address_rate: 1000000}\nrecords: {keep_files: 1000}\npolicies: policies",
    );
    Shop::open(GATEWAY, &[unlimited, guards])
}

fn upgrade(shop: &mut Shop) -> Gateway {
    let new = Gateway::start_with(Path::new(GATEWAY), shop.folder(), &["--takeover"]);
    std::mem::replace(&mut shop.gateway, new)
}

/// What a client saw.
#[derive(Default)]
struct Seen {
    crossed: BTreeSet<String>,
    failed: Vec<String>,
}

/// Asks until it is told to end; over one connection as long as it is kept, or over a new one each.
fn client(address: SocketAddr, token: &str, keep: bool, end: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut kept: Option<TcpStream> = None;
    while !end.load(Ordering::SeqCst) {
        let mut stream = match kept.take().map_or_else(|| TcpStream::connect(address), Ok) {
            Ok(stream) => stream,
            Err(error) => {
                seen.failed.push(format!("connect: {error}"));
                continue;
            }
        };
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let sent = stream.write_all(get(ORDERS, token).as_bytes());
        match read_one(&mut stream) {
            Some(answer) if answer.status == 200 => {
                seen.crossed.insert(answer.id());
                if keep && answer.header("connection") != Some("close") {
                    kept = Some(stream);
                }
            }
            other => seen.failed.push(format!("{sent:?} {other:?}")),
        }
        // some hundred requests a second, over all clients
        std::thread::sleep(Duration::from_millis(3));
    }
    seen
}

#[test]
fn three_upgrades_under_load_fail_no_request_and_lose_no_record() {
    let mut shop = shop();
    let address = shop.gateway.address("web");
    let tokens: Vec<String> =
        (0..8).map(|number| shop.issuer.token(&format!("u{number}"))).collect();
    let end = AtomicBool::new(false);
    let begun = Instant::now();
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let end = &end;
        let clients: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(number, token)| {
                scope.spawn(move || client(address, token, number % 2 == 0, end))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        let mut pids = BTreeSet::from([shop.gateway.pid()]);
        for _ in 0..UPGRADES {
            let mut old = upgrade(&mut shop);
            assert_eq!(shop.gateway.address("web"), address, "the same sockets");
            let leaving = Instant::now();
            old.ended();
            assert!(leaving.elapsed() < LEAVING, "{:?}", leaving.elapsed());
            assert!(pids.insert(shop.gateway.pid()));
            std::thread::sleep(Duration::from_millis(300));
        }
        end.store(true, Ordering::SeqCst);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let failed: Vec<_> = seen.iter().flat_map(|one| &one.failed).collect();
    let crossed: BTreeSet<_> = seen.iter().flat_map(|one| one.crossed.clone()).collect();
    let rate = crossed.len() as f64 / begun.elapsed().as_secs_f64();
    println!("{} requests over {UPGRADES} upgrades, {rate:.0} a second", crossed.len());
    assert!(failed.is_empty(), "{} of {} failed: {failed:?}", failed.len(), crossed.len());
    assert!(crossed.len() > 200, "only {} requests", crossed.len());
    let all = shop.gateway.wait_for(|records| {
        let written: BTreeSet<String> = records
            .iter()
            .filter(|record| record.kind == RecordKind::Outcome)
            .map(|record| record.id.to_string())
            .collect();
        crossed.is_subset(&written).then_some(())
    });
    assert!(all.is_some(), "an answer has no record");
    // and the door of operators is that of the last
    let ready = Command::new(GATEWAY).arg("-C").arg(shop.folder()).arg("ready").status().unwrap();
    assert!(ready.success());
    assert!(!shop.folder().join("state/admin.next").exists());
}

#[test]
fn a_kept_connection_without_a_request_may_still_send_one() {
    let mut shop = shop();
    let token = shop.issuer.token("ann");
    let mut stream = TcpStream::connect(shop.gateway.address("web")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(get(ORDERS, &token).as_bytes()).unwrap();
    let first = read_one(&mut stream).unwrap();
    assert_eq!((first.status, first.header("connection")), (200, None));
    let mut old = upgrade(&mut shop);
    std::thread::sleep(Duration::from_secs(1));
    stream.write_all(get(ORDERS, &token).as_bytes()).unwrap();
    let last = read_one(&mut stream).unwrap();
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    old.ended();
}

#[test]
fn who_does_not_go_through_with_it_takes_nothing() {
    let shop = shop();
    let token = shop.issuer.token("ann");
    for said in ["", "give\n", "nonsense\n"] {
        let mut stream = UnixStream::connect(shop.folder().join("state/admin.sock")).unwrap();
        let request = "POST /takeover HTTP/1.1\r\nhost: admin\r\nconnection: upgrade\r\nupgrade: portcullis-takeover\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        stream.write_all(said.as_bytes()).unwrap();
        drop(stream);
        assert_eq!(shop.send(get(ORDERS, &token)).remove(0).status, 200, "{said:?}");
    }
    // an estate that does not hold takes nothing over either
    let path = shop.folder().join("portcullis.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("zones:", "zonse:")).unwrap();
    let run =
        Command::new(GATEWAY).arg("-C").arg(shop.folder()).args(["run", "--takeover"]).output();
    assert_eq!(run.unwrap().status.code(), Some(2));
    assert_eq!(shop.send(get(ORDERS, &token)).remove(0).status, 200);
    // and without asking, a second gateway does not start
    std::fs::write(&path, text).unwrap();
    let run = Command::new(GATEWAY).arg("-C").arg(shop.folder()).arg("run").output().unwrap();
    assert_eq!(run.status.code(), Some(2), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(shop.send(get(ORDERS, &token)).remove(0).status, 200);
}

#[test]
fn whoever_asked_for_it_is_told_that_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let told = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let script = folder.path().join("notified.sh");
    let text = format!("#!/bin/sh\nNOTIFY_SOCKET={} exec {GATEWAY} \"$@\"\n", socket.display());
    std::fs::write(&script, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let _shop = Shop::open(script.to_str().unwrap(), &[]);
    let mut bytes = [0; 64];
    let count = told.recv(&mut bytes).unwrap();
    assert_eq!(bytes.get(..count), Some(b"READY=1".as_slice()));
}
