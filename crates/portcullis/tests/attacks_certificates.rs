//! Client certificates (attack cases 51 to 57, E20): who may not come in, and what else must not be
//! taken for a credential. Real handshakes over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::time::Duration;

use portcullis_model::record::FactValue;
use portcullis_testkit::certificates::DAY;
use portcullis_testkit::certificates::{Authority, Issued, Leaf};
use portcullis_testkit::mesh::{BILLING, MESH, PROVIDERS};
use portcullis_testkit::secure::ask;
use portcullis_testkit::shop::{get, request};
use portcullis_testkit::{Answer, Mesh};
use rustls::HandshakeKind;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const HOST: &str = "api.shop.example";
const ORDERS: &str = "/v1/tenants/acme/orders";

fn list() -> String {
    request("GET", ORDERS, &[])
}

fn answer(mesh: &Mesh, own: Option<&Issued>, text: &str) -> Result<Answer, String> {
    mesh.dialer(own).ask(mesh.address(), HOST, text).map(|(answer, _)| answer)
}

/// The handshake fails, and the upstream saw nothing.
fn no_handshake(mesh: &Mesh, own: &Issued, case: &str) -> String {
    let refused = answer(mesh, Some(own), &list());
    assert!(mesh.shop.upstream.take().is_empty(), "{case}");
    refused.expect_err(case)
}

/// The request is refused, the upstream saw nothing, and the record has the reason.
fn refused(mesh: &Mesh, answer: &Answer, code: &str, case: &str) {
    assert_eq!(answer.code(), code, "{case}: {answer:?}");
    assert!(mesh.shop.upstream.take().is_empty(), "{case}");
    let record = mesh.shop.gateway.outcome(&answer.id());
    assert_eq!(record.reason.unwrap().to_string(), code, "{case}: {record:?}");
}

#[test]
fn a_certificate_is_a_credential_and_its_decision_replays() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    let answer = answer(&mesh, Some(&mesh.billing()), &list()).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = mesh.shop.upstream.take();
    let principal = format!("mesh|{BILLING}");
    assert_eq!(seen.first().unwrap().values("x-portcullis-principal"), [principal]);
    let record = mesh.shop.gateway.outcome(&answer.id());
    assert_eq!(record.caller.kind.as_deref(), Some("workload"));
    assert_eq!(record.caller.credential.map(|handle| handle.len()), Some(32));
    let fact = record.facts.iter().find(|fact| fact.name == "certificate").unwrap();
    assert!(matches!(fact.value, FactValue::Sealed(_)), "{fact:?}");
    // no certificate, no caller; what needs none is there for all
    let nobody = self::answer(&mesh, None, &list()).unwrap();
    refused(&mesh, &nobody, "identify.credential_missing", "no certificate");
    let open = self::answer(&mesh, None, &request("GET", "/v1/products", &[])).unwrap();
    assert_eq!(mesh.shop.gateway.outcome(&open.id()).reason, None);
    let file = std::fs::read_dir(mesh.shop.folder().join("state/records")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).max().unwrap();
    let replayed = mesh.shop.verb(&["replay", &file.display().to_string()]);
    assert_eq!(replayed, "3 the same, 0 differ, 0 cannot be recomputed");
}

