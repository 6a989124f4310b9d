//! What do TLS and HTTP/2 cost? Handshakes by OpenSSL's `s_time`, requests over HTTP/2 by `h2load`, to
//! Portcullis and to nginx with the same certificate, in turns.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use portcullis_testkit::issuer::Issuer;

use super::load::Upstream;
use super::median;
use super::rivals::{self, Contestant, Run, Tools};

/// Rounds; the median counts.
const ROUNDS: usize = 5;

/// Seconds of handshakes in one round.
const SECONDS: &str = "2";

/// Requests over HTTP/2 in one round.
const REQUESTS: usize = 20_000;

/// What was measured: microseconds of processor time for each.
pub(super) struct Costs {
    /// A whole handshake of TLS 1.3, by contestant.
    pub(super) handshakes: Vec<(&'static str, f64)>,
    /// A bare request over HTTP/2, by contestant.
    pub(super) http2: Vec<(&'static str, f64)>,
}

/// Measures.
pub(super) fn measure(
    tools: &Tools,
    upstream: &Upstream,
    issuer: &Issuer,
    folder: &Path,
) -> Result<Costs> {
    if Command::new("h2load").arg("--version").output().is_err() {
        println!("installing: the Debian package nghttp2-client");
        rivals::run(Command::new("apt-get").args([
            "install",
            "-y",
            "--no-install-recommends",
            "nghttp2-client",
        ]))?;
    }
    let (nginx, ours) = (folder.join("nginx-tls"), folder.join("tls"));
    for folder in [&nginx, &ours] {
        fs::create_dir_all(folder)?;
        certificate(folder)?;
    }
    let tls = "ssl_certificate chain.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;";
    let nginx = rivals::nginx_with(tools, &nginx, upstream.address, "ssl http2", tls)?;
    let how = Run { audit: "best_effort", collector: None, tls: true };
    let ours = rivals::portcullis(&ours, upstream.address, issuer, how)?;
    let contestants = [("nginx", nginx), ("Portcullis", ours)];
    let (mut handshakes, mut http2) = (vec![Vec::new(); 2], vec![Vec::new(); 2]);
    for round in 0..ROUNDS {
        for (at, (name, contestant)) in contestants.iter().enumerate() {
            let handshake = each(contestant, || shake(contestant))?;
            let request = each(contestant, || ask(contestant))?;
            println!(
                "round {round}: {name:<12} {handshake:>7.1} us a handshake, {request:>7.1} us a request over HTTP/2"
            );
            handshakes.get_mut(at).context("a contestant")?.push(handshake);
            http2.get_mut(at).context("a contestant")?.push(request);
        }
    }
    let names = ["nginx", "Portcullis"];
    for (_, contestant) in contestants {
        contestant.stop()?;
    }
    let medians =
        |all: &[Vec<f64>]| names.into_iter().zip(all.iter().map(|one| median(one))).collect();
    Ok(Costs { handshakes: medians(&handshakes), http2: medians(&http2) })
}

/// Processor time for each of what was done, in microseconds.
fn each(contestant: &Contestant, work: impl Fn() -> Result<u64>) -> Result<f64> {
    let before = contestant.cpu_nanos()?;
    let done = work()?;
    ensure!(done > 0, "nothing was done");
    let spent = contestant.cpu_nanos()?.saturating_sub(before);
    Ok(spent as f64 / 1000.0 / done as f64)
}

/// Whole handshakes, one after the other.
fn shake(contestant: &Contestant) -> Result<u64> {
    let output = Command::new("openssl")
        .args(["s_time", "-new", "-tls1_3", "-time", SECONDS, "-connect"])
        .arg(contestant.address.to_string())
        .output()
        .context("openssl")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // "N connections in 1.23s; …": the first such line counts processor time, both the same number
    let line = said.lines().find(|line| line.contains(" connections in ")).context("s_time")?;
    Ok(line.split(' ').next().context("s_time")?.parse()?)
}

/// Requests over four connections, ten at once on each.
fn ask(contestant: &Contestant) -> Result<u64> {
    let output = Command::new("h2load")
        .args(["-n", &REQUESTS.to_string(), "-c", "4", "-m", "10"])
        .args(["-H", ":authority: api.shop.example"])
        .arg(format!("https://{}/v1/products?search=tea", contestant.address))
        .output()
        .context("h2load")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let good = format!("{REQUESTS} 2xx");
    ensure!(said.contains(&good), "not every request over HTTP/2 was answered well:\n{said}");
    Ok(u64::try_from(REQUESTS)?)
}

fn certificate(folder: &Path) -> Result<()> {
    let made = rcgen::generate_simple_self_signed(vec!["api.shop.example".to_owned()])?;
    fs::write(folder.join("chain.pem"), made.cert.pem())?;
    let key = folder.join("key.pem");
    fs::write(&key, made.signing_key.serialize_pem())?;
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}
