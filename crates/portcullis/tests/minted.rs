//! Tokens of the boundary's own towards upstreams (attack case D9): what another implementation makes of
//! them, what they are good for, and what of them is written down.

#![allow(clippy::print_stdout, reason = "a test says why it is skipped")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_model::record::FactValue;
use portcullis_testkit::Shop;
use portcullis_testkit::issuer::now;
use portcullis_testkit::shop::{get, post, request};
use serde_json::{Value, json};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/counterparts");
/// Where `cargo xtask test` installs Python packages.
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/python");

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop");
const GUIDES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide");

const ISSUER: &str = "https://gate.shop.example";
const AUDIENCE: &str = "https://orders.internal";
const ORDERS: &str = "/v1/tenants/acme/orders";
const JWKS: &str = "/.well-known/jwks.json";

const POLICIES: &str = "policies: policies";
const ADDRESS: &str = "orders: {address: \"127.0.0.1:8091\"";

/// The declaration with a token for the upstream of orders, which has these further keys.
fn changes(token: &str, address: &str) -> [(String, String); 2] {
    let tokens = format!(
        "{POLICIES}\ntokens: {{issuer: \"{ISSUER}\", publish: {{listener: web, path: {JWKS}}}}}"
    );
    let upstream =
        format!("orders: {{token: {{audience: \"{AUDIENCE}\"{token}}}, address: \"{address}\"");
    [(POLICIES.to_owned(), tokens), (ADDRESS.to_owned(), upstream)]
}

fn shop_with(token: &str, further: &[(&str, &str)]) -> Shop {
    let changes = changes(token, "127.0.0.1:8091");
    let mut all: Vec<(&str, &str)> =
        changes.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    all.extend_from_slice(further);
    Shop::open(GATEWAY, &all)
}

