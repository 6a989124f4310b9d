//! Is a credential its sender's own (attack cases E16 to E19 and 40 to 50)? Tokens that are bound to a
//! key, over real sockets: with good proofs, with every wrong one, and many times at once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::Write as _;
use std::sync::Barrier;

use portcullis_model::record::FactValue;
use portcullis_testkit::issuer::now;
use portcullis_testkit::raw::{connect, exchange, read_one};
use portcullis_testkit::shop::{get, request};
use portcullis_testkit::{Answer, Holder, Shop};
use serde_json::json;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const URI: &str = "http://api.shop.example/v1/tenants/acme/orders";
const ROOM: (&str, &str) =
    ("policies: policies", "guards: {failure_rate: 10000}\npolicies: policies");
const FASTER: (&str, &str) =
    ("amount: 60, window: 1m, burst: 20", "amount: 999, window: 1m, burst: 999");
const REFUSED: &str = "identify.proof_refused";

fn asking(what: &str) -> (&'static str, String) {
    (
        "identity: {providers: [shop-idp], anonymous: true}",
        format!("identity: {{providers: [shop-idp], anonymous: true, sender: {{{what}}}}}"),
    )
}

fn open() -> Shop {
    Shop::open(GATEWAY, &[ROOM, FASTER])
}

fn shown(token: &str, proof: &str) -> String {
    let token = format!("Authorization: DPoP {token}");
    request("GET", ORDERS, &[&token, &format!("DPoP: {proof}")])
}

fn challenge(answer: &Answer) -> &str {
    answer.header("www-authenticate").unwrap_or_default()
}

fn replays(shop: &Shop) -> String {
    let file = std::fs::read_dir(shop.folder().join("state/records")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).max().unwrap();
    shop.verb(&["replay", &file.display().to_string()])
}

#[test]
fn a_bound_token_crosses_with_its_proof_and_nothing_of_it_goes_further() {
    let (shop, holder) = (open(), Holder::new());
    let token = holder.token(&shop.issuer, "ann");
    for _ in 0..3 {
        let answers = shop.send(shown(&token, &holder.proof("GET", URI, &token)));
        assert_eq!(answers[0].status, 200, "{answers:?}");
        let seen = shop.upstream.take();
        assert_eq!(seen[0].values("x-portcullis-principal"), ["shop-idp|ann"]);
        let head = seen[0].head.to_lowercase();
        assert!(!head.contains("dpop") && !head.contains("authorization"), "{head}");
        let record = shop.gateway.outcome(&answers[0].id());
        let fact = record.facts.iter().find(|fact| fact.name == "sender").unwrap();
        assert!(matches!(fact.value, FactValue::Sealed(_)), "{fact:?}");
        let said: Vec<_> = record.stages.iter().map(|note| note.said.as_str()).collect();
        assert!(said.contains(&"its sender is proved by DPoP"), "{said:?}");
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("eyJ"), "neither token nor proof are recorded: {text}");
    }
    assert_eq!(replays(&shop), "3 the same, 0 differ, 0 cannot be recomputed");
}

