//! Does an upstream prove who it is before a byte of a request is sent, and do we to it?

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use portcullis_testkit::certificates::{DAY, Issued, Leaf};
use portcullis_testkit::shop::request;
use portcullis_testkit::{Authority, Shop, Upstream, secure};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const DECLARED: &str = "orders: {address: \"127.0.0.1:8091\", ";
const NAME: &str = "orders.internal";

/// The shop with orders behind TLS; `more` of its declaration, and files.
fn open(upstream: &Upstream, more: &str, files: &[(&str, &str)]) -> Shop {
    let tls = format!("tls: {{roots: ca.pem, server_name: {NAME}{more}}}");
    let declared = format!("orders: {{address: \"{}\", {tls}, ", upstream.address);
    Shop::open_with(GATEWAY, &[(DECLARED, &declared)], files)
}

fn answered(shop: &Shop) -> (u16, String) {
    let answer = shop.send(request("GET", "/v1/products", &[])).remove(0);
    let record = shop.gateway.outcome(&answer.id());
    let reason = record.reason.map(|reason| reason.to_string()).unwrap_or_default();
    assert_eq!(reason, answer.code());
    (answer.status, reason)
}

fn server(shown: &Issued) -> Upstream {
    Upstream::start_tls(secure::server(shown, None, &["http/1.1"]))
}

#[test]
fn only_a_certificate_that_holds_is_spoken_to() {
    let (ours, theirs) = (Authority::root("ours"), Authority::root("theirs"));
    let pem = ours.pem();
    let files = [("ca.pem", pem.as_str())];
    let good = server(&ours.certify(NAME));
    assert_eq!(answered(&open(&good, "", &files)), (200, String::new()));
    assert_eq!(good.take().len(), 1);
    let cases = [
        ("another name", ours.certify("stock.internal")),
        ("expired", ours.issue(&Leaf::server(&[NAME]).until(-DAY))),
        ("another authority", theirs.certify(NAME)),
    ];
    for (case, shown) in cases {
        let upstream = server(&shown);
        let (status, reason) = answered(&open(&upstream, "", &files));
        assert_eq!((status, reason.as_str()), (502, "forward.upstream_untrusted"), "{case}");
        assert!(upstream.take().is_empty(), "{case}: something was sent");
    }
    let plain = Upstream::start();
    let (status, reason) = answered(&open(&plain, "", &files));
    assert_eq!((status, reason.as_str()), (502, "forward.upstream_unreachable"));
    assert!(plain.take().is_empty());
}

#[test]
fn an_upstream_may_ask_who_we_are() {
    let (servers, clients) = (Authority::root("servers"), Authority::root("clients"));
    let config = secure::server(&servers.certify(NAME), Some(&clients), &[]);
    let upstream = Upstream::start_tls(config);
    let (pem, ours) = (servers.pem(), clients.certify("portcullis.internal"));
    let other = servers.certify("portcullis.internal");
    let open = |certified: &Issued| {
        let files = [("ca.pem", pem.as_str()), ("us.pem", certified.chain.as_str())];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("us.key");
        std::fs::write(&path, &certified.key).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let key = path.display();
        let client = format!(", client: {{certificate: us.pem, key: {{file: {key}}}}}");
        answered(&open(&upstream, &client, &files))
    };
    assert_eq!(open(&ours), (200, String::new()));
    let (status, reason) = open(&other);
    assert_eq!((status, reason.as_str()), (502, "forward.upstream_unreachable"));
    let _seen = upstream.take();
    let files = [("ca.pem", pem.as_str())];
    let (status, _) = answered(&self::open(&upstream, "", &files));
    assert_eq!(status, 502, "without a certificate");
    assert!(upstream.take().is_empty());
}
