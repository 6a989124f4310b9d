//! Who signed this message (attack case E22)? Programs by RFC 9421, signed by an implementation that
//! others wrote, and integrations by the codes of their webhooks; over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use aws_lc_rs::hmac;
use portcullis_testkit::issuer::{base64_standard, now};
use portcullis_testkit::raw::exchange;
use portcullis_testkit::signer::{SECRET, bytes};
use portcullis_testkit::{Answer, Shop, Signed, Signer};
use serde_json::json;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ITEM: &str = "/stock/v1/items/ABC-0001";
const BODY: &str = r#"{"amount":7}"#;
const REFUSED: &str = "identify.message_signature_refused";
const HOOK: &str = "identify.webhook_refused";
const POLICY: &str = "permit (principal is Stock::Workload, action, resource) when { principal.scopes.contains(\"stock:write\") };";

/// The shop, whose partner signs messages and sends webhooks.
fn open(signer: &Signer, rules: &str) -> Shop {
    let key = |name: &str| {
        let pem = signer.public_key(name);
        format!(
            "        {name}: {{public_key: {pem}, holder: billing, scopes: [\"stock:write\"]}}\n"
        )
    };
    let hook = |scheme: &str, secrets: &str| {
        format!(
            "  {scheme}:\n    webhook: {{scheme: {scheme}, secrets: [{secrets}], holder: {scheme}-inc, scopes: [\"stock:write\"]}}\n"
        )
    };
    let providers = format!(
        "  signers:\n    signatures:\n      keys:\n{}{}{}        shared: {{secret: {{file: shared.secret}}, holder: billing, scopes: [\"stock:write\"]}}\n{rules}{}{}{}{}  partner-keys:",
        key("ed"),
        key("p256"),
        key("rsa"),
        hook("github", "{file: hook.secret}"),
        hook("slack", "{file: hook.secret}"),
        hook("standard", "{file: standard.secret}"),
        hook("stripe", "{file: new.secret}, {file: hook.secret}"),
    );
    let changes = [
        ("  partner-keys:", providers.as_str()),
        (
            "identity: {providers: [partner-keys]}",
            "identity: {providers: [partner-keys, signers, github, slack, standard, stripe]}",
        ),
        ("amount: 30, window: 1m, burst: 5", "amount: 999, window: 1m, burst: 999"),
        ("policies: policies", "guards: {failure_rate: 10000}\npolicies: policies"),
    ];
    let standard = format!("whsec_{}", base64_standard(SECRET));
    let files = [
        ("shared.secret", SECRET),
        ("hook.secret", SECRET),
        ("new.secret", "the next secret of this sender"),
        ("standard.secret", &standard),
        ("policies/signers.cedar", POLICY),
    ];
    Shop::open_with(GATEWAY, &changes, &files)
}

fn send(shop: &Shop, text: &str) -> Answer {
    exchange(shop.gateway.address("partner"), text.as_bytes()).remove(0)
}

/// It crosses; answers the head that the upstream saw, in lower case.
fn crosses(shop: &Shop, case: &str, text: &str) -> String {
    let answer = send(shop, text);
    assert_eq!(answer.status, 200, "{case}: {answer:?}");
    let seen = shop.upstream.take();
    assert_eq!(seen.len(), 1, "{case}");
    seen[0].head.to_lowercase()
}

/// It is refused, the upstream saw nothing, and the record has the reason.
fn refused(shop: &Shop, case: &str, text: &str, code: &str) -> Answer {
    let answer = send(shop, text);
    assert_eq!(answer.code(), code, "{case}: {answer:?}");
    assert!(shop.upstream.take().is_empty(), "{case}");
    let record = shop.gateway.outcome(&answer.id());
    assert_eq!(record.reason.unwrap().to_string(), code, "{case}");
    answer
}

fn put(key: &str) -> Signed {
    Signed::new(key, "PUT", ITEM, BODY)
}

