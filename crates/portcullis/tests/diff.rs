//! Does `diff` say what changed in meaning, with what it does, and nothing of what only reads
//! differently? A table of changes to the shop.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use portcullis_core::Snapshot;
use portcullis_core::diff::{Change, Effect, diff};
use portcullis_runtime::estate::{self, Site};

use Effect::{CannotBeTold, Narrows, Neutral, Widens};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop");
const BINARY: &str = env!("CARGO_BIN_EXE_portcullis");

const DECLARATION: &str = "portcullis.yaml";
const CONTRACT: &str = "contracts/orders.yaml";
const POLICIES: &str = "policies/orders.cedar";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn shop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new(SHOP), folder.path());
    folder
}

fn write(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no `{from}`");
    std::fs::write(&path, text.replace(from, to)).unwrap();
    if file != CONTRACT {
        return;
    }
    let baseline = Command::new(BINARY).arg("-C").arg(folder).args(["policy", "baseline"]).output();
    assert!(baseline.unwrap().status.success(), "{from} -> {to}");
}

fn load(folder: &Path) -> Snapshot {
    let found = estate::load(&Site::plain(folder));
    assert!(!found.has_errors(), "{:#?}", found.findings);
    found.value.unwrap()
}

/// Changes of the shop with one place written otherwise, there and back.
fn changes(file: &str, from: &str, to: &str) -> (Vec<Change>, Vec<Change>) {
    let folder = shop();
    write(folder.path(), file, from, to);
    static AS_IT_STANDS: LazyLock<Snapshot> = LazyLock::new(|| load(Path::new(SHOP)));
    let new = load(folder.path());
    (diff(&AS_IT_STANDS, &new), diff(&new, &AS_IT_STANDS))
}

const fn back(effect: Effect) -> Effect {
    match effect {
        Widens => Narrows,
        Narrows => Widens,
        same @ (CannotBeTold | Neutral) => same,
    }
}

type Row = (&'static str, &'static str, &'static str, Effect, &'static str);

