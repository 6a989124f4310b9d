//! Do calls of a real gRPC client reach a real gRPC server, judged at their opening, with their
//! trailers by name, and no longer than their credential?

#![allow(clippy::print_stdout, reason = "a test says why it is skipped")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_model::record::RecordKind;
use portcullis_testkit::Shop;
use portcullis_testkit::issuer::now;
use serde_json::json;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/counterparts");
/// Where `cargo xtask test` installs Python packages.
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/python");

const CONTRACT: &str = r#"openapi: 3.1.0
info: {title: The feed, version: "1"}
security:
- token: []
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
paths:
  /shop.Feed/Watch:
    post:
      operationId: watch
      responses: {"200": {description: messages}}
  /shop.Feed/Get:
    post:
      operationId: get
      responses: {"200": {description: a message}}
"#;

const POLICY: &str =
    "@id(\"users-are-fed\")\npermit (principal is Feed::User, action, resource);\n";

const API: &str = "apis:
  feed:
    contract: contracts/feed.yaml
    hosts: [127.0.0.1]
    zone: services
    upstream: feed
    owner: team-feed
    streams:
      watch: {kind: grpc, idle_timeout: 5s, longest: 30s}
      get: {kind: grpc, idle_timeout: 5s, longest: 30s}
";

/// A program that ends with the test.
struct Counterpart(Child);

impl Drop for Counterpart {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _waited = self.0.wait();
    }
}

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(PathBuf::from(SCRIPTS).join(script)).env("PYTHONPATH", PACKAGES);
    command
}

/// Whether the counterpart is installed; on machines that must have it, it is.
fn is_installed() -> bool {
    let mut there = Command::new("python3");
    there.args(["-c", "import grpc"]).env("PYTHONPATH", PACKAGES);
    let found = there.output().is_ok_and(|output| output.status.success());
    assert!(found || std::env::var_os("CI").is_none(), "grpcio is missing; run `cargo xtask test`");
    if !found {
        println!("skipped: grpcio is missing; `cargo xtask test` installs it");
    }
    found
}

fn server() -> (Counterpart, String) {
    let mut child =
        python("grpc_server.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Counterpart(child), format!("127.0.0.1:{}", line.trim()))
}

fn shop(feed: &str) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop");
    assert!(
        Command::new("cp").args(["-r", example]).arg(folder.path()).status().unwrap().success()
    );
    let estate = folder.path().join("shop");
    let upstreams = format!("upstreams:\n  feed: {{address: \"{feed}\", protocol: http2}}\n");
    let changes = [("upstreams:\n", upstreams.as_str()), ("apis:\n", API)];
    let path = estate.join("portcullis.yaml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in changes {
        text = text.replacen(from, to, 1);
    }
    std::fs::write(&path, text).unwrap();
    std::fs::write(estate.join("contracts/feed.yaml"), CONTRACT).unwrap();
    let made = Command::new(GATEWAY).arg("-C").arg(&estate).args(["policy", "baseline"]).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    let baseline = std::fs::read_to_string(estate.join("policies/baseline.cedar")).unwrap();
    let files = [
        ("contracts/feed.yaml", CONTRACT),
        ("policies/baseline.cedar", baseline.as_str()),
        ("policies/feed.cedar", POLICY),
    ];
    Shop::open_with(GATEWAY, &changes, &files)
}

fn calls(shop: &Shop, token: &str, pause: &str) -> Vec<String> {
    let address = shop.gateway.address("web").to_string();
    let output = python("grpc_client.py").args([&address, token, pause]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.lines().map(str::to_owned).collect()
}

#[test]
fn calls_cross_with_their_trailers_and_are_refused_at_their_opening() {
    if !is_installed() {
        return;
    }
    let (_server, address) = server();
    let shop = shop(&address);
    let got = calls(&shop, &shop.issuer.token("alice"), "0.2");
    let expected =
        ["get shop-idp|alice", "missing NOT_FOUND", "watch ONE TWO THREE ", "other UNIMPLEMENTED"];
    for (got, expected) in got.iter().zip(expected) {
        assert_eq!(got, expected);
    }
    let streamed = shop.gateway.wait_for(|records| {
        let ours = records.iter().filter(|one| one.kind == RecordKind::Outcome);
        let watch = ours
            .clone()
            .find(|one| one.crossing.operation.as_ref().is_some_and(|id| id.as_str() == "watch"));
        watch.cloned()
    });
    let streamed = streamed.unwrap();
    assert_eq!(streamed.reason, None);
    assert!(
        streamed.stages.iter().any(|line| line.said.contains("without being inspected")),
        "{streamed:?}"
    );
    let refused = calls(&shop, "", "0");
    assert!(refused.iter().take(3).all(|line| line.ends_with("UNAUTHENTICATED")), "{refused:?}");
}

#[test]
fn a_call_ends_with_its_credential() {
    if !is_installed() {
        return;
    }
    let (_server, address) = server();
    let shop = shop(&address);
    let token = shop.issuer.sign(&shop.issuer.draft("bob").claim("exp", json!(now() - 27)));
    let begun = Instant::now();
    let got = calls(&shop, &token, "4.5");
    assert!(begun.elapsed() < Duration::from_secs(18));
    assert!(!got[2].contains("THREE"), "{got:?}");
    let found = shop.gateway.wait_for(|records| {
        let mut reasons = records.iter().filter_map(|record| record.reason);
        reasons.find(|reason| reason.code() == "reply.credential_ended")
    });
    assert!(found.is_some());
}