#[test]
fn programs_sign_with_every_kind_of_key() {
    let signer = Signer::start();
    let shop = open(&signer, "");
    for key in ["ed", "p256", "rsa", "shared"] {
        let head = crosses(&shop, key, &signer.bytes(&put(key)));
        assert!(head.contains("x-portcullis-principal: signers|billing"), "{head}");
        assert!(!head.contains("signature") && head.contains("content-digest: sha-256="), "{head}");
        let asked =
            Signed::new(key, "GET", ITEM, "").with("components", json!(["@method", "@target-uri"]));
        let _head = crosses(&shop, key, &signer.bytes(&asked.with("body", json!(""))));
    }
    let record = shop.gateway.records().last().cloned().unwrap();
    assert_eq!(record.caller.credential.as_deref(), Some("shared"));
    let said: Vec<_> = record.stages.iter().map(|note| note.said.as_str()).collect();
    assert!(said.contains(&"its sender is proved by a signature over the message"), "{said:?}");
    let file = std::fs::read_dir(shop.folder().join("state/records")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).max().unwrap();
    let replayed = shop.verb(&["replay", &file.display().to_string()]);
    assert_eq!(replayed, "8 the same, 0 differ, 0 cannot be recomputed");
}

#[test]
fn e22_what_differs_from_what_was_signed_is_refused() {
    let signer = Signer::start();
    let shop = open(&signer, "");
    let good = signer.bytes(&put("ed"));
    for (case, from, to) in [
        ("another method", "PUT /", "GET /"),
        ("another path", "/items/ABC-0001", "/items/ABC-0002"),
        ("a query", "ABC-0001 HTTP", "ABC-0001?x=1 HTTP"),
        ("another host", "stock.shop.example", "localhost"),
        ("another digest", "sha-256=:", "sha-256=:A"),
        ("no signature", "Signature: ", "X-Signature: "),
        ("no input", "Signature-Input: ", "X-Input: "),
        ("another label", "Signature: sig1", "Signature: sig2"),
        ("another time", "created=", "created=1"),
        ("another key", "keyid=\"ed\"", "keyid=\"p256\""),
        ("an unknown key", "keyid=\"ed\"", "keyid=\"none\""),
        ("another algorithm", "alg=\"ed25519\"", "alg=\"hmac-sha256\""),
        ("fewer components", "(\"@method\" ", "("),
        ("another order", "\"@method\" \"@target-uri\"", "\"@target-uri\" \"@method\""),
        ("a component twice", "(\"@method\" ", "(\"@method\" \"@method\" "),
        ("a parameter", "\"content-digest\"", "\"content-digest\";sf"),
    ] {
        assert!(good.contains(from), "{case}: {good}");
        refused(&shop, case, &good.replacen(from, to, 1), REFUSED);
    }
    let body = good.replace("{\"amount\":7}", "{\"amount\":9}");
    let answer = refused(&shop, "another body", &body, "inspect.content_digest_refused");
    assert_eq!(answer.status, 400);
    let stranger = put("ed").with("by", json!("stranger"));
    let answer = refused(&shop, "by a stranger", &signer.bytes(&stranger), REFUSED);
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Signature")));
    // whatever else is shown is another credential
    let several = good.replacen("\r\n", "\r\nAuthorization: Bearer x\r\n", 1);
    refused(&shop, "and a token", &several, "identify.several_credentials");
    let several = good.replacen("\r\n", "\r\nX-Hub-Signature-256: sha256=x\r\n", 1);
    refused(&shop, "and a code", &several, "identify.several_credentials");
    let named = good.replacen("\r\n", "\r\nConnection: signature\r\n", 1);
    refused(&shop, "d04 named away", &named, "receive.invalid_header");
    let folded = good.replacen("sig1=(", "sig1=\r\n (", 1);
    refused(&shop, "a07 folded", &folded, "receive.invalid_header");
    let twice = good.replacen("\r\n", "\r\nContent-Digest: sha-256=:AAAA:\r\n", 1);
    refused(&shop, "a field twice", &twice, REFUSED);
    refused(&shop, "e22 again, with its own body", &good, "identify.message_replayed");
    let fresh = signer.bytes(&put("ed").with("nonce", json!("fresh")));
    let _head = crosses(&shop, "after all of that", &fresh);
    refused(&shop, "e22 again", &fresh, "identify.message_replayed");
}