const TABLE: &[Row] = &[
    (
        DECLARATION,
        "audit: required",
        "audit: best_effort",
        Widens,
        "boundaries web-to-services: audit: required -> best_effort",
    ),
    (DECLARATION, ", anonymous: true", "", Narrows, "boundaries web-to-services: anonymous"),
    (
        DECLARATION,
        "json_depth_max: 16}",
        "json_depth_max: 17}",
        Widens,
        "boundaries web-to-services: json_depth_max",
    ),
    (
        DECLARATION,
        "body_bytes_max: 16KiB",
        "body_bytes_max: 1KiB",
        Narrows,
        "boundaries web-to-services: body_bytes_max",
    ),
    (
        DECLARATION,
        "limits: [per-caller, at-once]",
        "limits: [per-caller]",
        Widens,
        "boundaries web-to-services: limit `at-once` removed",
    ),
    (
        DECLARATION,
        "providers: [shop-idp]",
        "providers: [shop-idp, partner-keys]",
        Widens,
        "boundaries web-to-services: provider `partner-keys` added",
    ),
    (
        DECLARATION,
        "burst: 20",
        "burst: 30",
        Widens,
        "limits per-caller: 60 per 60s, 20 at once -> 60 per 60s, 30",
    ),
    (
        DECLARATION,
        "amount: 60, window: 1m, burst: 20",
        "amount: 90, window: 1m, burst: 10",
        CannotBeTold,
        "limits per-caller",
    ),
    (
        DECLARATION,
        "amount: 60, window: 1m",
        "amount: 120, window: 3m",
        Narrows,
        "limits per-caller",
    ),
    (
        DECLARATION,
        "concurrent: 32",
        "concurrent: 16",
        Narrows,
        "limits at-once: 32 at once -> 16 at once",
    ),
    (
        DECLARATION,
        "algorithms: [ES256]",
        "algorithms: [ES256, EdDSA]",
        Widens,
        "providers shop-idp: algorithm `EdDSA` added",
    ),
    (DECLARATION, "clock_skew: 30s", "clock_skew: 10s", Narrows, "providers shop-idp: clock_skew"),
    (DECLARATION, "tenant: tenant", "tenant: org", CannotBeTold, "providers shop-idp: its claims"),
    (
        DECLARATION,
        "header: x-api-key",
        "header: x-key",
        CannotBeTold,
        "providers partner-keys: header",
    ),
    (DECLARATION, "fresh_for: 5m", "fresh_for: 6m", CannotBeTold, "providers shop-idp: its keys"),
    (DECLARATION, "\"127.0.0.1:8080\"", "\"0.0.0.0:8080\"", Widens, "listeners web: address"),
    (DECLARATION, "\"127.0.0.1:8080\"", "\"127.0.0.1:8088\"", Neutral, "listeners web: address"),
    (
        DECLARATION,
        "\"127.0.0.1:8091\"",
        "\"127.0.0.1:8099\"",
        CannotBeTold,
        "upstreams orders: address `127.0.0.1:8099` added",
    ),
    (
        DECLARATION,
        "response_timeout: 2s",
        "response_timeout: 3s",
        Neutral,
        "upstreams orders: response_timeout",
    ),
    (DECLARATION, "owner: team-orders", "owner: team-one", Neutral, "apis orders: owner"),
    (
        DECLARATION,
        "hosts: [api.shop.example, ",
        "hosts: [",
        Narrows,
        "apis orders: host `api.shop.example` removed",
    ),
    (
        DECLARATION,
        "policies: policies",
        "guards: {connections_max: 10001}",
        Widens,
        "guards: connections_max",
    ),
    (DECLARATION, "policies: policies", "records: {keep_files: 8}", Neutral, "records: keep_files"),
    (
        DECLARATION,
        "policies: policies",
        "admin: {socket: state/other.sock}",
        Neutral,
        "admin: socket: \"state/admin.sock\" -> \"state/other.sock\"",
    ),
    (
        CONTRACT,
        "maximum: 100",
        "maximum: 1000",
        CannotBeTold,
        "operations orders.listOrders: its contract",
    ),
    (
        CONTRACT,
        "token: [orders:write]",
        "token: [orders:read]",
        CannotBeTold,
        "operations orders.createOrder: asks for: orders:write -> orders:read",
    ),
    (
        CONTRACT,
        "token: [orders:read]",
        "token: []",
        Widens,
        "operations orders.getOrder: asks for: orders:read -> a credential",
    ),
    (CONTRACT, "/products:", "/goods:", CannotBeTold, "operations orders.listProducts: place"),
    (
        POLICIES,
        "@id(\"users-order\")\npermit",
        "@id(\"users-order\")\nforbid",
        Narrows,
        "policies users-order: a forbid now",
    ),
    (
        POLICIES,
        "contains(\"manager\")",
        "contains(\"owner\")",
        CannotBeTold,
        "policies managers-cancel",
    ),
    (
        POLICIES,
        "@id(\"users-order\")",
        "@id(\"users-order-more\")",
        Widens,
        "policies users-order-more: permit added",
    ),
    (
        POLICIES,
        "@id(\"suspended-shops-do-not-order\")",
        "@id(\"x\")",
        Widens,
        "policies suspended-shops-do-not-order: forbid removed",
    ),
];

#[test]
fn each_change_is_said_with_what_it_does_there_and_back() {
    for (file, from, to, effect, said) in TABLE {
        let (there, home) = changes(file, from, to);
        let shown = |one: &Change| {
            format!("{} {}", one.section, one.name).trim().to_owned() + ": " + &one.said
        };
        let found: Vec<_> = there.iter().filter(|one| shown(one).starts_with(said)).collect();
        assert_eq!(found.len(), 1, "{from} -> {to}: {there:#?}");
        assert_eq!(found[0].effect, *effect, "{from} -> {to}: {there:#?}");
        let same = |one: &&Change| (one.section, &one.name) == (found[0].section, &found[0].name);
        let reversed = home.iter().filter(same).any(|one| one.effect == back(*effect));
        assert!(reversed, "{to} -> {from}: {home:#?}");
    }
}

