//! An authority that issues by RFC 8555: nonces, signed requests, orders, authorizations, challenges
//! that it looks at over a real socket (HTTP-01, and TLS-ALPN-01 of RFC 8737), certificates for requests. It says
//! `badNonce` once to everybody, as authorities may at any time.

mod challenge;
mod signed;

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rcgen::CertificateSigningRequestParams;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use self::signed::Signed;
use crate::certificates::Authority;
use crate::issuer::base64;

/// The authority.
#[derive(Debug)]
pub struct Acme {
    /// Its directory.
    pub directory: String,
    /// Signs what it issues.
    pub authority: Authority,
    address: SocketAddr,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    nonces: HashSet<String>,
    refused_once: bool,
    /// Where challenges are looked at: what port 443 (or 80) of every name leads to.
    target: Option<SocketAddr>,
    lifetime_secs: i64,
    /// Public points of accounts.
    accounts: Vec<Value>,
    orders: Vec<Order>,
    /// What was wrong with requests and challenges.
    faults: Vec<String>,
}

#[derive(Clone, Debug)]
struct Order {
    hosts: Vec<String>,
    token: String,
    proven: Vec<bool>,
    failed: bool,
    chain: Option<String>,
}

/// An answer: status, body, and the path of what was made.
type Said = (u16, String, Option<String>);

