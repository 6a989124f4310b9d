//! A real issuer: npm `oidc-provider` in a process of its own, as `cargo xtask test` installs it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::raw::{connect, read_one};

/// Where Node packages are.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/node");

/// What starts it.
const SCRIPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../portcullis/tests/counterparts/issuer.mjs");

/// Secret of every client that has one.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A running issuer; ended when it is dropped.
#[derive(Debug)]
pub struct Provider {
    /// Its `iss`.
    pub issuer: String,
    /// Where it speaks HTTP.
    pub plain: SocketAddr,
    /// Its port with TLS, where it was given certificates.
    pub secure: Option<u16>,
    child: Child,
    told: ChildStdin,
    said: BufReader<ChildStdout>,
}

/// A client with a secret, whose tokens say these things besides.
#[must_use]
pub fn client(id: &str, extra: &Value) -> Value {
    json!({"client_id": id, "client_secret": SECRET, "extra": extra})
}

impl Provider {
    /// Starts it with these clients.
    #[must_use]
    pub fn start(clients: &[Value]) -> Self {
        Self::start_with(&json!({ "clients": clients }))
    }

    /// Starts it with these settings.
    #[must_use]
    pub fn start_with(settings: &Value) -> Self {
        let installed = Path::new(MODULES).join("node_modules/oidc-provider").is_dir();
        assert!(installed, "`oidc-provider` is not installed; `cargo xtask test` does that");
        let mut child = Command::new("node")
            .args([SCRIPT, MODULES, &settings.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is installed");
        let told = child.stdin.take().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let (issuer, plain) = (String::new(), SocketAddr::from(([127, 0, 0, 1], 0)));
        let mut provider = Self { issuer, plain, secure: None, child, told, said };
        let place = provider.hear();
        provider.issuer = place["issuer"].as_str().unwrap().to_owned();
        provider.plain.set_port(port(&place["plain"]).unwrap());
        provider.secure = port(&place["secure"]);
        provider
    }

    /// Withdraws its key for another one.
    pub fn rotate(&mut self) {
        let _done = self.tell("rotate");
    }

    /// How often each of its paths was asked for.
    #[must_use]
    pub fn counts(&mut self) -> Value {
        self.tell("counts")
    }

    /// An access token of a client for a resource.
    #[must_use]
    pub fn token(&self, client: &str, resource: &str, scope: &str) -> String {
        let resource = resource.replace(':', "%3A").replace('/', "%2F");
        let scope = scope.replace(':', "%3A").replace(' ', "+");
        let form = format!("grant_type=client_credentials&resource={resource}&scope={scope}");
        let answer = self.form("/token", client, &form);
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// Takes a token back.
    pub fn revoke(&self, client: &str, token: &str) {
        let _empty = self.form("/token/revocation", client, &format!("token={token}"));
    }

    fn form(&self, path: &str, client: &str, form: &str) -> Value {
        let basic = STANDARD.encode(format!("{client}:{SECRET}"));
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {basic}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{form}",
            self.plain,
            form.len()
        );
        let mut stream = connect(self.plain);
        stream.write_all(head.as_bytes()).unwrap();
        let answer = read_one(&mut stream).unwrap();
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    fn tell(&mut self, word: &str) -> Value {
        writeln!(self.told, "{word}").unwrap();
        self.hear()
    }

    fn hear(&mut self) -> Value {
        loop {
            let mut line = String::new();
            let count = self.said.read_line(&mut line).unwrap();
            assert!(count > 0, "the issuer ended");
            // the package has notices of its own
            if line.starts_with('{') {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _killed: std::io::Result<()> = self.child.kill();
        let _waited: std::io::Result<_> = self.child.wait();
    }
}

fn port(value: &Value) -> Option<u16> {
    value.as_u64().map(|port| u16::try_from(port).unwrap())
}