#[test]
fn what_only_reads_differently_is_no_change() {
    let rows = [
        (DECLARATION, "# A shop with many tenants.", "# A shop, and\n# many tenants."),
        (DECLARATION, "description: \"our APIs\"", "description: ours"),
        (
            DECLARATION,
            "{address: \"127.0.0.1:8080\", zone: public}",
            "{zone: public, address: \"127.0.0.1:8080\"}",
        ),
        (DECLARATION, "policies: policies", "guards: {connections_max: 10000}"),
        (DECLARATION, "window: 1m, burst: 20", "window: 60s, burst: 20"),
        (POLICIES, "// Who may do what", "// Who may do all that"),
        (POLICIES, "permit (principal, action", "permit(\n  principal, // anybody\n  action"),
    ];
    for (file, from, to) in rows {
        assert_eq!(changes(file, from, to).0, [], "{from} -> {to}");
    }
}

#[test]
fn operations_and_boundaries_that_come_and_go() {
    let folder = shop();
    let declaration = std::fs::read_to_string(folder.path().join(DECLARATION)).unwrap();
    let start = declaration.find("  partner-to-services:").unwrap();
    let end = declaration.find("policies: policies").unwrap();
    let without = declaration.get(start..end).unwrap();
    let without = declaration
        .replace(without, "")
        .replace("  partner: {address: \"127.0.0.1:8081\", zone: partners}\n", "")
        .replace("  per-partner: {per: principal, rate: {amount: 30, window: 1m, burst: 5}}\n", "")
        .replace(
            "identity: {providers: [shop-idp]",
            "identity: {providers: [shop-idp, partner-keys]",
        );
    std::fs::write(folder.path().join(DECLARATION), without).unwrap();
    let found = diff(&load(Path::new(SHOP)), &load(folder.path()));
    let said: Vec<_> = found
        .iter()
        .map(|one| (one.section, one.name.as_str(), one.effect, one.said.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("boundaries", "partner-to-services", Narrows, "removed"),
            ("boundaries", "web-to-services", Widens, "provider `partner-keys` added"),
            ("limits", "per-partner", Neutral, "removed"),
            ("listeners", "partner", Narrows, "removed"),
        ]
    );
}

#[test]
fn on_the_command_line() {
    let run = |arguments: &[&str]| {
        let output = Command::new(BINARY).arg("-C").arg(SHOP).args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = run(&["diff", SHOP, SHOP, "--overlay", "staging"]);
    assert_eq!((code, said.as_str()), (Some(0), "the same in meaning\n"));
    let (code, said) = run(&["diff", "--overlay", "staging"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("widens          boundaries web-to-services: limit `per-caller` removed")
    );
    let (code, json) = run(&["diff", "--overlay", "staging", "--format", "json"]);
    assert_eq!(code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let count = |effect: &str| {
        json["changes"].as_array().unwrap().iter().filter(|one| one["effect"] == effect).count()
    };
    assert_eq!((count("widens"), count("cannot_be_told")), (1, 6), "{json:#}");
    assert_ne!(json["revisions"]["old"], json["revisions"]["new"]);
    let (code, said) = run(&["diff"]);
    assert!(code == Some(2) && said.contains("nothing to compare"), "{said}");
    let (code, said) = run(&["diff", SHOP, "/nowhere"]);
    assert!(code == Some(2) && said.contains("PC0503"), "{said}");
    // what an overlay lets through is noted where it is checked
    let (_, said) = run(&["check", "--overlay", "staging"]);
    assert!(said.contains("note[PC0169]: overlay `staging` widens"), "{said}");
    assert!(said.contains("0 errors, 0 warnings, 1 note"), "{said}");
}