/// The claims of a token, by nobody's word.
fn claims(token: &str) -> Value {
    let part = token.trim_start_matches("Bearer ").split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// What the upstream got in a header; exactly one.
fn carried(shop: &Shop, case: &str, bytes: &str, header: &str) -> String {
    let values = shop.crosses(case, bytes).values(header);
    assert_eq!(values.len(), 1, "{case}: {values:?}");
    values[0].clone()
}

/// An upstream that verifies with PyJWT; ends with the test.
struct Verifying {
    process: Child,
    port: String,
}

impl Drop for Verifying {
    fn drop(&mut self) {
        let _killed = self.process.kill();
        let _waited = self.process.wait();
    }
}

impl Verifying {
    /// Starts, where PyJWT is installed; on machines that must have it, it is.
    fn start() -> Option<Self> {
        let mut there = Command::new("python3");
        there.args(["-c", "import jwt, cryptography"]).env("PYTHONPATH", PACKAGES);
        let found = there.output().is_ok_and(|output| output.status.success());
        assert!(
            found || std::env::var_os("CI").is_none(),
            "PyJWT is missing; run `cargo xtask test`"
        );
        if !found {
            println!("skipped: PyJWT is missing");
            return None;
        }
        let mut process = Command::new("python3")
            .arg(PathBuf::from(SCRIPTS).join("verifying_upstream.py"))
            .args([ISSUER, AUDIENCE, "authorization"])
            .env("PYTHONPATH", PACKAGES)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Some(Self { process, port: port.trim().to_owned() })
    }

    /// Where it fetches keys.
    fn fetches(&mut self, url: &str) {
        let mut input = self.process.stdin.take().unwrap();
        writeln!(input, "{url}").unwrap();
        self.process.stdin = Some(input);
    }
}

#[test]
fn d09_another_implementation_lets_in_what_crossed_and_nothing_that_went_around() {
    let Some(mut upstream) = Verifying::start() else { return };
    let address = format!("127.0.0.1:{}", upstream.port);
    let changes = changes("", &address);
    let changes: Vec<_> = changes.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let shop = Shop::open(GATEWAY, &changes);
    upstream.fetches(&format!("http://{}{JWKS}", shop.gateway.address("web")));
    let outside = shop.issuer.token("alice");
    let answer = shop.send(get(ORDERS, &outside)).remove(0);
    assert_eq!(answer.status, 200, "{answer:?}");
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    let claims = &said["claims"];
    assert_eq!(claims["sub"], "shop-idp|alice");
    assert_eq!(claims["tenant"], "acme");
    assert_eq!(claims["scope"], "orders:read", "only what the operation asks for");
    assert_eq!((&claims["htm"], &claims["op"]), (&json!("GET"), &json!("orders/listOrders")));
    let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert!(life <= 60, "{claims}");
    assert!(!said["authorization"].to_string().contains(&outside));
    // the record names it and does not hold it
    let record = shop.gateway.outcome(&answer.id());
    let fact = record.facts.iter().find(|fact| fact.name == "token").unwrap();
    let FactValue::Clear(fact) = &fact.value else { panic!("{fact:?}") };
    let fact: Value = serde_json::from_str(fact).unwrap();
    assert_eq!(fact["handle"], claims["jti"]);
    let token = said["authorization"][0].as_str().unwrap().trim_start_matches("Bearer ");
    assert!(!serde_json::to_string(&record).unwrap().contains(token));
    assert!(!shop.gateway.log().contains(token));
    // whoever goes around the gateway has no such token
    let direct = request("GET", ORDERS, &[&format!("Authorization: Bearer {outside}")]);
    let around = portcullis_testkit::raw::exchange(address.parse().unwrap(), direct.as_bytes());
    assert_eq!(around[0].status, 401, "{around:?}");
}

#[test]
fn a_token_is_given_again_for_the_very_same_order_and_for_no_other() {
    let shop = shop_with("", &[]);
    let (alice, bob) = (shop.issuer.token("alice"), shop.issuer.token("bob"));
    let first = carried(&shop, "alice", &get(ORDERS, &alice), "authorization");
    let again = carried(&shop, "alice again", &get(ORDERS, &alice), "authorization");
    assert_eq!(first, again);
    let one = claims(&first);
    let other_caller = claims(&carried(&shop, "bob", &get(ORDERS, &bob), "authorization"));
    assert_eq!(other_caller["sub"], "shop-idp|bob");
    let order = r#"{"customer":"a@example.com","lines":[{"sku":"ABC-0001","amount":2}]}"#;
    let other_operation =
        claims(&carried(&shop, "create", &post(ORDERS, &alice, order), "authorization"));
    assert_eq!(
        (&other_operation["htm"], &other_operation["op"], &other_operation["scope"]),
        (&json!("POST"), &json!("orders/createOrder"), &json!("orders:write"))
    );
    // the same caller with another credential
    let draft = shop.issuer.draft("alice").claim("scope", "orders:read".into());
    let narrow = shop.issuer.sign(&draft);
    let other_credential =
        claims(&carried(&shop, "narrow", &get(ORDERS, &narrow), "authorization"));
    let handles: std::collections::BTreeSet<&str> =
        [&one, &other_caller, &other_operation, &other_credential]
            .iter()
            .map(|claims| claims["jti"].as_str().unwrap())
            .collect();
    assert_eq!(handles.len(), 4);
    // what needs no credential has no scope
    let open =
        claims(&carried(&shop, "anonymous", &request("GET", "/v1/products", &[]), "authorization"));
    assert_eq!((&open["sub"], &open["scope"]), (&json!("anonymous"), &json!("")));
}

#[test]
fn it_ends_no_later_than_the_credential_behind_it() {
    let shop = shop_with("", &[("clock_skew: 30s", "clock_skew: 0s")]);
    let expires = now() + 20;
    let token = shop.issuer.sign(&shop.issuer.draft("alice").claim("exp", expires.into()));
    let claims = claims(&carried(&shop, "short", &get(ORDERS, &token), "authorization"));
    assert_eq!(claims["exp"], expires);
}

#[test]
fn d01_what_a_caller_sends_in_its_place_never_gets_through() {
    let shop = shop_with(", header: x-portcullis-token", &[]);
    let token = format!("Authorization: Bearer {}", shop.issuer.token("alice"));
    for spoof in ["X-Portcullis-Token: forged", "x-portcullis-token: forged"] {
        let seen = shop.crosses(spoof, request("GET", ORDERS, &[&token, spoof]));
        let values = seen.values("x-portcullis-token");
        assert_eq!(values.len(), 1, "{values:?}");
        assert_eq!(claims(&values[0])["sub"], "shop-idp|alice");
        assert!(seen.values("authorization").is_empty(), "{seen:?}");
    }
    // an upstream that is declared no token is sent none
    let key = shop.key(&["stock:read"]);
    let bytes = request("GET", "/stock/v1/items", &[&format!("X-Api-Key: {key}")]);
    let bytes = bytes.replace("api.shop.example", "stock.shop.example");
    let answers =
        portcullis_testkit::raw::exchange(shop.gateway.address("partner"), bytes.as_bytes());
    assert_ne!(answers[0].status, 503, "{answers:?}");
    for seen in shop.upstream.take() {
        assert!(seen.values("authorization").is_empty(), "{seen:?}");
        assert!(seen.values("x-portcullis-token").is_empty(), "{seen:?}");
    }
}

#[test]
fn t38_actors_go_along_where_they_are_declared_and_end_the_request_where_not() {
    let shop = shop_with("", &[("max_lifetime: 1h", "max_lifetime: 1h\n      actors: [helper]")]);
    let acting = |act: Value| shop.issuer.sign(&shop.issuer.draft("alice").claim("act", act));
    let declared = acting(json!({"sub": "helper"}));
    let claims = claims(&carried(&shop, "declared", &get(ORDERS, &declared), "authorization"));
    assert_eq!(claims["act"], json!({"sub": "shop-idp|helper"}));
    let mut deep = json!({"sub": "helper"});
    for _ in 0..4 {
        deep = json!({"sub": "helper", "act": deep});
    }
    for (case, act) in [("another", json!({"sub": "mallory"})), ("too deep", deep)] {
        shop.refuses(case, get(ORDERS, &acting(act)), "identify.actor_refused");
    }
    shop.refuses("no chain", get(ORDERS, &acting(json!("helper"))), "identify.claim_invalid");
}

#[test]
fn public_keys_are_for_everybody_and_private_ones_for_nobody() {
    let shop = shop_with("", &[]);
    let answer = shop.send(request("GET", JWKS, &[])).remove(0);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/jwk-set+json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let set: Value = serde_json::from_str(&answer.body).unwrap();
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "the one that signs, and its successor: {set}");
    assert!(keys.iter().all(|key| key.get("d").is_none() && key["use"] == "sig"));
    let token = carried(&shop, "alice", &get(ORDERS, &shop.issuer.token("alice")), "authorization");
    let header = token.trim_start_matches("Bearer ").split('.').next().unwrap().to_owned();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header["kid"], keys[0]["kid"]);
    let record = shop.gateway.outcome(&answer.id());
    assert_eq!((record.reason, record.stage.to_string().as_str()), (None, "receive"));
    let _nothing = shop.refuses("POST", request("POST", JWKS, &[]), "receive.unlisted_operation");
    // the other listener does not publish them
    let other = portcullis_testkit::raw::exchange(
        shop.gateway.address("partner"),
        request("GET", JWKS, &[]).as_bytes(),
    );
    assert_eq!(other[0].code(), "receive.unlisted_operation");
    // every decision replays
    let file = std::fs::read_dir(shop.folder().join("state/records")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).max().unwrap();
    let replayed = shop.verb(&["replay", &file.display().to_string()]);
    assert!(replayed.contains(" 0 differ, 0 cannot be recomputed"), "{replayed}");
}

