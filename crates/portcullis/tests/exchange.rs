//! Token exchange (RFC 8693; attack cases E25, 67): who gets what for which token, and who gets nothing.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_testkit::certificates::{Issued, Leaf};
use portcullis_testkit::issuer::{Token, now};
use portcullis_testkit::mesh::BILLING;
use portcullis_testkit::shop::{get, request};
use portcullis_testkit::{Answer, Issuer, Mesh, Shop};
use serde_json::{Value, json};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
/// Where `cargo xtask test` installs Python packages.
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/python");
const HOST: &str = "api.shop.example";
const ORDERS: &str = "/v1/tenants/acme/orders";
/// Of some key, which nobody here has.
const THUMBPRINT: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
const AUDIENCE: &str = "https://api.shop.example";

const TOKENS: &str = r#"policies: policies
tokens:
  issuer: https://gate.shop.example
  exchange:
    listener: web
    path: /oauth/token
    clients:
      billing:
        provider: mesh
        subject: spiffe://prod.shop.example/billing
        subjects: [shop-idp, own]
        audiences: [https://api.shop.example, https://stock.internal]
        scopes: ["orders:read", "stock:read"]
        lifetime: 2m
"#;

const OWN: &str = r#"  own:
    jwt:
      issuer: https://gate.shop.example
      audiences: [https://api.shop.example]
      keys: {file: {path: state/tokens/jwks.json}}
      actors: ["mesh|spiffe://prod.shop.example/billing"]
      claims: {tenant: tenant, scopes: scope}
  shop-idp:
"#;

fn mesh() -> Mesh {
    Mesh::open(
        GATEWAY,
        "",
        &[
            ("policies: policies", TOKENS),
            ("  shop-idp:\n", OWN),
            ("providers: [shop-idp, mesh]", "providers: [shop-idp, mesh, own]"),
            (
                "max_lifetime: 1h",
                "max_lifetime: 1h\n      actors: [\"spiffe://prod.shop.example/billing\", helper, h1, h2, h3]",
            ),
        ],
    )
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

type Fields<'a> = Vec<(&'a str, String)>;

fn fields(token: &str) -> Fields<'static> {
    vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange".to_owned()),
        ("subject_token", token.to_owned()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token".to_owned()),
        ("audience", AUDIENCE.to_owned()),
    ]
}

fn form(fields: &Fields<'_>, further: &[&str]) -> String {
    let body: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let body = body.join("&");
    let length = format!("Content-Length: {}", body.len());
    let mut lines = vec!["Content-Type: application/x-www-form-urlencoded", &length];
    lines.extend_from_slice(further);
    request("POST", "/oauth/token", &lines) + &body
}

fn ask(mesh: &Mesh, own: Option<&Issued>, text: &str) -> Answer {
    let dialer = mesh.dialer(own);
    dialer.ask(mesh.address(), HOST, text).map(|(answer, _)| answer).unwrap()
}

fn exchange(mesh: &Mesh, fields: &Fields<'_>) -> Answer {
    ask(mesh, Some(&mesh.billing()), &form(fields, &[]))
}

/// A token of a user that billing may act for.
fn draft(issuer: &Issuer) -> Token {
    issuer.draft("alice").claim("may_act", json!({"sub": BILLING}))
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Refused with this error of OAuth, recorded with this reason, and nothing was asked of an upstream.
fn refused(mesh: &Mesh, answer: &Answer, error: &str, reason: &str, case: &str) {
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(said["error"], error, "{case}: {answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{case}");
    let record = mesh.shop.gateway.outcome(&answer.id());
    assert_eq!(record.reason.unwrap().to_string(), reason, "{case}: {record:?}");
    assert_eq!(answer.status, record.reason.unwrap().status(), "{case}");
    assert!(mesh.shop.upstream.take().is_empty(), "{case}");
}

#[test]
fn a_declared_client_gets_a_narrower_token_in_which_it_acts() {
    let mesh = mesh();
    let expires = now() + 90;
    let token = mesh.shop.issuer.sign(&draft(&mesh.shop.issuer).claim("exp", expires.into()));
    let answer = exchange(&mesh, &fields(&token));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(said["token_type"], "Bearer");
    assert_eq!(said["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!(said["scope"], "orders:read", "what both the token and the client have");
    let given = said["access_token"].as_str().unwrap();
    let claims = claims(given);
    assert_eq!(claims["sub"], "shop-idp|alice");
    assert_eq!(claims["act"], json!({"sub": format!("mesh|{BILLING}")}));
    assert_eq!((&claims["aud"], &claims["client_id"]), (&json!(AUDIENCE), &json!("billing")));
    assert_eq!(claims["exp"], expires, "no longer than the token that was exchanged");
    assert!(claims.get("may_act").is_none());
    // another implementation agrees, where it is installed
    let keys = mesh.shop.folder().join("state/tokens/jwks.json");
    let script = "import sys, json, jwt\nkeys = jwt.PyJWKSet.from_dict(json.load(open(sys.argv[1])))\nkid = jwt.get_unverified_header(sys.argv[2])['kid']\njwt.decode(sys.argv[2], keys[kid], algorithms=['ES256'], audience=sys.argv[3], issuer='https://gate.shop.example')";
    let mut python = Command::new("python3");
    python.args(["-c", "import jwt, cryptography"]).env("PYTHONPATH", PACKAGES);
    if python.output().is_ok_and(|output| output.status.success())
        || std::env::var_os("CI").is_some()
    {
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(keys).args([given, AUDIENCE]).env("PYTHONPATH", PACKAGES);
        let output = python.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    // the record names the token and holds neither
    let record = mesh.shop.gateway.outcome(&answer.id());
    let text = serde_json::to_string(&record).unwrap();
    assert!(text.contains(claims["jti"].as_str().unwrap()));
    assert!(!text.contains(given) && !text.contains(&token));
    assert_eq!(record.reason, None);
    // it is a credential where its issuer is accepted, for what it says
    let used = ask(&mesh, None, &get(ORDERS, given));
    assert_eq!(used.status, 200, "{used:?}");
    assert_eq!(mesh.shop.upstream.take().len(), 1);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table of cases")]
fn e25_t67_an_exchange_only_ever_narrows() {
    let mesh = mesh();
    let issuer = &mesh.shop.issuer;
    let good = issuer.sign(&draft(issuer));
    let with = |name: &'static str, value: &str| {
        let mut fields = fields(&good);
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value.to_owned()));
        fields
    };
    let of = |token: Token| fields(&issuer.sign(&token));
    let long =
        json!({"sub": "helper", "act": {"sub": "h1", "act": {"sub": "h2", "act": {"sub": "h3"}}}});
    let (request, actor) = ("invalid_request", "authorize.exchange_actor_refused");
    let subject = "identify.exchange_subject_refused";
    let mut twice = fields(&good);
    twice.push(("audience", "https://stock.internal".to_owned()));
    let two_targets = with("resource", "https://stock.internal");
    let cases: Vec<(&str, Fields<'_>, &str, &str)> = vec![
        ("no may_act", of(issuer.draft("alice")), request, actor),
        (
            "another may act",
            of(draft(issuer).claim("may_act", json!({"sub": "x"}))),
            request,
            actor,
        ),
        (
            "another issuer's may act",
            of(draft(issuer).claim("may_act", json!({"iss": "https://x", "sub": BILLING}))),
            request,
            actor,
        ),
        (
            "a token that is bound to a key",
            of(draft(issuer).claim("cnf", json!({"jkt": THUMBPRINT}))),
            request,
            subject,
        ),
        ("a loop", of(draft(issuer).claim("act", json!({"sub": BILLING}))), request, actor),
        ("a chain at its bound", of(draft(issuer).claim("act", long)), request, actor),
        (
            "wider than the client",
            with("scope", "orders:read orders:write"),
            "invalid_scope",
            "authorize.exchange_scope_refused",
        ),
        (
            "wider than the token",
            with("scope", "stock:read"),
            "invalid_scope",
            "authorize.exchange_scope_refused",
        ),
        (
            "another audience",
            with("audience", "https://payroll.internal"),
            "invalid_target",
            "authorize.exchange_target_refused",
        ),
        ("two audiences", two_targets, "invalid_target", "authorize.exchange_target_refused"),
        ("a parameter twice", twice, request, "receive.exchange_malformed"),
        ("an unknown parameter", with("nonce", "x"), request, "receive.exchange_malformed"),
        (
            "another kind of token",
            with("subject_token_type", "urn:x"),
            request,
            "receive.exchange_malformed",
        ),
        (
            "another grant",
            with("grant_type", "client_credentials"),
            "unsupported_grant_type",
            "receive.exchange_grant_refused",
        ),
        ("an ID token", of(draft(issuer).header("typ", "JWT".into())), request, subject),
        ("expired", of(draft(issuer).claim("exp", (now() - 60).into())), request, subject),
        ("for another", of(draft(issuer).claim("aud", "https://other".into())), request, subject),
        (
            "bound to another sender",
            of(draft(issuer).claim("cnf", json!({"x5t#S256": "A".repeat(43)}))),
            request,
            subject,
        ),
        ("forged", fields(&Issuer::new("shop-1").sign(&draft(issuer))), request, subject),
        ("not a token", fields("abc"), request, subject),
    ];
    for (case, fields, error, reason) in &cases {
        refused(&mesh, &exchange(&mesh, fields), error, reason, case);
    }
    assert_eq!(exchange(&mesh, &fields(&good)).status, 200);
}

#[test]
fn only_a_declared_client_that_proves_itself_is_answered() {
    let mesh = mesh();
    let issuer = &mesh.shop.issuer;
    let good = fields(&issuer.sign(&draft(issuer)));
    let other = mesh.clients.issue(&Leaf::workload(&["spiffe://prod.shop.example/other"]));
    let foreign = mesh.clients.issue(&Leaf::workload(&["spiffe://test.shop.example/billing"]));
    let reason = "identify.exchange_client_refused";
    for (case, own) in [("nobody", None), ("undeclared", Some(&other)), ("foreign", Some(&foreign))]
    {
        let answer = ask(&mesh, own, &form(&good, &[]));
        refused(&mesh, &answer, "invalid_client", reason, case);
    }
    let billing = mesh.billing();
    let basic = form(&good, &["Authorization: Basic YTpi"]);
    refused(
        &mesh,
        &ask(&mesh, Some(&billing), &basic),
        "invalid_client",
        reason,
        "two credentials",
    );
    let mut renamed = good.clone();
    renamed.push(("client_id", "another".to_owned()));
    refused(&mesh, &exchange(&mesh, &renamed), "invalid_client", reason, "another name");
    let get = ask(&mesh, Some(&billing), &request("GET", "/oauth/token", &[]));
    assert_eq!(get.code(), "receive.unlisted_operation");
    let query = form(&good, &[]).replace("/oauth/token ", "/oauth/token?scope=x ");
    refused(
        &mesh,
        &ask(&mesh, Some(&billing), &query),
        "invalid_request",
        "receive.exchange_malformed",
        "query",
    );
}

#[test]
fn a_client_may_show_a_token_of_its_own_instead_of_a_certificate() {
    let cluster = Issuer::new("cluster-1");
    let provider = "  cluster:\n    jwt:\n      issuer: https://cluster.example\n      audiences: [https://gate.shop.example]\n      keys: {file: {path: cluster.json}}\n      types: [jwt]\n      principal: workload\n  shop-idp:\n";
    let tokens = TOKENS
        .replace("provider: mesh", "provider: cluster")
        .replace("spiffe://prod.shop.example/billing", "system:serviceaccount:shop:billing")
        .replace("[shop-idp, own]", "[shop-idp]");
    let changes = [("policies: policies", tokens.as_str()), ("  shop-idp:\n", provider)];
    let shop = Shop::open_with(GATEWAY, &changes, &[("cluster.json", &cluster.jwks())]);
    let subject = "system:serviceaccount:shop:billing";
    let assertion = |audience: &str, subject: &str| {
        let token = cluster.draft(subject).header("typ", "JWT".into());
        let token = token.claim("iss", "https://cluster.example".into());
        cluster.sign(&token.claim("aud", audience.into()))
    };
    let may_act = json!({"iss": "https://cluster.example", "sub": subject});
    let token = shop.issuer.sign(&shop.issuer.draft("alice").claim("may_act", may_act));
    let ask = |assertion: String| {
        let mut fields = fields(&token);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        fields.push(("client_assertion_type", kind.to_owned()));
        fields.push(("client_assertion", assertion));
        shop.send(form(&fields, &[])).remove(0)
    };
    let answer = ask(assertion("https://gate.shop.example", subject));
    assert_eq!(answer.status, 200, "{answer:?}");
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    let claims = claims(said["access_token"].as_str().unwrap());
    assert_eq!(claims["act"], json!({"sub": format!("cluster|{subject}")}));
    for (case, bad) in [
        ("for another", assertion("https://other", subject)),
        ("undeclared", assertion("https://gate.shop.example", "system:serviceaccount:x:y")),
        ("the subject's own", token.clone()),
    ] {
        let answer = ask(bad);
        assert_eq!(answer.status, 401, "{case}: {answer:?}");
        let record = shop.gateway.outcome(&answer.id());
        let reason = record.reason.unwrap().to_string();
        assert_eq!(reason, "identify.exchange_client_refused", "{case}: {record:?}");
    }
    assert!(shop.upstream.take().is_empty());
}
