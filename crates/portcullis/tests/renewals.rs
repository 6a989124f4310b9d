//! Everything exchanged at once, under load over TLS: a hundred reloads, twenty certificates and the
//! binary four times. Not one failed request, no answer without its record.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portcullis_model::record::RecordKind;
use portcullis_testkit::certificates::Leaf;
use portcullis_testkit::secure::ask;
use portcullis_testkit::shop::request;
use portcullis_testkit::{Dialer, Gateway, Mesh};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const HOST: &str = "api.shop.example";

const RELOADS: usize = 100;
/// Reloads for one certificate, and for one binary.
const CERTIFICATE_EVERY: usize = 5;
const BINARY_EVERY: usize = 25;

/// Limits that a test under load does not reach, and files enough for all records.
const WIDE: [(&str, &str); 2] = [
    ("amount: 60, window: 1m, burst: 20", "amount: 4000000, window: 1m, burst: 4000000"),
    (
        "policies: policies",
        "policies: policies\nguards: {address_rate: 1000000}\nrecords: {keep_files: 1000}",
    ),
];

/// What a client saw.
#[derive(Default)]
struct Seen {
    crossed: BTreeSet<String>,
    failed: Vec<String>,
}

/// Asks until it is told to end; over one connection as long as it is kept, or over a new one each.
fn client(dialer: &Dialer, address: SocketAddr, keep: bool, end: &AtomicBool) -> Seen {
    let (mut seen, mut kept) = (Seen::default(), None);
    let products = request("GET", "/v1/products", &[]);
    while !end.load(Ordering::SeqCst) {
        let secure = match kept.take() {
            Some(secure) => Ok(secure),
            None => dialer.dial(address, HOST),
        };
        let answered = secure
            .map_err(|error| format!("dial: {error}"))
            .and_then(|mut secure| ask(&mut secure, &products).map(|answer| (secure, answer)));
        match answered {
            Ok((secure, answer)) if answer.status == 200 => {
                seen.crossed.insert(answer.id());
                if keep && answer.header("connection") != Some("close") {
                    kept = Some(secure);
                }
            }
            Ok((_, answer)) => seen.failed.push(format!("{answer:?}")),
            Err(why) => seen.failed.push(why),
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    seen
}

/// A hundred times something else decides.
fn exchange(mesh: &mut Mesh, revisions: &mut BTreeSet<String>) -> (usize, usize) {
    let (mut certificates, mut binaries) = (0, 0);
    let (mut from, mut to) = ("json_depth_max: 16", "json_depth_max: 17");
    for round in 1..=RELOADS {
        mesh.shop.rewrite("portcullis.yaml", from, to);
        std::mem::swap(&mut from, &mut to);
        if round % CERTIFICATE_EVERY == 0 {
            let next = mesh.public.issue(&Leaf::server(&[HOST]));
            mesh.replace("web.pem", &next.chain);
            mesh.replace("web.key", &next.key);
            certificates += 1;
        }
        mesh.reload();
        revisions.insert(mesh.shop.gateway.admin("GET", "/revision").1.trim().to_owned());
        if round % BINARY_EVERY == 0 {
            let new = Gateway::start_with(Path::new(GATEWAY), mesh.shop.folder(), &["--takeover"]);
            let mut old = std::mem::replace(&mut mesh.shop.gateway, new);
            old.ended();
            binaries += 1;
        }
    }
    (certificates, binaries)
}

#[test]
fn a_hundred_reloads_with_certificates_and_binaries_fail_no_request() {
    let mut mesh = Mesh::open(GATEWAY, "", &WIDE);
    let address = mesh.address();
    let (end, begun) = (AtomicBool::new(false), Instant::now());
    let mut revisions = BTreeSet::new();
    let (seen, exchanged) = std::thread::scope(|scope| {
        let end = &end;
        let clients: Vec<_> = [true, true, false]
            .into_iter()
            .map(|keep| {
                let dialer = mesh.dialer(None);
                scope.spawn(move || client(&dialer, address, keep, end))
            })
            .collect();
        let exchanged = exchange(&mut mesh, &mut revisions);
        end.store(true, Ordering::SeqCst);
        let seen: Vec<Seen> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        (seen, exchanged)
    });
    let failed: Vec<_> = seen.iter().flat_map(|one| &one.failed).collect();
    let crossed: BTreeSet<_> = seen.iter().flat_map(|one| one.crossed.clone()).collect();
    println!("{} requests, {RELOADS} reloads, {exchanged:?}, {:?}", crossed.len(), begun.elapsed());
    assert!(failed.is_empty(), "{} of {} failed: {failed:?}", failed.len(), crossed.len());
    assert_eq!((exchanged, revisions.len() >= 2), ((20, 4), true), "{revisions:?}");
    assert!(crossed.len() > 200, "only {} requests", crossed.len());
    let all = mesh.shop.gateway.wait_for(|records| {
        let outcomes = records.iter().filter(|record| record.kind == RecordKind::Outcome);
        let written: BTreeSet<String> = outcomes.map(|record| record.id.to_string()).collect();
        crossed.is_subset(&written).then_some(())
    });
    assert!(all.is_some(), "an answer has no record");
}
