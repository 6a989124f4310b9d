//! Do the dashboards and alert rules that come with it speak of metrics that exist, and does a real
//! Prometheus read them? Needs `prometheus` and `promtool`; `cargo xtask test` installs both.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_testkit::raw::exchange;
use portcullis_testkit::shop::{get, request};
use portcullis_testkit::{Behaviour, Shop};
use serde_json::Value;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");
const PATIENCE: Duration = Duration::from_secs(60);

/// Metrics that Prometheus makes itself.
const ITS_OWN: [&str; 1] = ["up"];

/// The queries of a dashboard, with its variables filled in.
fn queries(board: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Value::Object(members) = board {
        if let Some(Value::String(query)) = members.get("expr") {
            let filled = query.replace("$__rate_interval", "5m");
            found.push(filled.replace("$boundary", ".*").replace("$upstream", ".*"));
        }
        found.extend(members.values().flat_map(queries));
    } else if let Value::Array(items) = board {
        found.extend(items.iter().flat_map(queries));
    }
    found
}

/// Every query of every dashboard and rule.
fn all_queries() -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(format!("{DEPLOY}/grafana")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        found.extend(queries(&serde_json::from_str(&text).unwrap()));
    }
    let rules = std::fs::read_to_string(format!("{DEPLOY}/prometheus/alerts.yaml")).unwrap();
    let rules: Value = serde_saphyr::from_str(&rules).unwrap();
    found.extend(queries(&rules));
    assert!(found.len() > 50, "{}", found.len());
    found
}

/// Names in a query that can be metrics of ours.
fn names(query: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let ours = |name: &&str| name.starts_with("portcullis_") || name.starts_with("process_");
    query.split(word).filter(ours).map(str::to_owned).collect()
}

/// Names that an exposition has, as samples of each kind are called.
fn exported(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        names.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    names
}

/// The shop with an address for metrics, and a listener that speaks TLS since a reload.
fn measured() -> (Shop, SocketAddr) {
    let declared = "policies: policies\ntelemetry: {prometheus: {address: \"127.0.0.1:0\"}}";
    let mut shop = Shop::open(GATEWAY, &[("policies: policies", declared)]);
    let made = rcgen::generate_simple_self_signed(["api.shop.example".to_owned()]).unwrap();
    let file = |name: &str| shop.folder().join("state").join(name);
    std::fs::write(file("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(file("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(file("key.pem"), Permissions::from_mode(0o600)).unwrap();
    let secure = "  secure: {address: \"127.0.0.1:0\", zone: public, tls: {certificates: \
                  [{certificate: state/cert.pem, key: {file: state/key.pem}, default: true}]}}";
    shop.rewrite("portcullis.yaml", "listeners:\n", &format!("listeners:\n{secure}\n"));
    let (taken, said) = shop.gateway.reload();
    assert!(taken, "{said}");
    let log = shop.gateway.log();
    let address = log.lines().find_map(|line| line.strip_prefix("metrics on ")).unwrap();
    let address = address.parse().unwrap();
    (shop, address)
}

/// Requests of every kind of end.
fn traffic(shop: &Shop) {
    let products = request("GET", "/v1/products", &[]);
    assert_eq!(shop.send(&products)[0].status, 200);
    let token = shop.issuer.token("alice");
    assert_eq!(shop.send(get("/v1/tenants/acme/orders", &token))[0].status, 200);
    assert_eq!(shop.send(get("/v1/tenants/other/orders", &token))[0].status, 403);
    shop.upstream.behave(Behaviour::Close);
    assert_eq!(shop.send(&products)[0].status, 502);
    shop.upstream.behave(Behaviour::Answer);
}

#[test]
fn every_metric_that_is_shown_or_watched_is_exported() {
    let (shop, address) = measured();
    traffic(&shop);
    let asked = "GET /metrics HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n";
    let wanted: BTreeSet<String> = all_queries().iter().flat_map(|query| names(query)).collect();
    let begun = Instant::now();
    // what records say is counted when they are written
    loop {
        let answer = exchange(address, asked.as_bytes()).remove(0);
        assert_eq!(answer.status, 200);
        let exported = exported(&answer.body);
        let missing: Vec<_> = wanted.difference(&exported).collect();
        if missing.is_empty() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{missing:?} is none of {exported:?}");
    }
    let other =
        exchange(address, b"GET /explain/x HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n");
    assert_eq!(other[0].status, 404, "nothing but metrics is answered here");
    assert!(shop.gateway.admin("GET", "/metrics").1.contains("portcullis_build_info"));
}

#[test]
fn the_alert_rules_say_what_they_should_when_they_should() {
    let folder = format!("{DEPLOY}/prometheus");
    for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]] {
        let output = Command::new("promtool").args(arguments).current_dir(&folder).output();
        let output = output.unwrap_or_else(|_| panic!("no promtool: run `cargo xtask test`"));
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "promtool {arguments:?}: {said}");
    }
    let tested = std::fs::read_to_string(format!("{folder}/alerts.test.yaml")).unwrap();
    let rules = std::fs::read_to_string(format!("{folder}/alerts.yaml")).unwrap();
    for name in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let quiet = tested.contains(&format!("alertname: {name}}}"));
        let loud = tested.contains(&format!("alertname: {name}\n    exp_alerts:"));
        assert!(quiet && loud, "`{name}` is not tested both ways");
    }
}

