//! Cases F1–F11 and B8–B11, over a real socket against the running gateway: what goes wrong denies,
//! and no client makes anything grow.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::process::Command;

use portcullis_testkit::shop::{get, post, request};
use portcullis_testkit::{Shop, raw};
use serde_json::json;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";

fn admin(shop: &Shop, path: &str) -> String {
    use std::io::{Read, Write};
    let socket = shop.folder().join("state/admin.sock");
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn f01_a_policy_that_fails_to_evaluate_denies() {
    let level = (
        "plan: {claim: plan, type: text}",
        "plan: {claim: plan, type: text}\n          level: {claim: level, type: number}",
    );
    let policy = "@id(\"overflow\")\nforbid (principal is Orders::User, action == Orders::Action::\"listOrders\", resource)\nwhen { principal has level && principal.level * 9223372036854775807 < 0 };\n";
    let shop = Shop::open_with(GATEWAY, &[level], &[("policies/overflow.cedar", policy)]);
    shop.crosses("without the attribute", get(ORDERS, &shop.issuer.token("ann")));
    let token = shop.issuer.draft("eve").claim("level", json!(2));
    let answer =
        shop.refuses("overflow", get(ORDERS, &shop.issuer.sign(&token)), "authorize.policy_error");
    assert_eq!(answer.status, 403);
    assert!(!answer.body.contains("overflow"), "{}", answer.body);
    let record = shop.gateway.outcome(&answer.id());
    assert!(record.detail.unwrap().contains("overflow"));
}

#[test]
fn f02_f06_what_cannot_be_enforced_does_not_start() {
    let shop = Shop::open(GATEWAY, &[]);
    let cases = [
        (
            "policies/orders.cedar",
            "permit (principal, action == Orders::Action::\"nothing\", resource);",
        ),
        ("policies/orders.cedar", "permit (principal, action, resource) when { principal.admin };"),
        ("policies/orders.cedar", "permit (principal"),
        ("contracts/orders.yaml", "openapi: 3.1.0\npaths: {}\n"),
        ("portcullis.yaml", "apiVersion: portcullis/v1\n"),
    ];
    for (file, text) in cases {
        let path = shop.folder().join(file);
        let good = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text).unwrap();
        for verb in ["check", "run"] {
            let output =
                Command::new(GATEWAY).arg("-C").arg(shop.folder()).arg(verb).output().unwrap();
            let said =
                String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{verb} {file}: {said}");
            assert!(said.contains("error[PC0"), "{verb} {file}: {said}");
        }
        std::fs::write(&path, good).unwrap();
    }
}

#[test]
fn f09_threads_are_admitted_exactly_up_to_the_burst() {
    let shop = Shop::open(GATEWAY, &[]);
    let token = shop.issuer.token("flood");
    let address = shop.gateway.address("web");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let one = |_| raw::exchange(address, get(ORDERS, &token).as_bytes())[0].status;
                    (0..8).map(one).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let crossed = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!((20..=22).contains(&crossed), "{crossed} crossed with a burst of 20");
    assert_eq!(crossed + refused, 64);
    assert_eq!(shop.upstream.take().len(), crossed);
    // another caller of the same tenant has its own
    shop.crosses("another caller", get(ORDERS, &shop.issuer.token("calm")));
    let answer = shop.refuses("still flooded", get(ORDERS, &token), "admit.rate_exceeded");
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
}

