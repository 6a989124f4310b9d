//! What goes wrong, and when? Two lanes by one seed, each with its own order: what surrounds the
//! gateway (upstreams, the issuer), and what operators do (reloads, certificates, take-over, kill, no
//! room for records). In each lane one fault at a time, with calm in between; over both they meet.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use portcullis_testkit::certificates::Leaf;
use portcullis_testkit::shop::publish;
use portcullis_testkit::{Behaviour, Gateway, Issuer, Upstream};
use serde_json::{Value, json};

use super::estate::{Estate, HOST, STALE_AFTER};
use super::random::Random;
use super::run::{Run, Vouching};
use super::upstream::{Server, Trouble};
use super::weather::Fault;

/// What surrounds the gateway.
const AROUND: [Fault; 7] = [
    Fault::UpstreamDown,
    Fault::UpstreamSlow,
    Fault::UpstreamReset,
    Fault::UpstreamHalf,
    Fault::UpstreamFraming,
    Fault::IssuerDown,
    Fault::KeysRotated,
];

/// What operators do, and what a process does not survive: that is rarer, so that lives are long.
const OPERATED: [Fault; 4] =
    [Fault::Reloaded, Fault::ReloadRefused, Fault::Certificates, Fault::RecordsFull];
const FATAL: [Fault; 2] = [Fault::Takeover, Fault::Kill];

/// Key sets are asked for anew within this time.
const KEYS_EVERY: Duration = Duration::from_secs(8);

/// The lane of what surrounds the gateway.
pub(super) fn around(run: &Run, jwks: &Upstream, servers: &[Server; 3], random: &mut Random) {
    while !run.is_over() {
        for fault in random.shuffled(&AROUND) {
            run.sleep(Duration::from_millis(1_500 + random.below(4_000)));
            if run.is_over() {
                return;
            }
            run.tally.brought(fault);
            run.weather.begin(fault);
            match fault {
                Fault::IssuerDown => issuer_down(run, jwks, random),
                Fault::KeysRotated => keys_rotated(run, jwks),
                _ => upstream_trouble(run, fault, servers, random),
            }
            run.weather.end(fault);
            drop(jwks.take());
        }
    }
}

fn upstream_trouble(run: &Run, fault: Fault, servers: &[Server; 3], random: &mut Random) {
    let trouble = match fault {
        Fault::UpstreamDown => Trouble::Down,
        Fault::UpstreamSlow => Trouble::Slow,
        Fault::UpstreamReset => Trouble::Reset,
        Fault::UpstreamHalf => Trouble::Half,
        _ => Trouble::Framing,
    };
    // one address of two, or everything
    let some = if random.below(2) == 0 { 1 } else { servers.len() };
    for server in servers.iter().take(some) {
        server.suffer(trouble);
    }
    run.sleep(Duration::from_millis(2_000 + random.below(3_000)));
    for server in servers {
        server.suffer(Trouble::None);
    }
}

/// The issuer is gone until its keys may be believed no more, and some seconds longer.
fn issuer_down(run: &Run, jwks: &Upstream, random: &mut Random) {
    let ways = [Behaviour::Close, Behaviour::Reset, Behaviour::Half];
    if let Some(way) = random.one(&ways) {
        jwks.behave(way.clone());
    }
    run.sleep(STALE_AFTER + Duration::from_secs(6));
    publish(jwks, &run.vouching().issuer.jwks());
}

/// Both keys, then tokens of the new one, then the new one alone.
fn keys_rotated(run: &Run, jwks: &Upstream) {
    let Vouching { issuer, generation, .. } = run.vouching();
    let generation = generation + 1;
    let next = Arc::new(Issuer::new(&format!("soak-{generation}")));
    publish(jwks, &set(&[&issuer, &next]));
    run.sleep(KEYS_EVERY);
    run.vouch(Vouching { issuer: Arc::clone(&next), generation, withdrawn: None });
    // tokens of the old one are on their way
    run.sleep(Duration::from_secs(4));
    publish(jwks, &next.jwks());
    let withdrawn = Some((issuer, Instant::now()));
    run.vouch(Vouching { issuer: next, generation, withdrawn });
    run.sleep(Duration::from_secs(3));
}

fn set(issuers: &[&Arc<Issuer>]) -> String {
    let keys: Vec<Value> = issuers.iter().map(|issuer| issuer.jwk()).collect();
    json!({"keys": keys}).to_string()
}

/// The lane of operators. `lives`: how long a process lives at least, after the first round.
pub(super) fn operated(
    run: &Run,
    estate: &mut Estate,
    lives: Duration,
    random: &mut Random,
) -> Result<()> {
    let mut born: Option<Instant> = None;
    while !run.is_over() {
        let mut due = OPERATED.to_vec();
        if born.is_none_or(|born| born.elapsed() > lives) {
            due.extend(FATAL);
        }
        for fault in random.shuffled(&due) {
            run.sleep(Duration::from_millis(1_000 + random.below(3_000)));
            if run.is_over() {
                return Ok(());
            }
            run.tally.brought(fault);
            run.weather.begin(fault);
            let done = operate(run, estate, fault, random);
            run.weather.end(fault);
            done.with_context(|| fault.name())?;
            if FATAL.contains(&fault) {
                born = Some(Instant::now());
            }
        }
    }
    Ok(())
}

