//! Do the guides tell the truth? Every declaration of docs/guide is loaded as it stands, and run against a
//! real issuer.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::path::Path;
use std::process::Command;

use portcullis_diagnostics::codes;
use portcullis_runtime::estate::{self, Site};
use portcullis_testkit::issuer::now;
use portcullis_testkit::provider::{SECRET, client};
use portcullis_testkit::raw::exchange;
use portcullis_testkit::shop::{get, request};
use portcullis_testkit::{Gateway, Provider, Upstream};
use serde_json::json;
use tempfile::TempDir;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const GUIDES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide");

/// The files of a guide: fenced blocks that name one.
fn files(guide: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(Path::new(GUIDES).join(guide)).unwrap();
    let mut files = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(fence)) => {
                let name = fence.split_once("file=").map(|(_, name)| name.trim().to_owned());
                open = Some((name.unwrap_or_default(), String::new()));
            }
            (Some(_), Some(_)) => files.extend(open.take().filter(|(name, _)| !name.is_empty())),
            (Some((_, block)), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    files
}

/// The estate of a guide in a folder, with these texts written otherwise, and its baseline made.
fn estate(guide: &str, changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, mut text) in files(guide) {
        for (from, to) in changes {
            text = text.replace(from, to);
        }
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::create_dir_all(folder.path().join("state")).unwrap();
    let secret = folder.path().join("state/client-secret");
    std::fs::write(&secret, SECRET).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(secret, mode).unwrap();
    let mut baseline = Command::new(GATEWAY);
    let output = baseline.arg("-C").arg(folder.path()).args(["policy", "baseline"]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = folder.path().join("policies/baseline.cedar");
    if !file.exists() {
        std::fs::write(file, output.stdout).unwrap();
    }
    folder
}

#[test]
fn every_declaration_of_a_guide_holds() {
    let mut guides = 0;
    for entry in std::fs::read_dir(GUIDES).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if files(&name).is_empty() {
            continue;
        }
        guides += 1;
        let folder = estate(&name, &[]);
        let found = estate::load(&Site::plain(folder.path()));
        let errors: Vec<_> = found.findings.iter().filter(|one| one.is_error()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        let text = std::fs::read_to_string(Path::new(GUIDES).join(&name)).unwrap();
        for finding in &found.findings {
            let said = text.contains(finding.code);
            assert!(said, "{name} does not speak of its warning {}: {finding:#?}", finding.code);
        }
        for (at, _) in text.match_indices("PC0") {
            let code = text.get(at..at + 6).unwrap();
            assert!(codes::page(code).is_some(), "{name} names {code}");
        }
    }
    assert!(guides >= 2, "{guides} guides");
}

#[test]
fn the_guide_to_openid_connect_runs() {
    let extra = |acr: &str| json!({"tenant": "acme", "acr": acr, "auth_time": now()});
    let provider =
        Provider::start(&[client("strong", &extra("mfa")), client("weak", &extra("pwd"))]);
    let upstream = Upstream::start();
    let folder = estate("oidc.md", &changes(&provider, &upstream));
    let gateway = Gateway::start(Path::new(GATEWAY), folder.path());
    let ask = |bytes: String| exchange(gateway.address("web"), bytes.as_bytes()).remove(0);
    let token =
        |client: &str, scope: &str| provider.token(client, "https://api.shop.example", scope);
    assert_eq!(ask(get("/v1/notes", &token("weak", "orders:read"))).status, 200);
    let delete = |client: &str| {
        let token = token(client, "orders:write");
        ask(request("DELETE", "/v1/notes", &[&format!("Authorization: Bearer {token}")]))
    };
    assert_eq!(delete("strong").status, 200);
    let challenge = delete("weak").header("www-authenticate").unwrap().to_owned();
    assert_eq!(
        challenge,
        "Bearer error=\"insufficient_user_authentication\", acr_values=\"mfa\", max_age=\"300\", \
         resource_metadata=\"https://api.shop.example/.well-known/oauth-protected-resource/v1\""
    );
    let metadata = ask(request("GET", "/.well-known/oauth-protected-resource/v1", &[]));
    assert!(metadata.body.contains(&provider.issuer), "{metadata:?}");
}

#[test]
fn the_guide_to_introspection_runs() {
    let us = client("portcullis", &json!({}));
    let provider = Provider::start(&[client("app", &json!({"tenant": "acme"})), us]);
    let upstream = Upstream::start();
    let folder = estate("introspection.md", &changes(&provider, &upstream));
    let gateway = Gateway::start(Path::new(GATEWAY), folder.path());
    let ask = |token: &str| {
        exchange(gateway.address("web"), get("/v1/notes", token).as_bytes()).remove(0)
    };
    let token = provider.token("app", "https://opaque.shop.example", "orders:read");
    assert_eq!(ask(&token).status, 200);
    assert_eq!(upstream.take()[0].values("x-portcullis-principal"), ["opaque|app"]);
    assert_eq!(ask("guessed").code(), "identify.token_inactive");
    // three parts are one more opaque token here, as no signed ones are accepted
    assert_eq!(ask("a.b.c").code(), "identify.token_inactive");
}

fn changes(provider: &Provider, upstream: &Upstream) -> [(&'static str, &'static str); 3] {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    [
        ("http://127.0.0.1:8090", leak(provider.issuer.clone())),
        ("127.0.0.1:8080", "127.0.0.1:0"),
        ("127.0.0.1:8091", leak(upstream.address.to_string())),
    ]
}
