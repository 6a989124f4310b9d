//! What is said of the files that a listener speaks TLS with? Each finding at the place that names the
//! file, and nothing starts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at the first surprise"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use portcullis_diagnostics::{Finding, Severity};
use portcullis_runtime::estate::{self, Site};
use portcullis_testkit::certificates::DAY;
use portcullis_testkit::certificates::{Authority, Leaf};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop");
const WEB: &str = r#"web: {address: "127.0.0.1:8080", zone: public"#;
const TLS: &str = r#", tls: {certificates: [{certificate: web.pem, key: {file: web.key}}], client: {roots: clients.pem, crls: [clients.crl.pem]}}"#;

/// The shop with TLS, with its files in place.
struct Estate {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Estate {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(Path::new(SHOP), folder.path());
        let estate = Self { folder, authority: Authority::root("all") };
        let own = estate.authority.issue(&Leaf::server(&["api.shop.example"]));
        estate.write("web.pem", &own.chain);
        estate.write("web.key", &own.key);
        estate.write("clients.pem", &estate.authority.pem());
        estate.write("clients.crl.pem", &estate.authority.list(&[], 3600));
        estate.declare(TLS);
        estate
    }

    fn declare(&self, tls: &str) {
        let text = std::fs::read_to_string(Path::new(SHOP).join("portcullis.yaml")).unwrap();
        assert!(text.contains(WEB));
        self.write("portcullis.yaml", &text.replace(WEB, &format!("{WEB}{tls}")));
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn findings(&self) -> Vec<Finding> {
        estate::load(&Site::plain(self.folder.path())).findings
    }

    /// Exactly this finding, at the place of the text.
    fn finds(&self, code: &str, place: &str, case: &str) {
        let found = self.findings();
        let codes: Vec<_> = found.iter().map(|one| one.code).collect();
        assert_eq!(codes, [code], "{case}: {found:#?}");
        let span = found.first().unwrap().span.clone().expect(case);
        let text = std::fs::read_to_string(self.folder.path().join("portcullis.yaml")).unwrap();
        assert_eq!(text.get(span.start..span.end), Some(place), "{case}: {found:#?}");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn files_that_are_as_they_should_be_are_without_findings() {
    assert_eq!(Estate::new().findings(), []);
}

#[test]
fn what_is_missing_or_something_else_is_said() {
    let estate = Estate::new();
    for (file, place) in [
        ("web.pem", "web.pem"),
        ("web.key", "web.key"),
        ("clients.pem", "clients.pem"),
        ("clients.crl.pem", "clients.crl.pem"),
    ] {
        let path = estate.folder.path().join(file);
        let right = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        estate.finds("PC0130", place, file);
        for wrong in
            ["", "garbage", &right.replace('A', "?"), &right.replace("BEGIN ", "BEGIN NO ")]
        {
            estate.write(file, wrong);
            estate.finds("PC0131", place, file);
        }
        estate.write(file, &"x".repeat(1024 * 1024 + 1));
        estate.finds("PC0130", place, file);
        estate.write(file, &right);
    }
    assert_eq!(estate.findings(), []);
    estate.declare(&TLS.replace("{file: web.key}", "{env: PORTCULLIS_TEST_UNSET}"));
    estate.finds("PC0130", "PORTCULLIS_TEST_UNSET", "a variable");
}

#[test]
fn a_key_of_another_certificate_and_one_that_others_may_read() {
    let estate = Estate::new();
    let path = estate.folder.path().join("web.key");
    for (mode, fine) in
        [(0o400, true), (0o640, true), (0o644, false), (0o660, false), (0o602, false)]
    {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        match fine {
            true => assert_eq!(estate.findings(), [], "{mode:o}"),
            false => estate.finds("PC0136", "web.key", &format!("{mode:o}")),
        }
    }
    let other = estate.authority.issue(&Leaf::server(&["api.shop.example"]));
    estate.write("web.key", &other.key);
    estate.finds("PC0132", "web.key", "another key");
}

#[test]
fn times_are_judged() {
    let estate = Estate::new();
    let renew = |from: i64, to: i64| {
        let own = estate.authority.issue(&Leaf { from, to, ..Leaf::server(&["api.shop.example"]) });
        estate.write("web.pem", &own.chain);
        estate.write("web.key", &own.key);
    };
    renew(-2 * DAY, -DAY);
    estate.finds("PC0133", "web.pem", "expired");
    renew(DAY, 2 * DAY);
    estate.finds("PC0133", "web.pem", "not yet valid");
    renew(-DAY, 6 * DAY);
    estate.finds("PC0133", "web.pem", "soon");
    assert!(estate.findings().iter().all(|one| one.severity == Severity::Warning));
    renew(-DAY, 8 * DAY);
    assert_eq!(estate.findings(), []);
    estate.write("clients.crl.pem", &estate.authority.list(&[], -60));
    estate.finds("PC0134", "clients.crl.pem", "an expired list");
}

#[test]
fn weak_keys_and_signatures_are_said() {
    let estate = Estate::new();
    for (case, arguments) in [
        ("1024 bits", &["-newkey", "rsa:1024", "-sha256"][..]),
        (
            "a curve that nobody speaks",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
        ),
    ] {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=weak"])
            .args(["-addext", "subjectAltName=DNS:api.shop.example"])
            .args(arguments)
            .args(["-keyout", "web.key", "-out", "web.pem"])
            .current_dir(estate.folder.path())
            .output()
            .expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let codes: Vec<_> = estate.findings().iter().map(|one| one.code).collect();
        assert!(codes.contains(&"PC0135") || codes == ["PC0131"], "{case}: {codes:?}");
    }
}

#[test]
fn a_name_is_shown_one_certificate() {
    let estate = Estate::new();
    let more = |leaf: &Leaf, default: bool| {
        let own = estate.authority.issue(leaf);
        estate.write("more.pem", &own.chain);
        estate.write("more.key", &own.key);
        let more =
            format!("{{certificate: more.pem, key: {{file: more.key}}, default: {default}}}");
        let web = "{certificate: web.pem, key: {file: web.key}}";
        estate.declare(&TLS.replace(web, &format!("{web}, {more}")));
    };
    more(&Leaf::server(&["stock.shop.example"]), false);
    assert_eq!(estate.findings(), []);
    more(&Leaf::server(&["stock.shop.example", "API.shop.example"]), false);
    estate.finds("PC0137", "more.pem", "a name twice");
    more(&Leaf::server(&[]), false);
    estate.finds("PC0137", "more.pem", "no name, and not the default");
    more(&Leaf::server(&[]), true);
    assert_eq!(estate.findings(), []);
}

#[test]
fn what_can_never_be_spoken_or_shown_is_said() {
    let estate = Estate::new();
    for (case, tls, code) in [
        ("no certificate", ", tls: {certificates: []}".to_owned(), "PC0137"),
        ("no suite", TLS.replace("tls: {", "tls: {ciphers: [modern], "), "PC0138"),
        ("a suite too many", TLS.replace("tls: {", "tls: {versions: {min: \"1.3\"}, ciphers: [modern, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], "), "PC0138"),
        ("out of the estate", TLS.replace("web.pem", "../web.pem"), "PC0122"),
        ("an unknown suite", TLS.replace("tls: {", "tls: {ciphers: [RC4], "), "PC0104"),
    ] {
        estate.declare(&tls);
        let codes: Vec<_> = estate.findings().iter().map(|one| one.code).collect();
        assert!(codes.contains(&code), "{case}: {codes:?}");
    }
    // a provider that nobody can use, and one that takes the place of another
    estate.declare("");
    let path = estate.folder.path().join("portcullis.yaml");
    let with = |text: &str, required: bool| {
        let tls = TLS.replace("crls:", &format!("required: {required}, crls:"));
        let provider = "  mesh: {certificates: {subject: {spiffe: {trust_domain: prod.example}}}}\n  partner-keys:";
        text.replace("  partner-keys:", provider)
            .replacen("providers: [shop-idp]", "providers: [shop-idp, mesh]", 1)
            .replace(WEB, &format!("{WEB}{tls}"))
    };
    let text = std::fs::read_to_string(&path).unwrap();
    estate.write("portcullis.yaml", &with(&text, false));
    assert_eq!(estate.findings(), []);
    for wrong in [with(&text, true), with(&text, false).replace(", client: {", ", client_: {")] {
        estate.write(
            "portcullis.yaml",
            &wrong.replace(
                ", client_: {roots: clients.pem, required: false, crls: [clients.crl.pem]}",
                "",
            ),
        );
        let codes: Vec<_> = estate.findings().iter().map(|one| one.code).collect();
        assert_eq!(codes, ["PC0139", "PC0306"], "{wrong}");
    }
}

#[test]
fn what_only_follows_from_another_finding_is_not_said() {
    let estate = Estate::new();
    let codes = || estate.findings().iter().map(|one| one.code).collect::<Vec<_>>();
    for wrong in ["moderm", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265, modern"] {
        estate.declare(&TLS.replace("tls: {", &format!("tls: {{ciphers: [{wrong}], ")));
        assert_eq!(codes(), ["PC0104", "PC0306"], "{wrong}");
    }
    estate.declare("");
    let path = estate.folder.path().join("portcullis.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let remote = r#"admin: {remote: {address: "127.0.0.1:0", tls: {certificates: [{certificate: web.pem, key: {file: web.key}}]}, operators: [ann.example]}}"#;
    estate.write(
        "portcullis.yaml",
        &text.replace("policies: policies", &format!("policies: policies\n{remote}")),
    );
    assert_eq!(codes(), ["PC0103", "PC0306"]);
}
