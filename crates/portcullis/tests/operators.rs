//! The admin address: who is answered there and who is not, over real handshakes by curl, OpenSSL and
//! rustls, and by the gateway's own verbs; what a reload changes about it, and what is never offered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at the first surprise"
)]

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_testkit::certificates::{Authority, DAY, Issued, Leaf};
use portcullis_testkit::raw::connect;
use portcullis_testkit::secure::ask;
use portcullis_testkit::{Answer, Dialer, Shop};
use rustls::version::{TLS12, TLS13};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const HOST: &str = "gateway.ops.example";
const ANN: &str = "spiffe://ops.example/ann";

/// A shop with an address for operators.
struct Operated {
    shop: Shop,
    public: Authority,
    operators: Authority,
}

impl Operated {
    fn open() -> Self {
        Self::open_showing(", default: true")
    }

    /// With a certificate that is declared like this besides.
    fn open_showing(how: &str) -> Self {
        let (public, operators) = (Authority::root("public"), Authority::root("operators"));
        let own = public.issue(&Leaf::server(&[HOST, "127.0.0.1"]));
        let remote = format!(
            "policies: policies\nadmin:\n  remote:\n    address: \"127.0.0.1:0\"\n    tls:\n      certificates: [{{certificate: admin.pem, key: {{file: admin.key}}{how}}}]\n      client: {{roots: operators.pem, crls: [operators.crl.pem]}}\n    operators: [\"{ANN}\", bob.ops.example]"
        );
        let files = [
            ("admin.pem", own.chain),
            ("admin.key", own.key),
            ("operators.pem", operators.pem()),
            ("operators.crl.pem", operators.list(&[], 3600)),
        ];
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let shop = Shop::open_with(GATEWAY, &[("policies: policies", &remote)], &files);
        Self { shop, public, operators }
    }

    /// How a verb of the gateway's own ends that asks there by the IP address, and what it says.
    fn verb(&self, verb: &str, own: &Issued, ca: &Authority) -> (i32, String) {
        let (cert, key) = (self.file("v.pem", &own.chain), self.file("v.key", &own.key));
        let ca = self.file("v.ca.pem", &ca.pem());
        let output = Command::new(GATEWAY)
            .args([verb, "--admin", &format!("https://{}", self.address())])
            .args(["--cert".as_ref(), cert.as_os_str(), "--key".as_ref(), key.as_os_str()])
            .args(["--ca".as_ref(), ca.as_os_str()])
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
    }

    fn address(&self) -> SocketAddr {
        let log = self.shop.gateway.log();
        let said = log.lines().filter_map(|line| line.strip_prefix("operators on ")).next_back();
        said.unwrap().parse().unwrap()
    }

