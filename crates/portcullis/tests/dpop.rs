//! Does a client that others wrote come in with its key? npm `oauth4webapi`, over a real socket, with
//! and without nonces; and is it told what is wrong in a way that it understands?

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use portcullis_testkit::Shop;
use serde_json::{Value, json};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/counterparts/dpop_client.mjs");
/// Where `cargo xtask test` installs Node packages.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/node");

/// The client, with its key.
struct Client {
    child: Child,
    asking: ChildStdin,
    said: BufReader<ChildStdout>,
    thumbprint: String,
}

impl Client {
    fn start() -> Self {
        let mut child = Command::new("node")
            .args([SCRIPT, MODULES])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (asking, said) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut client =
            Self { child, asking, said: BufReader::new(said), thumbprint: String::new() };
        client.thumbprint = client.line();
        assert_eq!(client.thumbprint.len(), 43, "`cargo xtask test` installs `oauth4webapi`");
        client
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn ask(&mut self, shop: &Shop, token: &str, path: &str) -> Value {
        let uri = format!("http://{}{path}", shop.gateway.address("web"));
        writeln!(self.asking, "{token} GET {uri}").unwrap();
        serde_json::from_str(&self.line()).unwrap()
    }

    fn token(&self, shop: &Shop) -> String {
        let bound = json!({"jkt": self.thumbprint});
        shop.issuer.sign(&shop.issuer.draft("ann").claim("cnf", bound))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _killed: std::io::Result<()> = self.child.kill();
        let _waited: std::io::Result<_> = self.child.wait();
    }
}

const ORDERS: &str = "/v1/tenants/acme/orders?limit=1";

#[test]
fn a_client_of_others_comes_in_with_its_key() {
    let (shop, mut client) = (Shop::open(GATEWAY, &[]), Client::start());
    let token = client.token(&shop);
    for _ in 0..3 {
        assert_eq!(client.ask(&shop, &token, ORDERS), json!({"status": 200, "asked": 1}));
    }
    assert_eq!(shop.upstream.take().len(), 3);
    let other = shop
        .issuer
        .draft("ann")
        .claim("cnf", json!({"jkt": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}));
    let answer = client.ask(&shop, &shop.issuer.sign(&other), ORDERS);
    assert_eq!(
        (&answer["status"], &answer["challenges"]),
        (&json!(401), &json!(["dpop invalid_dpop_proof"])),
        "{answer}"
    );
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn a_client_of_others_learns_the_nonce() {
    let asking = "identity: {providers: [shop-idp], anonymous: true, sender: {required: true, nonces: true}}";
    let changes = [("identity: {providers: [shop-idp], anonymous: true}", asking)];
    let (shop, mut client) = (Shop::open(GATEWAY, &changes), Client::start());
    let token = client.token(&shop);
    assert_eq!(client.ask(&shop, &token, ORDERS), json!({"status": 200, "asked": 2}));
    assert_eq!(client.ask(&shop, &token, ORDERS), json!({"status": 200, "asked": 1}));
    assert_eq!(shop.upstream.take().len(), 2);
}