#[test]
fn e18_t40_what_is_bound_is_no_bearer_token() {
    let (shop, holder) = (open(), Holder::new());
    let token = holder.token(&shop.issuer, "ann");
    let code = "identify.sender_downgraded";
    let answer = shop.refuses("as Bearer", get(ORDERS, &token), code);
    assert_eq!(answer.status, 401);
    assert!(challenge(&answer).starts_with("DPoP error=\"invalid_token\", algs=\""), "{answer:?}");
    let proof = holder.proof("GET", URI, &token);
    let both = [format!("Authorization: Bearer {token}"), format!("DPoP: {proof}")];
    let bytes = request("GET", ORDERS, &[&both[0], &both[1]]);
    shop.refuses("as Bearer, with a proof", bytes, code);
    // and once it was verified with its proof, no more than before
    assert_eq!(shop.send(shown(&token, &proof))[0].status, 200);
    shop.refuses("as Bearer, known", get(ORDERS, &token), code);
    let code = "identify.sender_unproven";
    let certificate = json!({"x5t#S256": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"});
    let token = shop.issuer.sign(&shop.issuer.draft("ann").claim("cnf", certificate));
    shop.refuses("48 no certificate", get(ORDERS, &token), code);
    let with = shown(&token, &holder.proof("GET", URI, &token));
    shop.refuses("48 a proof instead of it", with, code);
    for confirmation in
        [json!({"kid": "x"}), json!({"jkt": holder.thumbprint(), "jku": "x"}), json!({})]
    {
        let token = shop.issuer.sign(&shop.issuer.draft("ann").claim("cnf", confirmation.clone()));
        let bytes = shown(&token, &holder.proof("GET", URI, &token));
        shop.refuses("50 unknown", bytes, "identify.credential_not_accepted");
    }
}

#[test]
fn t41_a_proof_without_a_bound_token_is_refused() {
    let (shop, holder) = (open(), Holder::new());
    let bound = holder.token(&shop.issuer, "ann");
    let proof = holder.proof("GET", URI, &bound);
    let line = format!("Authorization: DPoP {bound}");
    let answer = shop.refuses("no proof", request("GET", ORDERS, &[&line]), REFUSED);
    assert!(challenge(&answer).starts_with("DPoP error=\"invalid_dpop_proof\""), "{answer:?}");
    let header = format!("DPoP: {proof}");
    let twice = request("GET", ORDERS, &[&line, &header, &header]);
    shop.refuses("two proofs", twice, REFUSED);
    let free = shop.issuer.token("ann");
    shop.refuses("an unbound token", shown(&free, &holder.proof("GET", URI, &free)), REFUSED);
    let bearer = request("GET", ORDERS, &[&format!("Authorization: Bearer {free}"), &header]);
    shop.refuses("an unbound token as Bearer", bearer, REFUSED);
    let code = "identify.credential_missing";
    shop.refuses("no token", request("GET", ORDERS, &[&header]), code);
    let open = request("GET", "/v1/products", &[&header]);
    shop.refuses("no token where none is needed", open, REFUSED);
    let named = request("GET", ORDERS, &[&line, &header, "Connection: dpop"]);
    shop.refuses("d04 the header named away", named, "receive.invalid_header");
}

#[test]
fn e16_t42_t43_t45_t46_t47_every_wrong_proof() {
    let (shop, holder) = (open(), Holder::new());
    let token = holder.token(&shop.issuer, "ann");
    let draft = || holder.draft("GET", URI, &token);
    let mut private = holder.jwk();
    private["d"] = "AAAA".into();
    for (case, proof) in [
        ("42 another method", draft().claim("htm", "POST".into())),
        ("42 the query kept", draft().claim("htu", format!("{URI}?limit=1").into())),
        ("42 another scheme", draft().claim("htu", URI.replace("http:", "https:").into())),
        ("42 another host", draft().claim("htu", URI.replace("api.", "evil.").into())),
        ("42 another port", draft().claim("htu", URI.replace("example/", "example:81/").into())),
        ("42 another path", draft().claim("htu", URI.replace("acme", "rival").into())),
        ("42 a dot segment", draft().claim("htu", URI.replace("/acme", "/x/../acme").into())),
        ("43 the hash of another token", holder.draft("GET", URI, "other")),
        ("43 no hash", draft().without("ath")),
        ("45 an old one", draft().claim("iat", (now() - 66).into())),
        ("45 one of the future", draft().claim("iat", (now() + 30).into())),
        ("46 a private key", draft().header("jwk", private)),
        ("46 a secret", draft().header("jwk", json!({"kty": "oct", "k": "AAAA"}))),
        ("46 no algorithm", draft().header("alg", "none".into())),
        ("46 a symmetric one", draft().header("alg", "HS256".into())),
        ("46 another type", draft().header("typ", "at+jwt".into())),
    ] {
        let answer = shop.refuses(case, shown(&token, &holder.sign(&proof)), REFUSED);
        assert_eq!(answer.status, 401, "{case}");
    }
    let other = Holder::new();
    shop.refuses("47 another key", shown(&token, &other.proof("GET", URI, &token)), REFUSED);
    let forged = other.sign(&draft());
    shop.refuses("47 signed by another key", shown(&token, &forged), REFUSED);
    for (case, uri) in [
        ("42 upper case", "HTTP://API.SHOP.EXAMPLE/v1/tenants/acme/orders"),
        ("42 the default port", "http://api.shop.example:80/v1/tenants/acme/orders"),
        ("42 encoded for nothing", "http://api.shop.example/v1/tenants/%61cme/orders"),
    ] {
        let _seen = shop.crosses(case, shown(&token, &holder.proof("GET", uri, &token)));
    }
    let with_query = request(
        "GET",
        &format!("{ORDERS}?limit=1"),
        &[
            &format!("Authorization: DPoP {token}"),
            &format!("DPoP: {}", holder.proof("GET", URI, &token)),
        ],
    );
    let _seen = shop.crosses("42 the query does not count", with_query);
}

#[test]
fn e17_t44_of_one_proof_many_times_at_once_exactly_one_passes() {
    let (shop, holder) = (open(), Holder::new());
    let token = holder.token(&shop.issuer, "ann");
    let address = shop.gateway.address("web");
    for round in 0..5 {
        let bytes = shown(&token, &holder.proof("GET", URI, &token));
        let (barrier, count) = (Barrier::new(24), 24);
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let sending: Vec<_> = (0..count)
                .map(|_| {
                    scope.spawn(|| {
                        let mut stream = connect(address);
                        barrier.wait();
                        stream.write_all(bytes.as_bytes()).unwrap();
                        read_one(&mut stream).unwrap()
                    })
                })
                .collect();
            sending.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let passed = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1, "round {round}: {answers:?}");
        assert_eq!(shop.upstream.take().len(), 1, "round {round}");
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(answer.code(), "identify.proof_replayed");
        }
    }
    let proof = holder.proof("GET", URI, &token);
    assert_eq!(shop.send(shown(&token, &proof))[0].status, 200);
    let answer = shop.refuses("44 again", shown(&token, &proof), "identify.proof_replayed");
    assert!(challenge(&answer).contains("invalid_dpop_proof"));
    // the same name with another time is the same
    let draft = holder.draft("GET", URI, &token).claim("jti", "mine".into());
    assert_eq!(shop.send(shown(&token, &holder.sign(&draft)))[0].status, 200);
    let later = draft.claim("iat", (now() + 2).into());
    shop.refuses("44 a name twice", shown(&token, &holder.sign(&later)), "identify.proof_replayed");
    // a reload forgets no proof
    let mut shop = shop;
    let (taken, said) = shop.gateway.reload();
    assert!(taken, "{said}");
    shop.refuses("44 after a reload", shown(&token, &proof), "identify.proof_replayed");
    assert!(replays(&shop).ends_with(" the same, 0 differ, 0 cannot be recomputed"));
}