#[test]
fn t51_t52_t55_only_the_one_spiffe_id_of_the_trust_domain_names_a_caller() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    let cases: [(&str, &[&str]); 9] = [
        ("51 another trust domain", &["spiffe://test.shop.example/billing"]),
        ("51 a trust domain below it", &["spiffe://x.prod.shop.example/billing"]),
        ("52 two URIs", &[BILLING, "spiffe://prod.shop.example/other"]),
        ("52 one URI twice", &[BILLING, BILLING]),
        ("55 a query", &["spiffe://prod.shop.example/billing?admin"]),
        ("55 a port", &["spiffe://prod.shop.example:443/billing"]),
        ("55 a dot segment", &["spiffe://prod.shop.example/x/../billing"]),
        ("55 upper case", &["spiffe://PROD.shop.example/billing"]),
        ("no URI", &[]),
    ];
    for (case, uris) in cases {
        let own = mesh.clients.issue(&Leaf::workload(uris));
        let answer = answer(&mesh, Some(&own), &list()).unwrap();
        refused(&mesh, &answer, "identify.certificate_name_refused", case);
    }
    // in the trust domain, and granted nothing
    let own = mesh.clients.issue(&Leaf::workload(&["spiffe://prod.shop.example/unknown"]));
    let answer = answer(&mesh, Some(&own), &list()).unwrap();
    assert_eq!(answer.status, 403, "{answer:?}");
}

#[test]
fn t53_t54_what_is_no_valid_leaf_ends_the_handshake() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    let leaf = Leaf::workload(&[BILLING]);
    let stranger = Authority::root("stranger");
    let same_name = Authority::root("clients");
    let unlisted = mesh.root.below("no list", &[]);
    let cases = [
        ("53 an authority", mesh.clients.issue(&Leaf { authority: true, ..leaf.clone() })),
        ("53 a key that signs", mesh.clients.issue(&Leaf { signs: true, ..leaf.clone() })),
        ("54 expired", mesh.clients.issue(&Leaf { from: -2 * DAY, to: -60, ..leaf.clone() })),
        ("54 not yet valid", mesh.clients.issue(&Leaf { from: 600, ..leaf.clone() })),
        ("an unknown authority", stranger.issue(&leaf)),
        ("an authority of the same name", same_name.issue(&leaf)),
        ("an authority without a list", unlisted.issue(&leaf)),
    ];
    for (case, own) in &cases {
        no_handshake(&mesh, own, case);
    }
    assert_eq!(answer(&mesh, Some(&mesh.billing()), &list()).unwrap().status, 200);
}

#[test]
fn a_list_that_expires_leaves_nobody_trusted() {
    let mut mesh = Mesh::open(GATEWAY, "", &[]);
    mesh.replace("clients.crl.pem", &mesh.clients.list(&[], 4));
    mesh.reload();
    let own = mesh.billing();
    assert_eq!(answer(&mesh, Some(&own), &list()).unwrap().status, 200);
    let _seen = mesh.shop.upstream.take();
    std::thread::sleep(Duration::from_secs(5));
    no_handshake(&mesh, &own, "the list has expired");
    // and what is in force stays, since what is read anew would be worse
    let (taken, said) = mesh.shop.gateway.reload();
    assert!(!taken && said.contains("PC0134"), "{said}");
}

#[test]
fn names_are_constrained_where_their_authority_is() {
    let mut mesh = Mesh::open(GATEWAY, "", &[]);
    let partner = mesh.root.below("partner", &["partner.example"]);
    let lists = mesh.clients.list(&[], 3600) + &partner.list(&[], 3600);
    mesh.replace("clients.crl.pem", &lists);
    mesh.reload();
    let inside = partner.issue(&Leaf::server(&["a.partner.example"]));
    let inside = answer(&mesh, Some(&inside), &list()).unwrap();
    refused(&mesh, &inside, "identify.certificate_name_refused", "verified, and no SPIFFE ID");
    let outside = partner.issue(&Leaf::server(&["a.shop.example"]));
    no_handshake(&mesh, &outside, "a name outside of the constraint");
}

#[test]
fn t54_a_connection_does_not_outlive_its_certificate() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    let own = mesh.clients.issue(&Leaf { to: 4, ..Leaf::workload(&[BILLING]) });
    let mut secure = mesh.dialer(Some(&own)).dial(mesh.address(), HOST).unwrap();
    assert_eq!(ask(&mut secure, &list()).unwrap().status, 200);
    let _seen = mesh.shop.upstream.take();
    std::thread::sleep(Duration::from_secs(5));
    let late = ask(&mut secure, &list()).unwrap();
    refused(&mesh, &late, "identify.certificate_expired", "the same connection");
}

