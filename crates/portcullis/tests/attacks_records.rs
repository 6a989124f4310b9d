//! What attackers can do to records: nothing they send makes a record say what was not so.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::Write;
use std::time::Duration;

use portcullis_model::{Decision, Stage};
use portcullis_testkit::raw::connect;
use portcullis_testkit::shop::{get, post, request};
use portcullis_testkit::{Behaviour, Shop};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";

#[test]
fn who_leaves_before_the_decision_is_not_recorded_as_let_through() {
    let shop = Shop::open(GATEWAY, &[]);
    shop.jwks.behave(Behaviour::Silent);
    let forged = shop.issuer.token("ann") + "AAAA";
    let mut stream = connect(shop.gateway.address("web"));
    // the first answer is left unread, so that closing resets the connection
    stream.write_all(request("GET", "/v1/products", &[]).as_bytes()).unwrap();
    stream.write_all(get(ORDERS, &forged).as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    drop(stream);
    let gone = shop.gateway.wait_for(|records| {
        records
            .iter()
            .find(|one| one.reason.is_some_and(|reason| reason.code() == "reply.client_gone"))
            .cloned()
    });
    let record = gone.unwrap();
    assert_eq!((record.decision, record.stage), (Decision::Deny, Stage::Identify), "{record:?}");
    assert_eq!(shop.upstream.take().len(), 1, "only the first request crosses");
    let folder = shop.folder().join("state/records");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let said = shop.verb(&["replay", file.to_str().unwrap()]);
    assert!(said.contains(" 0 differ, 1 cannot be recomputed"), "{said}");
}

#[test]
fn an_explanation_has_no_line_of_the_clients() {
    let shop = Shop::open(GATEWAY, &[]);
    let body = r#"{"x\u001b[2J\u202e\n  outcome   HTTP 200": nul}"#;
    let answer = shop.refuses(
        "a name with control characters",
        post(ORDERS, &shop.issuer.token("ann"), body),
        "inspect.body_malformed",
    );
    assert_eq!(shop.gateway.records().len(), 1, "one line per record");
    let said = shop.verb(&["explain", &answer.id()]);
    assert!(said.contains("\\u{1b}[2J\\u{202e}\\u{a}"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains("\n  outcome   HTTP 200"), "{said}");
}

#[test]
fn a_record_whose_caller_or_crossing_was_altered_does_not_replay() {
    let shop = Shop::open(GATEWAY, &[]);
    let last = shop.send(get(ORDERS, &shop.issuer.token("ann"))).remove(0);
    let _written = shop.gateway.outcome(&last.id());
    let folder = shop.folder().join("state/records");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    let said = shop.verb(&["replay", file.to_str().unwrap()]);
    assert!(said.contains("1 the same, 0 differ"), "{said}");
    let altered = shop.folder().join("altered.jsonl");
    for (from, to) in [
        ("\"operation\":\"listOrders\"", "\"operation\":\"getOrder\""),
        ("\"boundary\":\"web-to-services\"", "\"boundary\":\"partner-to-services\""),
        ("\"tenant\":\"acme\"", "\"tenant\":\"globex\""),
        ("\"kind\":\"user\"", "\"kind\":\"workload\""),
        ("\"decision\":\"allow\"", "\"decision\":\"deny\""),
        ("\"caller\":{\"principal\":\"", "\"caller\":{\"principal\":\"00"),
    ] {
        assert!(text.contains(from), "{from}: {text}");
        std::fs::write(&altered, text.replace(from, to)).unwrap();
        let said = shop.verb(&["replay", altered.to_str().unwrap()]);
        assert!(said.contains("differs") && said.contains("1 differ"), "{from}: {said}");
    }
}

#[test]
fn a_line_that_is_no_text_hides_no_decision() {
    let shop = Shop::open(GATEWAY, &[]);
    let last = shop.send(get(ORDERS, &shop.issuer.token("ann"))).remove(0);
    let _written = shop.gateway.outcome(&last.id());
    let torn = shop.folder().join("state/records/records-00000000000000-000000.jsonl");
    std::fs::write(torn, b"{\"tenant\":\"\xc3\n\xff\xfe").unwrap();
    let said = shop.verb(&["explain", &last.id()]);
    assert!(said.contains("let through"), "{said}");
}
