//! Does the doctor find what is wrong with the machine, and nothing where all is well? And do the
//! verbs that ask a running gateway say what it answers?

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use portcullis_testkit::{Behaviour, Shop};

const BINARY: &str = env!("CARGO_BIN_EXE_portcullis");

/// Exit code, and standard output or what was said instead.
fn portcullis(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(BINARY).arg("-C").arg(folder).args(arguments).output().unwrap();
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// A shop whose secrets are private.
fn shop(changes: &[(&str, &str)]) -> Shop {
    let shop = Shop::open(BINARY, changes);
    close(&shop.folder().join("state/pepper"), 0o600);
    shop
}

fn close(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Codes of everything that the doctor finds.
fn codes(folder: &Path) -> Vec<String> {
    let (code, said) = portcullis(folder, &["doctor", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let ill = findings.iter().any(|one| one["severity"] != "note");
    assert_eq!(code, Some(i32::from(ill)), "{said}");
    findings.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

fn replace(folder: &Path, from: &str, to: &str) {
    let path = folder.join("portcullis.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn where_all_is_well_nothing_is_found() {
    let shop = shop(&[]);
    let (code, said) = portcullis(shop.folder(), &["doctor"]);
    assert_eq!(code, Some(0), "{said}");
    for words in [
        "ok  clock: ",
        "ok  provider shop-idp: 1 keys",
        "ok  provider partner-keys: its pepper is private",
        "ok  seal key: is there and private",
        "ok  records: the folder can be written",
        "ok  admin socket: a gateway answers with this revision",
        "ok  file descriptors: up to ",
        "ok  upstream orders: ",
        "0 errors, 0 warnings",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(shop.upstream.take().len(), 0, "upstreams are connected to and asked nothing");
}

#[test]
fn each_illness_has_its_code() {
    let shop = shop(&[]);
    let folder = shop.folder();
    assert_eq!(codes(folder), [""; 0]);
    close(&folder.join("state/pepper"), 0o644);
    assert_eq!(codes(folder), ["PC0513"]);
    close(&folder.join("state/pepper"), 0o600);
    close(&folder.join("state/seal.key"), 0o604);
    assert_eq!(codes(folder), ["PC0513"]);
    close(&folder.join("state/seal.key"), 0o600);
    // the keys of an issuer
    let empty = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"keys\":[]}";
    shop.jwks.behave(Behaviour::BytesThenClose(empty.to_owned()));
    assert_eq!(codes(folder), ["PC0514"]);
    // and its clock
    let past = httpdate(SystemTime::now() - Duration::from_secs(60));
    let set = shop.issuer.jwks();
    let late = format!(
        "HTTP/1.1 200 OK\r\ndate: {past}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{set}",
        set.len()
    );
    shop.jwks.behave(Behaviour::BytesThenClose(late));
    assert_eq!(codes(folder), ["PC0511"]);
    let now = httpdate(SystemTime::now());
    let good = format!(
        "HTTP/1.1 200 OK\r\ndate: {now}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{set}",
        set.len()
    );
    shop.jwks.behave(Behaviour::BytesThenClose(good));
    assert_eq!(codes(folder), [""; 0]);
    // records from the future
    let later = folder.join("state/records/records-99999999999999-000001.jsonl");
    std::fs::write(&later, "").unwrap();
    assert_eq!(codes(folder), ["PC0511"]);
    std::fs::remove_file(later).unwrap();
    // what the running gateway does not know
    replace(folder, "owner: team-orders", "owner: team-others");
    assert_eq!(codes(folder), ["PC0516"]);
}

/// RFC 9110 section 5.6.7, by the tool of the system.
fn httpdate(time: SystemTime) -> String {
    let secs = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let format = ["-u", "-d", &format!("@{secs}"), "+%a, %d %b %Y %H:%M:%S GMT"];
    let output = Command::new("date").env("LC_ALL", "C").args(format).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn without_a_gateway_its_places_must_be_free() {
    let mut shop = shop(&[]);
    let folder = shop.folder().to_owned();
    let pid = shop.gateway.pid().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    shop.gateway.ended();
    assert_eq!(codes(&folder), [""; 0]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let web = "web: {address: \"127.0.0.1:0\"";
    let there = format!("web: {{address: \"{}\"", taken.local_addr().unwrap());
    replace(&folder, web, &there);
    assert_eq!(codes(&folder), ["PC0517"]);
    drop(taken);
    assert_eq!(codes(&folder), [""; 0]);
    std::fs::write(folder.join("state/admin.sock"), "").unwrap();
    assert_eq!(codes(&folder), ["PC0516"]);
    std::fs::remove_file(folder.join("state/admin.sock")).unwrap();
    // nobody listens on a port that was just given back
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    replace(
        &folder,
        &format!("orders: {{address: \"{}\"", shop.upstream.address),
        &format!("orders: {{address: \"{gone}\""),
    );
    assert_eq!(codes(&folder), ["PC0518"]);
    replace(&folder, &gone.to_string(), &shop.upstream.address.to_string());
    replace(&folder, "policies: policies", "records: {directory: portcullis.yaml/x}");
    assert_eq!(codes(&folder), ["PC0515"]);
    replace(
        &folder,
        "records: {directory: portcullis.yaml/x}",
        "records: {keep_files: 100000, rotate_bytes: 1GiB}",
    );
    assert_eq!(codes(&folder), ["PC0515"]);
    let (code, said) = portcullis(Path::new("/nowhere"), &["doctor", "--format", "json"]);
    assert!(code == Some(2) && said.contains("PC0503"), "{said}");
}

#[test]
fn more_connections_than_file_descriptors_do_not_start() {
    let shop = shop(&[]);
    replace(shop.folder(), "policies: policies", "guards: {connections_max: 4000000000}");
    let found = codes(shop.folder());
    assert!(
        found.contains(&"PC0512".to_owned()) && found.contains(&"PC0519".to_owned()),
        "{found:?}"
    );
    let (code, said) = portcullis(shop.folder(), &["run"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("error[PC0512]"), "{said}");
    // nor are they taken by the gateway that runs
    let pid = shop.gateway.pid().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    let begun = SystemTime::now();
    while !shop.gateway.log().contains("not reloaded: PC0512") {
        assert!(begun.elapsed().unwrap() < Duration::from_secs(20), "{}", shop.gateway.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_low_soft_limit_is_raised_to_what_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let low = folder.path().join("low.sh");
    let script = format!("#!/bin/sh\nulimit -Sn 64\nexec {BINARY} \"$@\"\n");
    std::fs::write(&low, script).unwrap();
    close(&low, 0o755);
    let shop = Shop::open(low.to_str().unwrap(), &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", shop.gateway.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft: u64 = line.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert!(soft > 10_000, "{line}");
}

#[test]
fn probes_ask_the_admin_socket() {
    let mut shop = shop(&[]);
    let folder = shop.folder().to_owned();
    let socket = folder.join("state/admin.sock");
    let by_path = ["ready", "--socket", socket.to_str().unwrap()];
    assert_eq!(portcullis(&folder, &["ready"]), (Some(0), "ready\n".to_owned()));
    assert_eq!(portcullis(&folder, &["health"]), (Some(0), "alive\n".to_owned()));
    // an estate that is being edited does not make a gateway unhealthy
    replace(&folder, "zones:", "zonse:");
    assert_eq!(portcullis(&folder, &["ready"]).0, Some(0));
    assert_eq!(portcullis(&folder, &by_path).0, Some(0));
    let pid = shop.gateway.pid().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    shop.gateway.ended();
    let (code, said) = portcullis(&folder, &by_path);
    assert!(code == Some(4) && said.contains("admin.sock"), "{said}");
}