#[test]
fn without_keys_nothing_crosses_and_nothing_starts() {
    let mut shop = shop_with("", &[("audit: required", "audit: best_effort")]);
    let ring = shop.folder().join("state/tokens/ring.json");
    std::fs::write(&ring, "{").unwrap();
    // the ring that was read goes on; a process that begins with this one does not
    let kept = carried(&shop, "kept", &get(ORDERS, &shop.issuer.token("alice")), "authorization");
    assert!(kept.starts_with("Bearer "));
    // a reload with another folder makes another ring, and its tokens are new
    shop.rewrite("portcullis.yaml", "tokens: {issuer:", "tokens: {keys: state/other, issuer:");
    let (taken, said) = shop.gateway.reload();
    assert!(taken, "{said}");
    let other = carried(&shop, "other", &get(ORDERS, &shop.issuer.token("alice")), "authorization");
    assert_ne!(kept.split('.').next(), other.split('.').next());
    // a process that begins with a ring that cannot be read does not begin
    shop.rewrite("portcullis.yaml", "tokens: {keys: state/other, issuer:", "tokens: {issuer:");
    let pid = shop.gateway.pid().to_string();
    let killed = Command::new("kill").args(["-9", &pid]).status().unwrap();
    assert!(killed.success());
    let output = Command::new(GATEWAY).arg("-C").arg(shop.folder()).arg("run").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("state/tokens"), "{said}");
}

/// Every declaration of a guide, with the contracts and policies of the shop, is one without findings.
fn holds(guide: &str) {
    let text = std::fs::read_to_string(format!("{GUIDES}/{guide}")).unwrap();
    let blocks: Vec<&str> = text
        .split("```yaml portcullis.yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(!blocks.is_empty(), "{guide} shows no declaration");
    for block in blocks {
        let folder = tempfile::tempdir().unwrap();
        for below in ["contracts/orders.yaml", "policies/orders.cedar"] {
            let target = folder.path().join(below);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(format!("{SHOP}/{below}"), target).unwrap();
        }
        std::fs::write(folder.path().join("portcullis.yaml"), block).unwrap();
        let run = |verb: &[&str]| {
            let mut command = Command::new(GATEWAY);
            command.arg("-C").arg(folder.path()).args(verb).output().unwrap()
        };
        let baseline = run(&["policy", "baseline"]);
        assert!(baseline.status.success(), "{}", String::from_utf8_lossy(&baseline.stderr));
        let checked = run(&["check"]);
        let said = [checked.stdout, checked.stderr].concat();
        assert!(checked.status.success(), "{guide}: {}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn what_the_guides_declare_holds() {
    holds("minted-tokens.md");
    holds("token-exchange.md");
    holds("workloads.md");
}