/// A Prometheus that reads the gateway.
struct Prometheus {
    address: SocketAddr,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn start(target: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prometheus.yaml");
        let rules = Path::new(DEPLOY).join("prometheus/alerts.yaml").canonicalize().unwrap();
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: [{}]\n\
             scrape_configs: [{{job_name: portcullis, static_configs: [{{targets: [\"{target}\"]}}]}}]\n",
            rules.display()
        );
        std::fs::write(&file, text).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|_| panic!("no prometheus: run `cargo xtask test`"));
        Self { address, child, _folder: folder }
    }

    /// What it answers to a query; `None` while it cannot.
    fn query(&self, query: &str) -> Option<Value> {
        use std::io::{Read, Write};
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let mut stream = std::net::TcpStream::connect(self.address).ok()?;
        let head = format!("GET /api/v1/query?query={encoded} HTTP/1.0\r\nHost: p\r\n\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _killed: std::io::Result<()> = self.child.kill();
        let _waited: std::io::Result<_> = self.child.wait();
    }
}

#[test]
fn a_real_prometheus_reads_it_and_understands_every_query() {
    let (shop, address) = measured();
    traffic(&shop);
    let prometheus = Prometheus::start(address);
    let begun = Instant::now();
    let found = |query: &str| {
        let answer = prometheus.query(query)?;
        answer["data"]["result"].as_array().filter(|found| !found.is_empty()).cloned()
    };
    let series = "portcullis_requests_total{outcome=\"allow\",route=\"/v1/products\"}";
    let series = loop {
        if let Some(found) = found(series) {
            break found;
        }
        assert!(begun.elapsed() < PATIENCE, "{:?}", prometheus.query("up"));
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(series[0]["metric"]["boundary"], "web-to-services");
    assert_eq!(series[0]["value"][1], "2");
    for (query, value) in [
        ("portcullis_upstream_calls_total{outcome=\"forward.upstream_unreachable\"}", "1"),
        ("sum(portcullis_denied_total{reason=~\"authorize.*\"})", "1"),
        ("portcullis_decision_seconds_count{stage=\"authorize\"}", "4"),
        ("portcullis_bundle_seq", "2"),
        ("portcullis_reloads_total{outcome=\"taken\"}", "1"),
        ("portcullis_cert_expiry_seconds{certificate=\"secure/0\"} > bool 0", "1"),
        ("up{job=\"portcullis\"}", "1"),
    ] {
        let answer = found(query).unwrap_or_else(|| panic!("{query} has no answer"));
        assert_eq!(answer[0]["value"][1], value, "{query}");
    }
    assert!(found("portcullis_key_set_age_seconds{provider=\"shop-idp\"}").is_some());
    for query in all_queries() {
        let answer = prometheus.query(&query).unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
    }
    for name in ITS_OWN {
        assert!(found(name).is_some(), "{name}");
    }
}