impl Acme {
    /// Listens on a free port of this machine; what it issues lives this long.
    #[must_use]
    pub fn start(lifetime_secs: i64) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let acme = Arc::new(Self {
            directory: format!("http://{address}/directory"),
            authority: Authority::root("acme"),
            address,
            state: Mutex::new(State { lifetime_secs, ..State::default() }),
        });
        let server = Arc::clone(&acme);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                server.answer(stream);
            }
        });
        acme
    }

    /// Where names lead to.
    pub fn names_lead_to(&self, target: SocketAddr) {
        self.state.lock().unwrap().target = Some(target);
    }

    /// Certificates issued so far.
    #[must_use]
    pub fn issued(&self) -> usize {
        self.state.lock().unwrap().orders.iter().filter(|order| order.chain.is_some()).count()
    }

    /// Accounts so far.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.state.lock().unwrap().accounts.len()
    }

    /// What was wrong so far.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.state.lock().unwrap().faults.clone()
    }

    /// Where names lead to; a test that starts a gateway knows it only then.
    fn target(&self) -> Option<SocketAddr> {
        for _ in 0..100 {
            let target = self.state.lock().unwrap().target;
            if target.is_some() {
                return target;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        None
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn answer(&self, mut stream: TcpStream) {
        let Some((method, path, body)) = request(&mut stream) else { return };
        let (status, text, location) = self.said(&method, &path, &body);
        let nonce = fresh();
        self.state.lock().unwrap().nonces.insert(nonce.clone());
        let kind = match (status, path.starts_with("/certificate")) {
            (400.., _) => "application/problem+json",
            (_, true) => "application/pem-certificate-chain",
            (_, false) => "application/json",
        };
        let mut head = format!(
            "HTTP/1.1 {status} said\r\nreplay-nonce: {nonce}\r\ncontent-type: {kind}\r\nconnection: close\r\n"
        );
        if let Some(path) = location {
            head.push_str(&format!("location: {}\r\n", self.url(&path)));
        }
        let text = if method == "HEAD" { String::new() } else { text };
        let whole = format!("{head}content-length: {}\r\n\r\n{text}", text.len());
        let _sent: std::io::Result<()> = stream.write_all(whole.as_bytes());
    }

    fn said(&self, method: &str, path: &str, body: &[u8]) -> Said {
        match (method, path) {
            ("GET", "/directory") => {
                let directory = json!({
                    "newNonce": self.url("/nonce"), "newAccount": self.url("/account"),
                    "newOrder": self.url("/order"), "revokeCert": self.url("/revoke"),
                    "keyChange": self.url("/change"),
                });
                (200, directory.to_string(), None)
            }
            ("HEAD" | "GET", "/nonce") => (200, String::new(), None),
            ("POST", path) => match self.verified(path, body) {
                Ok(signed) => self.posted(path, &signed),
                Err(kind) => {
                    self.state.lock().unwrap().faults.push(kind.to_owned());
                    let kind = format!("urn:ietf:params:acme:error:{kind}");
                    (400, json!({"type": kind, "status": 400}).to_string(), None)
                }
            },
            _ => (404, "{}".to_owned(), None),
        }
    }

    /// A request whose signature, nonce and URL are right (RFC 8555 section 6).
    fn verified(&self, path: &str, body: &[u8]) -> Result<Signed, &'static str> {
        let mut state = self.state.lock().unwrap();
        let account = |kid: &str| {
            let number: usize = kid.rsplit('/').next()?.parse().ok()?;
            state.accounts.get(number).cloned()
        };
        let signed = Signed::read(body, account).ok_or("malformed")?;
        if signed.url != self.url(path) || (path == "/account") != signed.brings_key {
            return Err("unauthorized");
        }
        let known = state.nonces.remove(&signed.nonce);
        let first = !std::mem::replace(&mut state.refused_once, true);
        if known && !first { Ok(signed) } else { Err("badNonce") }
    }

    fn posted(&self, path: &str, signed: &Signed) -> Said {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let number = |at: usize| parts.get(at).and_then(|part| part.parse::<usize>().ok());
        match (parts[0], number(1), number(2)) {
            ("account", None, None) => {
                let mut state = self.state.lock().unwrap();
                assert_eq!(signed.payload["termsOfServiceAgreed"], true);
                state.accounts.push(signed.jwk.clone());
                let path = format!("/account/{}", state.accounts.len() - 1);
                (201, json!({"status": "valid"}).to_string(), Some(path))
            }
            ("order", None, None) => {
                let hosts: Vec<String> = signed.payload["identifiers"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one["value"].as_str().unwrap().to_owned())
                    .collect();
                let mut state = self.state.lock().unwrap();
                let token = fresh();
                let proven = vec![false; hosts.len()];
                state.orders.push(Order { hosts, token, proven, failed: false, chain: None });
                let number = state.orders.len() - 1;
                let order = self.order(&state.orders[number], number);
                (201, order, Some(format!("/order/{number}")))
            }
            ("order", Some(number), None) => self.order_said(number),
            ("authorization", Some(number), Some(at)) => {
                let state = self.state.lock().unwrap();
                (200, self.authorization(&state.orders[number], number, at), None)
            }
            ("challenge", Some(number), Some(at)) => self.look((number, at, parts[3]), signed),
            ("finalize", Some(number), None) => {
                self.issue(number, signed);
                self.order_said(number)
            }
            ("certificate", Some(number), None) => {
                let chain = self.state.lock().unwrap().orders[number].chain.clone();
                (200, chain.unwrap_or_default(), None)
            }
            _ => (404, "{}".to_owned(), None),
        }
    }

    fn order_said(&self, number: usize) -> Said {
        let state = self.state.lock().unwrap();
        (200, self.order(&state.orders[number], number), Some(format!("/order/{number}")))
    }

    fn order(&self, order: &Order, number: usize) -> String {
        let status = match order {
            Order { failed: true, .. } => "invalid",
            Order { chain: Some(_), .. } => "valid",
            Order { proven, .. } if proven.iter().all(|proven| *proven) => "ready",
            Order { .. } => "pending",
        };
        let each = |at: usize| self.url(&format!("/authorization/{number}/{at}"));
        let authorizations: Vec<_> = (0..order.hosts.len()).map(each).collect();
        let names: Vec<_> =
            order.hosts.iter().map(|host| json!({"type": "dns", "value": host})).collect();
        json!({
            "status": status, "identifiers": names, "authorizations": authorizations,
            "finalize": self.url(&format!("/finalize/{number}")),
            "certificate": self.url(&format!("/certificate/{number}")),
        })
        .to_string()
    }

    fn authorization(&self, order: &Order, number: usize, at: usize) -> String {
        let status = match (order.failed, order.proven[at]) {
            (true, _) => "invalid",
            (false, true) => "valid",
            (false, false) => "pending",
        };
        let challenge = |kind: &str| {
            let url = self.url(&format!("/challenge/{number}/{at}/{kind}"));
            json!({"type": kind, "url": url, "token": order.token, "status": status})
        };
        json!({
            "status": status, "identifier": {"type": "dns", "value": order.hosts[at]},
            "challenges": [challenge("http-01"), challenge("tls-alpn-01")],
        })
        .to_string()
    }

    /// Looks at a challenge, at once.
    fn look(&self, (number, at, kind): (usize, usize, &str), signed: &Signed) -> Said {
        let (host, token) = {
            let order = &self.state.lock().unwrap().orders[number];
            (order.hosts[at].clone(), order.token.clone())
        };
        let target = self.target();
        let authorization = format!("{token}.{}", signed.thumbprint());
        let looked = match target {
            Some(target) if kind == "http-01" => {
                challenge::http_01(target, &host, &token, &authorization)
            }
            Some(target) => challenge::tls_alpn_01(target, &host, &authorization),
            None => Err("the name leads nowhere".to_owned()),
        };
        let mut state = self.state.lock().unwrap();
        match looked {
            Ok(()) => state.orders[number].proven[at] = true,
            Err(why) => {
                state.orders[number].failed = true;
                state.faults.push(why);
            }
        }
        let url = self.url(&format!("/challenge/{number}/{at}/{kind}"));
        let said = json!({"type": kind, "url": url, "token": token, "status": "processing"});
        (200, said.to_string(), None)
    }

    fn issue(&self, number: usize, signed: &Signed) {
        let request = signed::decoded(signed.payload["csr"].as_str().unwrap()).unwrap();
        let mut request =
            CertificateSigningRequestParams::from_der(&request.into()).expect("a request");
        let mut state = self.state.lock().unwrap();
        let order = &state.orders[number];
        assert!(order.proven.iter().all(|proven| *proven), "finalized before it was ready");
        let names = request.params.subject_alt_names.iter().map(|name| match name {
            rcgen::SanType::DnsName(name) => name.as_str().to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(names.collect::<Vec<_>>(), order.hosts, "other names than were ordered");
        let now = OffsetDateTime::now_utc();
        request.params.not_before = now;
        request.params.not_after = now + Duration::seconds(state.lifetime_secs);
        let chain = self.authority.sign(&request);
        state.orders[number].chain = Some(chain);
    }
}

/// What nobody guesses.
fn fresh() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    base64(bytes)
}

fn request(stream: &mut TcpStream) -> Option<(String, String, Vec<u8>)> {
    let mut raw = Vec::new();
    let mut part = [0; 8192];
    let end = loop {
        if let Some(at) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        raw.extend_from_slice(&part[..count]);
    };
    let head = String::from_utf8_lossy(&raw[..end]).to_ascii_lowercase();
    let first = String::from_utf8_lossy(&raw[..end]).lines().next()?.to_owned();
    let mut words = first.split(' ').map(str::to_owned);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |text| text.trim().parse().unwrap());
    while raw.len() < end + length {
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        raw.extend_from_slice(&part[..count]);
    }
    Some((words.next()?, words.next()?, raw[end..].to_vec()))
}