fn operate(run: &Run, estate: &mut Estate, fault: Fault, random: &mut Random) -> Result<()> {
    match fault {
        Fault::Reloaded => reloaded(run, estate, 3 + random.below(6)),
        Fault::ReloadRefused => reload_refused(run, estate),
        Fault::Certificates => certificates(run, estate),
        Fault::RecordsFull => records_full(run, estate),
        Fault::Takeover => taken_over(run, estate),
        Fault::Kill => killed(run, estate),
        Fault::UpstreamDown
        | Fault::UpstreamSlow
        | Fault::UpstreamReset
        | Fault::UpstreamHalf
        | Fault::UpstreamFraming
        | Fault::IssuerDown
        | Fault::KeysRotated => Ok(()),
    }
}

/// Another declaration and back: an inspection bound, and what pools are made from.
fn reloaded(run: &Run, estate: &mut Estate, times: u64) -> Result<()> {
    let pairs = [
        ("json_depth_max: 16", "json_depth_max: 17"),
        ("connect_timeout: 1s", "connect_timeout: 900ms"),
    ];
    for _ in 0..times {
        for back in [false, true] {
            for (one, other) in pairs {
                let (from, to) = if back { (other, one) } else { (one, other) };
                estate.mesh.shop.rewrite("portcullis.yaml", from, to);
            }
            let (taken, said) = estate.mesh.shop.gateway.reload();
            ensure!(taken, "a good estate was not taken: {said}");
            run.sleep(Duration::from_millis(150));
        }
    }
    Ok(())
}

/// What does not hold changes nothing.
fn reload_refused(run: &Run, estate: &mut Estate) -> Result<()> {
    let broken = [
        ("portcullis.yaml", "audit: required", "audit: requierd"),
        ("policies/orders.cedar", "permit", "pemrit"),
        ("contracts/orders.yaml", "openapi: 3", "openapi: 2"),
    ];
    let (_, before) = estate.mesh.shop.gateway.admin("GET", "/revision");
    for (file, from, to) in broken {
        estate.mesh.shop.rewrite(file, from, to);
        let (taken, said) = estate.mesh.shop.gateway.reload();
        estate.mesh.shop.rewrite(file, to, from);
        ensure!(!taken, "a broken estate was taken: {said}");
        let (_, after) = estate.mesh.shop.gateway.admin("GET", "/revision");
        ensure!(before == after, "a refused reload changed the revision");
        run.sleep(Duration::from_millis(300));
    }
    Ok(())
}

/// Certificate and key, one file after the other.
fn certificates(run: &Run, estate: &mut Estate) -> Result<()> {
    for _ in 0..4 {
        let next = estate.mesh.public.issue(&Leaf::server(&[HOST, "*.shops.example"]));
        estate.mesh.replace("web.pem", &next.chain);
        let (taken, _) = estate.mesh.shop.gateway.reload();
        ensure!(!taken, "a certificate was taken with the key of another");
        estate.mesh.replace("web.key", &next.key);
        let (taken, said) = estate.mesh.shop.gateway.reload();
        ensure!(taken, "a certificate was not taken: {said}");
        run.sleep(Duration::from_millis(300));
    }
    Ok(())
}

/// No file may grow; then it may again.
fn records_full(run: &Run, estate: &Estate) -> Result<()> {
    bound_files(estate.mesh.shop.gateway.pid(), "0")?;
    run.sleep(Duration::from_secs(3));
    bound_files(estate.mesh.shop.gateway.pid(), "unlimited")
}

fn bound_files(pid: u32, bound: &str) -> Result<()> {
    // the soft bound alone: raising it again needs no right
    let bound = format!("--fsize={bound}:");
    let status = Command::new("prlimit").args(["--pid", &pid.to_string(), &bound]).status();
    ensure!(status.context("prlimit cannot be started")?.success(), "prlimit failed");
    Ok(())
}

fn taken_over(run: &Run, estate: &mut Estate) -> Result<()> {
    let new = started(&estate.launcher, estate.folder());
    run.serving.set(new.pid());
    let mut old = std::mem::replace(&mut estate.mesh.shop.gateway, new);
    let begun = Instant::now();
    old.ended();
    ensure!(begun.elapsed() < Duration::from_secs(20), "the old process did not leave");
    Ok(())
}

fn started(launcher: &Path, folder: &Path) -> Gateway {
    Gateway::start_with(launcher, folder, &["--takeover"])
}

fn killed(run: &Run, estate: &mut Estate) -> Result<()> {
    let pid = estate.mesh.shop.gateway.pid().to_string();
    let status = Command::new("kill").args(["-9", &pid]).status();
    ensure!(status.context("kill cannot be started")?.success(), "kill failed");
    estate.mesh.shop.restart();
    run.serving.set(estate.mesh.shop.gateway.pid());
    Ok(())
}