#[test]
fn e19_a_full_window_refuses() {
    let small = (
        "policies: policies",
        "guards: {proofs_max: 1024, failure_rate: 10000}\npolicies: policies",
    );
    let (shop, holder) = (Shop::open(GATEWAY, &[small, FASTER]), Holder::new());
    let token = holder.token(&shop.issuer, "ann");
    let mut stream = connect(shop.gateway.address("web"));
    let mut full = None;
    for _ in 0..2_000 {
        let bytes = shown(&token, &holder.proof("GET", URI, &token));
        stream.write_all(bytes.as_bytes()).unwrap();
        let answer = read_one(&mut stream).unwrap();
        if answer.code() == "identify.replays_full" {
            full = Some(answer);
            break;
        }
        let may = answer.status == 200 || answer.status == 429;
        assert!(may, "{answer:?}");
    }
    let full = full.unwrap();
    assert_eq!((full.status, full.header("www-authenticate")), (503, None));
    let record = shop.gateway.outcome(&full.id());
    assert_eq!(record.reason.unwrap().to_string(), "identify.replays_full");
    // who needs no proof is served
    let _seen = shop.crosses("a bearer token", get(ORDERS, &shop.issuer.token("bob")));
}

#[test]
fn t45_nonces_are_given_and_asked_for() {
    let nonces = asking("nonces: true");
    let (mut shop, holder) =
        (Shop::open(GATEWAY, &[ROOM, FASTER, (nonces.0, &nonces.1)]), Holder::new());
    let token = holder.token(&shop.issuer, "ann");
    let draft = || holder.draft("GET", URI, &token);
    let code = "identify.proof_nonce_needed";
    let answer = shop.refuses("no nonce", shown(&token, &holder.sign(&draft())), code);
    assert_eq!(answer.status, 401);
    assert!(challenge(&answer).starts_with("DPoP error=\"use_dpop_nonce\""), "{answer:?}");
    let nonce = answer.header("dpop-nonce").unwrap().to_owned();
    let with = |nonce: &str| draft().claim("nonce", nonce.into());
    let proof = holder.sign(&with(&nonce));
    let answers = shop.send(shown(&token, &proof));
    assert_eq!((answers[0].status, answers[0].header("dpop-nonce")), (200, None), "{answers:?}");
    shop.refuses("again", shown(&token, &proof), "identify.proof_replayed");
    let forged = nonce.replacen('A', "B", 1);
    for (case, wrong) in [("made up", "abc"), ("changed", forged.as_str()), ("empty", "")] {
        let answer = shop.refuses(case, shown(&token, &holder.sign(&with(wrong))), code);
        assert!(answer.header("dpop-nonce").is_some(), "{case}");
    }
    // what was made for another process is good for none, so no restart lets a proof pass twice
    let pid = shop.gateway.pid().to_string();
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    shop.restart();
    let answer = shop.refuses("of an earlier process", shown(&token, &proof), code);
    assert_ne!(answer.header("dpop-nonce").unwrap(), nonce);
    // an upstream has no say in it
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndpop-nonce: mine\r\ncontent-length: 12\r\n\r\n{\"items\":[]}";
    shop.upstream.behave(portcullis_testkit::Behaviour::BytesThenClose(head.to_owned()));
    let answers =
        exchange(shop.gateway.address("web"), get(ORDERS, &shop.issuer.token("bob")).as_bytes());
    assert_eq!((answers[0].status, answers[0].header("dpop-nonce")), (200, None), "{answers:?}");
}

#[test]
fn where_a_sender_must_be_proved_nothing_else_will_do() {
    let required = asking("required: true");
    let (shop, holder) =
        (Shop::open(GATEWAY, &[ROOM, FASTER, (required.0, &required.1)]), Holder::new());
    let code = "identify.sender_unconstrained";
    let answer = shop.refuses("a bearer token", get(ORDERS, &shop.issuer.token("ann")), code);
    assert!(challenge(&answer).starts_with("DPoP error=\"invalid_token\""), "{answer:?}");
    let token = holder.token(&shop.issuer, "ann");
    let _seen = shop.crosses("with a proof", shown(&token, &holder.proof("GET", URI, &token)));
    let _seen = shop.crosses("who needs no identity", request("GET", "/v1/products", &[]));
    assert_eq!(replays(&shop), "3 the same, 0 differ, 0 cannot be recomputed");
}
