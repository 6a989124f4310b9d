//! The example shop, set up for a test: its estate in a folder of its own with free ports, a token
//! issuer, upstreams, and the gateway in front.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::gateway::Gateway;
use crate::issuer::Issuer;
use crate::raw::{Answer, exchange};
use crate::upstream::{Behaviour, Upstream};

/// Where the example is.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop");

/// A pepper for tests.
const PEPPER: &str = "0123456789abcdef0123456789abcdef";

/// A shop.
#[derive(Debug)]
pub struct Shop {
    /// The gateway.
    pub gateway: Gateway,
    /// Makes tokens.
    pub issuer: Issuer,
    /// Serves the issuer's key set.
    pub jwks: Upstream,
    /// Upstream of orders and stock.
    pub upstream: Upstream,
    binary: PathBuf,
    folder: TempDir,
}

impl Shop {
    /// Opens the shop with changes to `portcullis.yaml`: every text on the left stands there.
    #[must_use]
    pub fn open(binary: &str, changes: &[(&str, &str)]) -> Self {
        Self::open_with(binary, changes, &[])
    }

    /// The same with further files, which replace those of the example.
    #[must_use]
    pub fn open_with(binary: &str, changes: &[(&str, &str)], files: &[(&str, &str)]) -> Self {
        let (issuer, jwks, upstream) =
            (Issuer::new("shop-1"), Upstream::start(), Upstream::start());
        publish(&jwks, &issuer.jwks());
        let folder = tempfile::tempdir().unwrap();
        copy(Path::new(EXAMPLE), folder.path());
        let ports = [
            ("127.0.0.1:8080", "127.0.0.1:0".to_owned()),
            ("127.0.0.1:8081", "127.0.0.1:0".to_owned()),
            ("127.0.0.1:8090", jwks.address.to_string()),
            ("127.0.0.1:8091", upstream.address.to_string()),
            ("127.0.0.1:8092", upstream.address.to_string()),
        ];
        let path = folder.path().join("portcullis.yaml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "`{from}` does not stand in the declaration");
            text = text.replace(from, to);
        }
        for (from, to) in &ports {
            text = text.replace(from, to);
        }
        std::fs::write(&path, text).unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            if path.extension().is_some_and(|extension| extension == "key") {
                std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            }
        }
        std::fs::create_dir_all(folder.path().join("state")).unwrap();
        std::fs::write(folder.path().join("state/pepper"), PEPPER).unwrap();
        let binary = PathBuf::from(binary);
        let gateway = Gateway::start(&binary, folder.path());
        Self { gateway, issuer, jwks, upstream, binary, folder }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the estate otherwise: the text on the left stands there.
    pub fn rewrite(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` does not stand in {file}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// Starts the gateway anew with further arguments of `run`.
    pub fn restart_with(&mut self, arguments: &[&str]) {
        self.gateway = Gateway::start_with(&self.binary, self.folder.path(), arguments);
    }

    /// Starts the gateway anew, after it was killed or stopped.
    pub fn restart(&mut self) {
        self.gateway = Gateway::start(&self.binary, self.folder.path());
    }

    /// Runs a verb of the binary on the estate and answers what it prints.
    #[must_use]
    pub fn verb(&self, arguments: &[&str]) -> String {
        let mut command = std::process::Command::new(&self.binary);
        let output = command.arg("-C").arg(self.folder.path()).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Makes an API key of the partner.
    #[must_use]
    pub fn key(&self, scopes: &[&str]) -> String {
        let mut arguments = vec!["key", "new", "--provider", "partner-keys", "--holder", "test"];
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        self.verb(&arguments)
    }

    /// Sends bytes to the web listener.
    #[must_use]
    pub fn send(&self, bytes: impl AsRef<[u8]>) -> Vec<Answer> {
        exchange(self.gateway.address("web"), bytes.as_ref())
    }

    /// Sends bytes that must be refused: the last answer has the code, the upstream saw nothing of
    /// it, and the record has the reason. Answers that answer.
    pub fn refuses(&self, case: &str, bytes: impl AsRef<[u8]>, code: &str) -> Answer {
        let _before = self.upstream.take();
        let answers = self.send(bytes);
        let last = answers.last().unwrap_or_else(|| panic!("{case}: no answer"));
        assert_eq!(last.code(), code, "{case}: {answers:?}");
        let seen = self.upstream.take();
        assert_eq!(seen.len(), answers.len() - 1, "{case}: the upstream saw {seen:?}");
        let record = self.gateway.outcome(&last.id());
        let reason = record.reason.map(|reason| reason.to_string());
        assert_eq!(reason.as_deref(), Some(code), "{case}: {record:?}");
        last.clone()
    }

    /// Sends bytes of one request that must cross; answers what the upstream saw.
    pub fn crosses(&self, case: &str, bytes: impl AsRef<[u8]>) -> crate::upstream::Seen {
        let _before = self.upstream.take();
        let answers = self.send(bytes);
        let last = answers.last().unwrap_or_else(|| panic!("{case}: no answer"));
        assert_eq!(last.status, 200, "{case}: {answers:?}");
        let mut seen = self.upstream.take();
        assert_eq!(seen.len(), 1, "{case}: the upstream saw {seen:?}");
        assert_eq!(self.gateway.outcome(&last.id()).reason, None, "{case}");
        seen.remove(0)
    }
}

/// Has a key set served.
pub fn publish(jwks: &Upstream, set: &str) {
    jwks.behave(document(set));
}

/// Answers with this JSON.
#[must_use]
pub fn document(json: &str) -> Behaviour {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    Behaviour::BytesThenClose(format!("{head}content-length: {}\r\n\r\n{json}", json.len()))
}

/// A request to the web listener with these further header lines.
#[must_use]
pub fn request(method: &str, target: &str, lines: &[&str]) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: api.shop.example\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text + "\r\n"
}

/// A `GET` with a token.
#[must_use]
pub fn get(target: &str, token: &str) -> String {
    request("GET", target, &[&format!("Authorization: Bearer {token}")])
}

/// A `POST` of JSON with a token.
#[must_use]
pub fn post(target: &str, token: &str, body: &str) -> String {
    let length = format!("Content-Length: {}", body.len());
    let token = format!("Authorization: Bearer {token}");
    request("POST", target, &[&token, "Content-Type: application/json", &length]) + body
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == "state" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