#[test]
fn f11_no_credential_and_nothing_personal_is_written_down() {
    let shop = Shop::open(GATEWAY, &[]);
    let good = shop.issuer.sign(&shop.issuer.draft("ann-secret-name"));
    let tokens = [
        good.clone(),
        shop.issuer.sign(&shop.issuer.draft("x").header("typ", json!("JWT"))),
        "not-a-token".to_owned(),
    ];
    for token in &tokens {
        let _answers = shop.send(get(ORDERS, token));
        let _answers = shop.send(request("GET", &format!("{ORDERS}?access_token={token}"), &[]));
        let _answers =
            shop.send(request("GET", "/v1/../x", &[&format!("Authorization: Bearer {token}")]));
    }
    let _answers = shop.send(get("/v1/tenants/acme/orders/o-4711", &good));
    let body = r#"{"customer":"someone@private.example","lines":[{"sku":"ABC-0001","amount":0}]}"#;
    let answers = shop.send(post(ORDERS, &good, body));
    assert_eq!(answers[0].status, 400);
    let _last = shop.gateway.outcome(&answers[0].id());
    let mut written = shop.gateway.log() + &admin(&shop, "/metrics");
    for file in std::fs::read_dir(shop.folder().join("state/records")).unwrap() {
        written += &std::fs::read_to_string(file.unwrap().path()).unwrap();
    }
    for secret in [
        &*good,
        &*tokens[1],
        "not-a-token",
        "ann-secret-name",
        "o-4711",
        "someone@private.example",
        "127.0.0.1\\\"",
    ] {
        assert!(!written.contains(secret), "{secret} was written down");
    }
    assert!(!answers[0].body.contains("private.example"), "{}", answers[0].body);
}