#[test]
fn e22_an_unsigned_body_an_old_time_and_a_nonce_that_was_used() {
    let signer = Signer::start();
    let shop = open(&signer, "      age_max: 60s\n      tag: portcullis\n      nonces: true\n");
    let draft =
        |nonce: &str| put("p256").with("tag", json!("portcullis")).with("nonce", json!(nonce));
    let _head = crosses(&shop, "good", &signer.bytes(&draft("a")));
    for (case, message, code) in [
        (
            "an unsigned body",
            draft("b").with("components", json!(["@method", "@target-uri"])),
            REFUSED,
        ),
        (
            "an unsigned authority",
            draft("c").with("components", json!(["@method", "@path", "@query", "content-digest"])),
            REFUSED,
        ),
        ("an old one", draft("d").with("created", json!(now() - 66)), REFUSED),
        ("one of the future", draft("e").with("created", json!(now() + 30)), REFUSED),
        (
            "one that has expired",
            draft("f").with("created", json!(now() - 30)).with("expires", json!(now() - 10)),
            REFUSED,
        ),
        ("a used nonce", draft("a").with("created", json!(now() - 2)), "identify.message_replayed"),
        ("no nonce", draft("g").with("nonce", json!(null)), REFUSED),
        ("another tag", draft("h").with("tag", json!("other")), REFUSED),
        ("no tag", draft("i").with("tag", json!(null)), REFUSED),
    ] {
        refused(&shop, case, &signer.bytes(&message), code);
    }
    let parts = draft("j")
        .with("components", json!(["@method", "@authority", "@path", "@query", "content-digest"]));
    let _head = crosses(&shop, "the URI in parts", &signer.bytes(&parts));
    let more = draft("k").with(
        "components",
        json!(["@method", "@target-uri", "content-digest", "content-type", "host"]),
    );
    let _head = crosses(&shop, "more than is asked", &signer.bytes(&more));
}

/// A webhook to the shop with these headers.
fn hook(headers: &[(&str, String)], body: &str) -> String {
    let message = Signed::new("ed", "PUT", ITEM, body);
    let own = [
        ("Host", "stock.shop.example".to_owned()),
        ("Content-Type", "application/json".to_owned()),
    ];
    let lines: Vec<_> = own
        .iter()
        .chain(headers)
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    bytes(&message, &lines)
}

fn code(text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), text.as_bytes())
        .as_ref()
        .to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn github(body: &str) -> Vec<(&'static str, String)> {
    vec![("X-Hub-Signature-256", format!("sha256={}", hex(&code(body))))]
}

fn slack(at: u64, body: &str) -> Vec<(&'static str, String)> {
    let signed = hex(&code(&format!("v0:{at}:{body}")));
    vec![
        ("X-Slack-Request-Timestamp", at.to_string()),
        ("X-Slack-Signature", format!("v0={signed}")),
    ]
}

fn stripe(at: u64, body: &str) -> Vec<(&'static str, String)> {
    vec![("Stripe-Signature", format!("t={at},v1={}", hex(&code(&format!("{at}.{body}")))))]
}

fn standard(id: &str, at: u64, body: &str) -> Vec<(&'static str, String)> {
    let signed = base64_standard(code(&format!("{id}.{at}.{body}")));
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", format!("v1,{signed}")),
    ]
}

