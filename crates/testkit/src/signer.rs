//! A signer of messages that others wrote (PyPI `http-message-signatures`), and the shop whose partner
//! signs.

use std::io::{BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::issuer::now;

const SCRIPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../portcullis/tests/counterparts/signer.py");
/// Where `cargo xtask test` installs Python packages.
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/python");

/// The secret of its key `shared`.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The signer, with its keys `ed`, `p256`, `rsa`, `shared` and `stranger`.
#[derive(Debug)]
pub struct Signer {
    child: Child,
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    keys: Value,
}

/// A message that is to be signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Everything that is said of it.
    pub asked: Value,
}

impl Signed {
    /// A message to the shop's partner listener with what must be covered.
    #[must_use]
    pub fn new(key: &str, method: &str, target: &str, body: &str) -> Self {
        let mut headers = json!({"Host": "stock.shop.example"});
        if !body.is_empty() {
            headers["Content-Type"] = "application/json".into();
        }
        Self {
            asked: json!({
                "key": key, "method": method, "body": body, "headers": headers,
                "url": format!("http://stock.shop.example{target}"), "target": target,
                "components": ["@method", "@target-uri", "content-digest"], "created": now(),
            }),
        }
    }

    /// Says something else of it.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.asked[name] = value;
        self
    }
}

impl Signer {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        let mut child = Command::new("python3")
            .args([SCRIPT, PACKAGES])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let asking = child.stdin.take().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let keys = line(&mut said);
        Self { child, talk: Mutex::new((asking, said)), keys }
    }

    /// The public key of this name in PEM, as YAML has it in one line.
    #[must_use]
    pub fn public_key(&self, name: &str) -> String {
        self.keys[name].to_string()
    }

    /// The private key of this name in PEM.
    #[must_use]
    pub fn private_key(&self, name: &str) -> &str {
        self.keys[format!("{name} private")].as_str().unwrap()
    }

    /// Asks it for something.
    #[must_use]
    pub fn ask(&self, asked: &Value) -> Value {
        let mut talk = self.talk.lock().unwrap();
        writeln!(talk.0, "{asked}").unwrap();
        line(&mut talk.1)
    }

    /// The headers of a signed message.
    #[must_use]
    pub fn headers(&self, message: &Signed) -> Vec<(String, String)> {
        let headers = self.ask(&message.asked);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        headers
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    }

    /// The bytes of a signed message.
    #[must_use]
    pub fn bytes(&self, message: &Signed) -> String {
        bytes(message, &self.headers(message))
    }
}

/// The bytes of a message with these headers.
#[must_use]
pub fn bytes(message: &Signed, headers: &[(String, String)]) -> String {
    let text = |name: &str| message.asked[name].as_str().unwrap();
    let mut bytes = format!("{} {} HTTP/1.1\r\n", text("method"), text("target"));
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = text("body");
    if !body.is_empty() {
        bytes.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    format!("{bytes}\r\n{body}")
}

fn line(said: &mut impl std::io::BufRead) -> Value {
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer of the signer: {line}"))
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _killed: std::io::Result<()> = self.child.kill();
        let _waited: std::io::Result<_> = self.child.wait();
    }
}