#[test]
fn b08_a_compressed_body_is_never_opened_unasked() {
    let shop = Shop::open(GATEWAY, &[]);
    let body = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for coding in ["gzip", "br", "zstd", "gzip, gzip", "identity, gzip"] {
        let token = format!("Authorization: Bearer {}", shop.issuer.token("ann"));
        let lines = [
            token.as_str(),
            "Content-Type: application/json",
            &format!("Content-Encoding: {coding}"),
            &format!("Content-Length: {}", body.len()),
        ];
        let mut bytes = request("POST", ORDERS, &lines).into_bytes();
        bytes.extend(body);
        let answers = shop.send(bytes);
        assert!(matches!(answers[0].status, 400 | 415), "{coding}: {answers:?}");
    }
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn b09_metric_labels_come_from_the_declaration_only() {
    let shop = Shop::open(GATEWAY, &[]);
    let series = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
    let one = |number: usize| {
        let bytes = request("GET", &format!("/v1/attack-{number}"), &[]);
        let _answers = shop.send(bytes);
        let _answers =
            shop.send(request("GET", "/", &[]).replace("api.shop", &format!("attack-{number}")));
        let _answers = shop.send(format!("M{number} / HTTP/1.1\r\nHost: x\r\n\r\n"));
    };
    one(0);
    let before = admin(&shop, "/metrics");
    (1..40).for_each(one);
    let after = admin(&shop, "/metrics");
    assert!(!after.contains("attack"), "{after}");
    assert!(series(&after) <= series(&before) + 2, "{after}");
    let denied = "portcullis_denied_total{boundary=\"\",reason=\"receive.unlisted_operation\"} 40";
    assert!(after.contains(denied), "{after}");
}

#[test]
fn b10_credentials_that_are_refused_run_out_before_cryptography() {
    let shop = Shop::open(
        GATEWAY,
        &[("policies: policies", "guards: {failure_rate: 5}\npolicies: policies")],
    );
    let bad = get(ORDERS, &shop.issuer.sign(&shop.issuer.draft("eve").claim("iss", json!("x"))));
    for _ in 0..5 {
        shop.refuses("a wrong credential", &bad, "identify.issuer_refused");
    }
    let answer = shop.refuses("one too many", &bad, "receive.failures_throttled");
    assert_eq!(answer.status, 429);
    let fast = Shop::open(
        GATEWAY,
        &[("policies: policies", "guards: {address_rate: 5}\npolicies: policies")],
    );
    let codes: Vec<String> =
        (0..10).map(|_| fast.send(request("GET", "/v1/products", &[])).remove(0).code()).collect();
    assert!(codes.iter().any(|code| code == "receive.address_throttled"), "{codes:?}");
}

#[test]
fn b11_deep_and_doubled_json() {
    let shop = Shop::open(GATEWAY, &[]);
    let token = shop.issuer.token("ann");
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for body in [
        &*deep,
        "{\"a\":1,\"\\u0061\":2}",
        "{\"a\":1e999999999}",
        "[1,]",
        "\u{feff}{}",
        "{} {}",
        "nul",
        "\"\u{1}\"",
    ] {
        shop.refuses(
            body.get(..20).unwrap_or(body),
            post(ORDERS, &token, body),
            "inspect.body_malformed",
        );
    }
    let large = format!("{{\"note\":\"{}\"}}", "a".repeat(20_000));
    let answer = shop.refuses("large", post(ORDERS, &token, &large), "inspect.body_too_large");
    assert_eq!(answer.status, 413);
    let chunked = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let lines = [
        format!("Authorization: Bearer {token}"),
        "Content-Type: application/json".to_owned(),
        "Transfer-Encoding: chunked".to_owned(),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    shop.refuses(
        "large in chunks",
        request("POST", ORDERS, &lines) + &chunked,
        "inspect.body_too_large",
    );
}

#[test]
fn the_admin_door_is_its_owners_and_explains() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::open(GATEWAY, &[]);
    let mode =
        std::fs::metadata(shop.folder().join("state/admin.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(admin(&shop, "/health").contains("alive"));
    assert!(admin(&shop, "/ready").starts_with("HTTP/1.1 200"));
    let token = shop.issuer.draft("ann").claim("tenant", json!("globex"));
    let answer = shop.refuses(
        "cross-tenant",
        get(ORDERS, &shop.issuer.sign(&token)),
        "authorize.tenant_mismatch",
    );
    let policy = "`baseline.orders.tenant.OrderList` (policies/baseline.cedar:";
    for said in
        [admin(&shop, &format!("/explain/{}", answer.id())), shop.verb(&["explain", &answer.id()])]
    {
        assert!(said.contains(policy) && said.contains("refused at stage authorize"), "{said}");
    }
    assert!(admin(&shop, "/explain/00").starts_with("HTTP/1.1 404"));
    assert!(admin(&shop, "/x").starts_with("HTTP/1.1 404"));
}

#[test]
fn records_replay_and_an_altered_fact_does_not() {
    let shop = Shop::open(GATEWAY, &[]);
    let token = shop.issuer.token("ann");
    let bad = shop.issuer.sign(&shop.issuer.draft("eve").claim("aud", json!("x")));
    let order = r#"{"customer":"a@example.com","lines":[{"sku":"ABC-0001","amount":2}]}"#;
    let requests = [
        get(ORDERS, &token),
        get(ORDERS, &bad),
        get("/v1/tenants/globex/orders", &token),
        get("/v1/../x", &token),
        request("GET", "/v1/products", &[]),
        request("GET", ORDERS, &[]),
        post(ORDERS, &token, order),
        post(ORDERS, &token, "{}"),
        get("/v1/tenants/acme/orders?limit=0", &token),
        get("/v1/nowhere", &token),
        request("GET", "/v1/products", &["Origin: a", "Origin: b"]),
    ];
    let mut last = String::new();
    for bytes in &requests {
        last = shop.send(bytes).remove(0).id();
    }
    let _written = shop.gateway.outcome(&last);
    let file = std::fs::read_dir(shop.folder().join("state/records"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let said = shop.verb(&["replay", file.to_str().unwrap()]);
    assert!(said.ends_with("11 the same, 0 differ, 0 cannot be recomputed"), "{said}");
    let text = std::fs::read_to_string(&file).unwrap();
    let altered = shop.folder().join("altered.jsonl");
    let alterations = [
        ("\\\"taken\\\":[\\\"per-caller\\\"", "\\\"taken\\\":[\\\"x\\\""),
        ("\"template\":\"/v1/products\"", "\"template\":\"/v1/other\""),
        ("identify.audience_refused\\\"", "identify.issuer_refused\\\""),
        ("\"sealed\":\"", "\"sealed\":\"00"),
    ];
    for (from, to) in alterations {
        assert!(text.contains(from), "{from}");
        std::fs::write(&altered, text.replace(from, to)).unwrap();
        let said = shop.verb(&["replay", altered.to_str().unwrap()]);
        assert!(said.contains("differs") && !said.contains(" 0 differ"), "{from}: {said}");
    }
}