#[test]
fn e22_webhooks_come_once_in_time_and_from_their_sender() {
    let signer = Signer::start();
    let shop = open(&signer, "");
    let at = now();
    for (scheme, headers) in [
        ("github", github(BODY)),
        ("slack", slack(at, BODY)),
        ("stripe", stripe(at, BODY)),
        ("standard", standard("msg_1", at, BODY)),
    ] {
        let text = hook(&headers, BODY);
        let head = crosses(&shop, scheme, &text);
        assert!(head.contains(&format!("x-portcullis-principal: {scheme}|{scheme}-inc")), "{head}");
        assert!(!head.contains("-signature"), "{head}");
        refused(&shop, "again", &text, "identify.message_replayed");
        let changed = text.replace("\"amount\":7", "\"amount\":9");
        let answer = refused(&shop, "another body", &changed, HOOK);
        assert_eq!(answer.status, 401, "{scheme}");
        let name = headers.last().unwrap().0;
        let twice = text.replacen(&format!("{name}:"), &format!("{name}: x\r\n{name}:"), 1);
        refused(&shop, "two codes", &twice, HOOK);
    }
    for (case, headers) in [
        ("an old one of Slack", slack(at - 301, BODY)),
        ("a future one of Slack", slack(at + 400, BODY)),
        ("an old one of Stripe", stripe(at - 301, BODY)),
        ("an old one of Standard Webhooks", standard("msg_2", at - 301, BODY)),
        (
            "another time than is signed",
            vec![("X-Slack-Request-Timestamp", (at - 1).to_string()), slack(at, BODY)[1].clone()],
        ),
        ("no time", vec![slack(at, BODY)[1].clone()]),
        ("no code that is known", vec![("Stripe-Signature", format!("t={at},v0=00"))]),
        ("an empty code", vec![("X-Hub-Signature-256", "sha256=".to_owned())]),
    ] {
        refused(&shop, case, &hook(&headers, BODY), HOOK);
    }
    // what the contract does not list is refused after it is known who sent it, or before
    let odd = r#"{"amount":-1}"#;
    refused(&shop, "no such body", &hook(&github(odd), odd), "inspect.body_refused");
    let typed = hook(&github("{} "), "{} ").replace("application/json", "text/plain");
    refused(&shop, "no such type", &typed, "inspect.content_type_refused");
    let path = hook(&github("{ }"), "{ }").replace("ABC-0001", "abc");
    refused(&shop, "no such parameter", &path, "inspect.parameter_refused");
    let file = std::fs::read_dir(shop.folder().join("state/records")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).max().unwrap();
    let replayed = shop.verb(&["replay", &file.display().to_string()]);
    assert!(replayed.ends_with(" the same, 0 differ, 0 cannot be recomputed"), "{replayed}");
}

#[test]
fn an_upstream_is_shown_that_a_request_came_through_here() {
    let signer = Signer::start();
    for (key, declared) in [
        ("ed", "key: {file: sign.key}"),
        ("p256", "key: {file: sign.key}"),
        ("shared", "secret: {file: shared.secret}"),
    ] {
        let stock = format!(
            "stock: {{address: \"127.0.0.1:8092\", signature: {{keyid: {key}, {declared}}}, "
        );
        let orders = format!(
            "orders: {{address: \"127.0.0.1:8091\", signature: {{keyid: {key}, {declared}}}, "
        );
        let changes = [
            ("stock: {address: \"127.0.0.1:8092\", ", stock.as_str()),
            ("orders: {address: \"127.0.0.1:8091\", ", orders.as_str()),
        ];
        let private = if key == "shared" { "" } else { signer.private_key(key) };
        let shop =
            Shop::open_with(GATEWAY, &changes, &[("sign.key", private), ("shared.secret", SECRET)]);
        let order = r#"{"customer":"a@example.com","lines":[{"sku":"ABC-0001","amount":1}]}"#;
        let post = portcullis_testkit::shop::post(
            "/v1/tenants/acme/orders",
            &shop.issuer.token("ann"),
            order,
        );
        // a signature of the caller's own is not passed off as ours
        let post = post.replacen(
            "\r\n",
            "\r\nSignature: portcullis=:AAAA:\r\nSignature-Input: portcullis=()\r\n",
            1,
        );
        let mut nonces = Vec::new();
        for _ in 0..2 {
            let seen = shop.crosses(key, &post);
            let headers: serde_json::Map<_, _> = seen
                .head
                .lines()
                .skip(1)
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.trim().into()))
                .collect();
            let asked = json!({
                "verify": true, "key": key, "method": "POST", "headers": headers, "body": order,
                "url": "http://api.shop.example/v1/tenants/acme/orders",
            });
            let covered = signer.ask(&asked);
            let names = covered["covered"].to_string();
            for name in [
                "@method",
                "@target-uri",
                "content-digest",
                "x-portcullis-principal",
                "x-portcullis-tenant",
            ] {
                assert!(names.contains(name), "{key}: {covered} {headers:?}");
            }
            nonces.push(covered["nonce"].clone());
            // it is what it was, or it does not verify
            for (name, other) in
                [("x-portcullis-principal", "shop-idp|eve"), ("x-portcullis-tenant", "rival")]
            {
                let mut forged = asked.clone();
                forged["headers"][name] = other.into();
                assert!(signer.ask(&forged)["error"].is_string(), "{key} {name}");
            }
        }
        assert_ne!(nonces[0], nonces[1]);
    }
}