#[test]
fn t57_neither_sessions_nor_connections_outlive_trust() {
    let mut mesh = Mesh::open(GATEWAY, "", &[]);
    let (kept, revoked) = (mesh.billing(), mesh.billing());
    let (good, bad) = (mesh.dialer(Some(&kept)), mesh.dialer(Some(&revoked)));
    for dialer in [&good, &bad] {
        let (_, first) = dialer.ask(mesh.address(), HOST, &list()).unwrap();
        assert_eq!(first, HandshakeKind::Full);
        let (answer, second) = dialer.ask(mesh.address(), HOST, &list()).unwrap();
        assert_eq!((answer.status, second), (200, HandshakeKind::Resumed));
    }
    let mut open = bad.dial(mesh.address(), HOST).unwrap();
    assert_eq!(ask(&mut open, &list()).unwrap().status, 200);
    // a reload that changes no trust ends no session
    mesh.reload();
    let (_, kind) = good.ask(mesh.address(), HOST, &list()).unwrap();
    assert_eq!(kind, HandshakeKind::Resumed);
    let _seen = mesh.shop.upstream.take();
    mesh.replace("clients.crl.pem", &mesh.clients.list(&[&revoked], 3600));
    mesh.reload();
    let late = ask(&mut open, &list()).unwrap();
    refused(&mesh, &late, "identify.certificate_untrusted", "an open connection");
    let error = bad.ask(mesh.address(), HOST, &list()).unwrap_err();
    assert!(error.contains("CertificateRevoked"), "{error}");
    assert!(mesh.shop.upstream.take().is_empty());
    let (answer, kind) = good.ask(mesh.address(), HOST, &list()).unwrap();
    assert_eq!((answer.status, kind), (200, HandshakeKind::Full));
    // the authority goes, and with it everybody
    let other = Authority::root("others");
    mesh.replace("clients.pem", &other.pem());
    mesh.reload();
    good.ask(mesh.address(), HOST, &list()).expect_err("of an authority that is gone");
}

#[test]
fn t57_a_session_does_not_outlive_the_certificate_it_was_begun_with() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    let own = mesh.clients.issue(&Leaf { to: 4, ..Leaf::workload(&[BILLING]) });
    let dialer = mesh.dialer(Some(&own));
    assert_eq!(dialer.ask(mesh.address(), HOST, &list()).unwrap().0.status, 200);
    let _seen = mesh.shop.upstream.take();
    std::thread::sleep(Duration::from_secs(5));
    let (late, kind) = dialer.ask(mesh.address(), HOST, &list()).unwrap();
    assert_eq!(kind, HandshakeKind::Resumed);
    refused(&mesh, &late, "identify.certificate_expired", "a resumed session");
}

#[test]
fn e08_a_certificate_and_a_token_are_two_credentials_where_both_count() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    let token = get(ORDERS, &mesh.shop.issuer.token("ann"));
    let both = answer(&mesh, Some(&mesh.billing()), &token).unwrap();
    refused(&mesh, &both, "identify.several_credentials", "both");
    assert_eq!(answer(&mesh, None, &token).unwrap().status, 200);
}

#[test]
fn where_no_provider_of_certificates_is_accepted_one_proves_the_channel_only() {
    let changes = [(MESH, ""), ("providers: [shop-idp, mesh]", PROVIDERS)];
    let mut mesh = Mesh::open(GATEWAY, ", required: true", &changes);
    let own = mesh.billing();
    let token = get(ORDERS, &mesh.shop.issuer.token("ann"));
    let mut open = mesh.dialer(Some(&own)).dial(mesh.address(), HOST).unwrap();
    assert_eq!(ask(&mut open, &token).unwrap().status, 200);
    let _seen = mesh.shop.upstream.take();
    let alone = ask(&mut open, &list()).unwrap();
    refused(&mesh, &alone, "identify.credential_missing", "a certificate alone");
    answer(&mesh, None, &token).expect_err("a certificate is required");
    // a channel that is not trusted any more carries nothing, whatever else is shown
    mesh.replace("clients.crl.pem", &mesh.clients.list(&[&own], 3600));
    mesh.reload();
    let late = ask(&mut open, &token).unwrap();
    refused(&mesh, &late, "identify.certificate_untrusted", "a token over it");
}