    fn ann(&self) -> Issued {
        self.operators.issue(&Leaf::workload(&[ANN]))
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.shop.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// What curl says: whether there was an answer, and what.
    fn curl(&self, own: Option<&Issued>, path: &str, more: &[&str]) -> (bool, String) {
        let root = self.file("public.pem", &self.public.pem());
        let port = self.address().port();
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"])
            .args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")])
            .arg("--cacert")
            .arg(root)
            .args(more);
        if let Some(own) = own {
            command.arg("--cert").arg(self.file("own.pem", &own.chain));
            command.arg("--key").arg(self.file("own.key", &own.key));
        }
        let output = command.arg(format!("https://{HOST}:{port}{path}")).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Bytes over TLS; the answer.
    fn raw(&self, own: &Issued, text: &str) -> Result<Answer, String> {
        let dialer = Dialer::new(&self.public.pem(), Some(own));
        dialer.ask(self.address(), HOST, text).map(|(answer, _)| answer)
    }

    /// What was logged, without its colours.
    fn log(&self) -> String {
        let log = self.shop.gateway.log();
        let mut parts = log.split('\u{1b}');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |log, part| log + part.split_once('m').map_or("", |(_, rest)| rest))
    }

    fn logs(&self, text: &str) {
        let begun = Instant::now();
        while !self.log().contains(text) {
            assert!(begun.elapsed() < Duration::from_secs(20), "no `{text}` in {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn operators_are_answered_by_their_exact_name() {
    let operated = Operated::open();
    let bob = operated.operators.issue(&Leaf::server(&["bob.ops.example"]));
    for own in [operated.ann(), bob] {
        for (path, said) in [("/health", "alive"), ("/ready", "ready"), ("/metrics", "# EOF")] {
            let (done, answer) = operated.curl(Some(&own), path, &["--http1.1", "--tlsv1.3"]);
            assert!(done && answer.contains(said) && answer.ends_with("\n200"), "{path}: {answer}");
        }
    }
    let revision = operated.shop.gateway.admin("GET", "/revision").1;
    let (_, answer) = operated.curl(Some(&operated.ann()), "/revision", &[]);
    assert_eq!(answer, format!("{revision}\n200"));
    let refused = operated.shop.refuses(
        "no such path",
        "GET /nothing HTTP/1.1\r\nHost: api.shop.example\r\n\r\n",
        "receive.unlisted_operation",
    );
    let (_, answer) =
        operated.curl(Some(&operated.ann()), &format!("/explain/{}", refused.id()), &[]);
    assert!(answer.contains("receive.unlisted_operation") && answer.ends_with("\n200"), "{answer}");
    let (_, answer) = operated.curl(Some(&operated.ann()), "/reload", &["--request", "POST"]);
    assert!(answer.contains("reloaded, revision"), "{answer}");
    operated.logs(&format!("operator=\"{ANN}\" method=POST path=\"/reload\" status=200"));
}

#[test]
fn the_verbs_reach_it_with_a_certificate() {
    let operated = Operated::open();
    let verb = |verb: &str, own: &Issued, ca: &Authority| operated.verb(verb, own, ca);
    assert_eq!(verb("ready", &operated.ann(), &operated.public), (0, "ready\n".to_owned()));
    assert_eq!(verb("health", &operated.ann(), &operated.public), (0, "alive\n".to_owned()));
    let (code, said) = verb("reload", &operated.ann(), &operated.public);
    assert!(code == 0 && said.contains("reloaded, revision"), "{code} {said}");
    let eve = operated.operators.issue(&Leaf::workload(&["spiffe://ops.example/eve"]));
    assert_eq!(verb("ready", &eve, &operated.public).0, 1);
    // who does not prove to be the gateway is told nothing
    let (code, said) = verb("ready", &operated.ann(), &operated.operators);
    assert!(code == 4 && said.contains("certificate"), "{code} {said}");
    operated.shop.rewrite("portcullis.yaml", "audit: required", "audti: required");
    assert_eq!(verb("reload", &operated.ann(), &operated.public).0, 1);
    // the same at the socket, which is found although the estate does not hold
    for (whole, broken) in [("audti: required", "audti: requird"), ("audti: requird", "audit: [")] {
        operated.shop.rewrite("portcullis.yaml", whole, broken);
        let mut command = Command::new(GATEWAY);
        let output = command.arg("-C").arg(operated.shop.folder()).arg("reload").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("not reloaded: the estate has errors"), "{said}");
    }
}

#[test]
fn what_is_wrong_with_certificates_is_said_in_plain_words() {
    let operated = Operated::open();
    let (ann, public) = (operated.ann(), &operated.public);
    let says = |operated: &Operated, own: &Issued, ca: &Authority, code: i32, words: &str| {
        let (ended, said) = operated.verb("ready", own, ca);
        assert!(ended == code && said.contains(words), "{words}: {ended} {said}");
    };
    says(&operated, &ann, &operated.operators, 4, "no authority in `--ca` vouches");
    let mut mixed = ann.clone();
    mixed.key = operated.ann().key;
    says(&operated, &mixed, public, 2, "`--key` is not the key of `--cert`");
    let own = public.issue(&Leaf { authority: true, ..Leaf::server(&[HOST, "127.0.0.1"]) });
    operated.file("admin.pem", &own.chain);
    operated.file("admin.key", &own.key);
    assert_eq!(operated.shop.gateway.admin("POST", "/reload").0, 200);
    says(&operated, &ann, public, 4, "a certificate that is itself an authority");
    let named = Operated::open_showing("");
    says(&named, &named.ann(), &named.public, 4, "ask by a DNS name of its certificate");
}

#[test]
fn a_second_gateway_does_not_start_where_one_answers() {
    let operated = Operated::open();
    let mut command = Command::new(GATEWAY);
    let output = command.arg("-C").arg(operated.shop.folder()).arg("run").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("admin.sock`: it is in use by another process"), "{said}");
    assert_eq!(operated.shop.gateway.admin("GET", "/health").0, 200);
}

#[test]
fn everybody_else_is_refused_and_logged() {
    let operated = Operated::open();
    let named = |leaf: Leaf| operated.operators.issue(&leaf);
    let strangers = [
        named(Leaf::workload(&["spiffe://ops.example/eve"])),
        named(Leaf::workload(&["spiffe://ops.example/ann/x"])),
        named(Leaf::workload(&[ANN, "spiffe://ops.example/eve"])),
        named(Leaf::workload(&[])),
        named(Leaf::server(&["ops.example"])),
        named(Leaf::server(&["*.ops.example"])),
        named(Leaf::server(&["bob.ops.example", "eve.ops.example"])),
    ];
    for own in &strangers {
        for (path, more) in [("/health", &[][..]), ("/reload", &["--request", "POST"])] {
            let (done, answer) = operated.curl(Some(own), path, more);
            assert!(done && answer.ends_with("\n403"), "{path}: {answer}");
        }
    }
    operated.logs("refused at the admin address");
    operated.logs("no operator: [spiffe://ops.example/eve] []");
    assert!(!operated.shop.gateway.log().contains("reloaded"));
}

#[test]
fn what_is_not_trusted_ends_the_handshake() {
    let operated = Operated::open();
    let leaf = Leaf::workload(&[ANN]);
    let revoked = operated.ann();
    operated.file("operators.crl.pem", &operated.operators.list(&[&revoked], 3600));
    assert_eq!(operated.shop.gateway.admin("POST", "/reload").0, 200);
    let cases = [
        ("revoked", Some(revoked)),
        (
            "expired",
            Some(operated.operators.issue(&Leaf { from: -2 * DAY, to: -60, ..leaf.clone() })),
        ),
        ("not yet valid", Some(operated.operators.issue(&Leaf { from: 600, ..leaf.clone() }))),
        ("another authority", Some(Authority::root("operators").issue(&leaf))),
        ("an authority", Some(operated.operators.issue(&Leaf { authority: true, ..leaf }))),
        ("no certificate", None),
    ];
    for (case, own) in &cases {
        let (done, said) = operated.curl(own.as_ref(), "/health", &[]);
        assert!(!done && said.contains("\n000"), "{case}: {said}");
    }
    let (done, said) = operated.curl(Some(&operated.ann()), "/health", &["--tls-max", "1.2"]);
    assert!(!done && said.contains("protocol version"), "{said}");
    let old = Dialer::speaking(&operated.public.pem(), Some(&operated.ann()), &[&TLS12], &[]);
    assert!(old.dial(operated.address(), HOST).is_err());
    let output = Command::new("openssl")
        .args(["s_client", "-tls1_2", "-connect", &operated.address().to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("openssl is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("alert protocol version"), "{said}");
    operated.logs("no handshake at the admin address");
    let metrics = operated.shop.gateway.admin("GET", "/metrics").1;
    assert!(metrics.contains("portcullis_handshakes_failed_total 9"), "{metrics}");
}

#[test]
fn sockets_are_not_handed_over_here() {
    let operated = Operated::open();
    let takeover = "POST /takeover HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: portcullis-takeover\r\nContent-Length: 0\r\n\r\n";
    let answer = operated.raw(&operated.ann(), takeover).unwrap();
    assert!(matches!(answer.status, 400 | 405), "{answer:?}");
    let plain = "POST /takeover HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(operated.raw(&operated.ann(), plain).unwrap().status, 405);
    let (_, answer) = operated.curl(Some(&operated.ann()), "/takeover", &[]);
    assert!(answer.ends_with("\n404") && !answer.contains("takeover"), "{answer}");
    assert_eq!(operated.shop.gateway.admin("GET", "/ready").0, 200);
}

#[test]
fn requests_are_read_as_strictly_as_at_listeners() {
    let operated = Operated::open();
    let ann = operated.ann();
    let many: String = (0..40).map(|at| format!("X-{at}: y\r\n")).collect();
    let cases = [
        ("two lengths", "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), 400),
        ("a bare line feed", "GET /health HTTP/1.1\nHost: x\n\n".to_owned(), 400),
        ("a long target", format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(2000)), 414),
        ("a long head", format!("GET /health HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(9000)), 431),
        ("many headers", format!("GET /health HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
        ("a body", "POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}".to_owned(), 400),
        ("a query", "GET /health?a HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 400),
        ("a page", "POST /reload HTTP/1.1\r\nHost: x\r\nOrigin: https://eve.example\r\nContent-Length: 0\r\n\r\n".to_owned(), 403),
        ("another spelling", "GET //health HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 404),
    ];
    for (case, text, status) in &cases {
        let answer = operated.raw(&ann, text).unwrap();
        assert_eq!(answer.status, *status, "{case}: {answer:?}");
    }
    assert!(!operated.shop.gateway.log().contains("reloaded"));
    // who is nobody learns nothing of how a request would be read
    let eve = operated.operators.issue(&Leaf::workload(&["spiffe://ops.example/eve"]));
    for (case, text, _) in &cases {
        assert_eq!(operated.raw(&eve, text).unwrap().status, 403, "{case}");
    }
}

#[test]
fn trust_is_judged_with_every_request_and_certificates_are_read_anew() {
    let operated = Operated::open();
    let ann = operated.ann();
    let dialer = Dialer::speaking(&operated.public.pem(), Some(&ann), &[&TLS13], &[b"http/1.1"]);
    let health = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut kept = dialer.dial(operated.address(), HOST).unwrap();
    assert_eq!(ask(&mut kept, health).unwrap().status, 200);
    let next = operated.public.issue(&Leaf::server(&[HOST]));
    operated.file("admin.pem", &next.chain);
    // half of a pair changes nothing
    let (status, said) = operated.shop.gateway.admin("POST", "/reload");
    assert!(status == 409 && said.contains("PC0132"), "{said}");
    operated.file("admin.key", &next.key);
    operated.file("operators.crl.pem", &operated.operators.list(&[&ann], 3600));
    assert_eq!(operated.shop.gateway.admin("POST", "/reload").0, 200);
    // the connection from before, and a session from before
    let late = ask(&mut kept, health).unwrap();
    assert_eq!(late.status, 403, "{late:?}");
    assert!(dialer.ask(operated.address(), HOST, health).is_err());
    let fresh = operated.ann();
    let other = Dialer::new(&operated.public.pem(), Some(&fresh));
    let mut secure = other.dial(operated.address(), HOST).unwrap();
    assert_eq!(ask(&mut secure, health).unwrap().status, 200);
    let shown = secure.conn.peer_certificates().unwrap().first().unwrap().to_vec();
    assert_eq!(next.der(), shown);
}

#[test]
fn who_operates_is_fixed_at_the_start() {
    let operated = Operated::open();
    for (from, to) in [
        ("bob.ops.example]", "bob.ops.example, eve.ops.example]"),
        ("bob.ops.example, eve.ops.example]", "bob.ops.example]"),
    ] {
        operated.shop.rewrite("portcullis.yaml", from, to);
        let (status, said) = operated.shop.gateway.admin("POST", "/reload");
        let refused = said.contains("`admin` cannot change while the gateway runs");
        assert_eq!((status, refused), if to.contains("eve") { (409, true) } else { (200, false) });
    }
}

#[test]
fn b07_seats_are_few_and_nobody_keeps_one() {
    let operated = Operated::open();
    let mut silent: Vec<_> = (0..8).map(|_| connect(operated.address())).collect();
    // the ninth finds the door closed; the socket answers all the same
    let mut ninth = connect(operated.address());
    assert!(matches!(ninth.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(operated.shop.gateway.admin("GET", "/health").0, 200);
    let begun = Instant::now();
    for one in &mut silent {
        let _ended: std::io::Result<usize> = one.read_to_end(&mut Vec::new());
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(operated.curl(Some(&operated.ann()), "/health", &[]).0);
}