#[test]
fn e20_d08_a_certificate_in_a_header_is_nobody() {
    let mesh = Mesh::open(GATEWAY, "", &[]);
    let headers = [
        "X-Forwarded-Client-Cert: By=spiffe://prod.shop.example/gw;URI=spiffe://prod.shop.example/billing",
        "X_Forwarded_Client_Cert: URI=spiffe://prod.shop.example/billing",
        "X-SPIFFE-ID: spiffe://prod.shop.example/billing",
        "Client-Cert: :MIIB:",
        "SSL-Client-Cert: MIIB",
        "X-Client-Cert: MIIB",
    ];
    let forged = answer(&mesh, None, &request("GET", ORDERS, &[headers[0]])).unwrap();
    refused(&mesh, &forged, "identify.credential_missing", "a header");
    for header in headers {
        let open = answer(&mesh, None, &request("GET", "/v1/products", &[header])).unwrap();
        // names with `_` are refused, all others stripped
        assert!(matches!(open.status, 200 | 400), "{header}: {open:?}");
        for seen in mesh.shop.upstream.take() {
            let head = seen.head.to_ascii_lowercase();
            let told =
                ["client-cert", "client_cert", "spiffe"].iter().any(|one| head.contains(one));
            assert!(!told, "{header}: {head}");
        }
    }
}

#[test]
fn a_dns_name_names_a_caller_where_that_was_declared() {
    let dns =
        "subject: {dns: {domains: [partner.example]}}\n      grants:\n        a.partner.example:";
    let spiffe = "subject: {spiffe: {trust_domain: prod.shop.example}}\n      grants:\n        \"spiffe://prod.shop.example/billing\":";
    let mesh = Mesh::open(GATEWAY, "", &[(spiffe, dns)]);
    let call = |names: &[&str]| {
        let own = mesh.clients.issue(&Leaf::server(names));
        answer(&mesh, Some(&own), &list()).unwrap()
    };
    assert_eq!(call(&["a.partner.example"]).status, 200);
    let _seen = mesh.shop.upstream.take();
    for names in [
        &["a.partner.example", "b.partner.example"][..],
        &["a.evilpartner.example"],
        &["*.partner.example"],
        &["A.partner.example"],
        &[],
    ] {
        let answer = call(names);
        refused(&mesh, &answer, "identify.certificate_name_refused", &format!("{names:?}"));
    }
}

#[test]
fn t48_e20_a_bound_token_is_good_over_the_connection_of_its_certificate_only() {
    let changes = [(MESH, ""), ("providers: [shop-idp, mesh]", PROVIDERS)];
    let mesh = Mesh::open(GATEWAY, "", &changes);
    let (own, other) = (mesh.billing(), mesh.billing());
    let draft = mesh.shop.issuer.draft("ann");
    let bound = draft.claim("cnf", serde_json::json!({"x5t#S256": own.thumbprint()}));
    let token = get(ORDERS, &mesh.shop.issuer.sign(&bound));
    // twice, so that the second is of a token that is known
    for _ in 0..2 {
        assert_eq!(answer(&mesh, Some(&own), &token).unwrap().status, 200);
        let _seen = mesh.shop.upstream.take();
        for stolen in [None, Some(&other)] {
            let answer = answer(&mesh, stolen, &token).unwrap();
            refused(&mesh, &answer, "identify.sender_unproven", "stolen");
        }
    }
}
