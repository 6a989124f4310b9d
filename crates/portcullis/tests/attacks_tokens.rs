//! Cases E1–E15, 1–39 and 58–61, over a real socket against the running gateway: whose tokens and
//! keys are believed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use aws_lc_rs::hmac;
use portcullis_testkit::issuer::{base64, now};
use portcullis_testkit::raw::exchange;
use portcullis_testkit::shop::{get, publish, request};
use portcullis_testkit::{Issuer, Shop, Token};
use serde_json::{Value, json};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";

/// The shop with room for many refused credentials from one address.
fn open() -> Shop {
    Shop::open(
        GATEWAY,
        &[("policies: policies", "guards: {failure_rate: 10000}\npolicies: policies")],
    )
}

fn refused(shop: &Shop, case: &str, token: &str, code: &str) {
    let answer = shop.refuses(case, get(ORDERS, token), code);
    assert_eq!(answer.status, 401, "{case}");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer"), "{case}: {challenge}");
}

fn signed(shop: &Shop, case: &str, token: &Token, code: &str) {
    refused(shop, case, &shop.issuer.sign(token), code);
}

#[test]
fn e01_t03_a_public_key_is_not_a_secret() {
    let shop = open();
    let draft = shop.issuer.draft("eve").header("alg", json!("HS256"));
    let secrets = [
        shop.issuer.point(),
        shop.issuer.jwk().to_string().into_bytes(),
        shop.issuer.jwks().into_bytes(),
    ];
    for secret in secrets {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), draft.input().as_bytes());
        refused(
            &shop,
            "HS256",
            &format!("{}.{}", draft.input(), base64(tag)),
            "identify.algorithm_refused",
        );
    }
}

#[test]
fn e02_t01_t02_t05_t06_signatures_that_are_none() {
    let shop = open();
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let draft = shop.issuer.draft("eve").header("alg", json!(alg));
        refused(&shop, alg, &format!("{}.", draft.input()), "identify.algorithm_refused");
        refused(&shop, alg, &shop.issuer.sign(&draft), "identify.algorithm_refused");
    }
    let input = shop.issuer.draft("eve").input();
    refused(&shop, "empty", &format!("{input}."), "identify.signature_invalid");
    for signature in [[0_u8; 64], [0xff; 64]] {
        refused(
            &shop,
            "psychic",
            &format!("{input}.{}", base64(signature)),
            "identify.signature_invalid",
        );
    }
    refused(
        &shop,
        "DER",
        &shop.issuer.sign_der(&shop.issuer.draft("eve")),
        "identify.signature_invalid",
    );
    let other = shop.issuer.draft("eve").header("alg", json!("ES384"));
    signed(&shop, "the algorithm of another curve", &other, "identify.algorithm_refused");
}

#[test]
fn e03_t08_t09_t10_t11_keys_that_the_token_brings_along() {
    let shop = open();
    let eve = Issuer::new("shop-1");
    let with = |name: &str, value: Value| eve.sign(&eve.draft("eve").header(name, value));
    let url = format!("http://{}/jwks.json", shop.upstream.address);
    let tokens = [
        with("jwk", eve.jwk()),
        with("jku", json!(url)),
        with("x5u", json!(url)),
        with("x5c", json!(["MIIB"])),
    ];
    for token in tokens {
        let answers = shop.send(get(ORDERS, &token));
        assert_eq!(answers[0].status, 401, "{answers:?}");
        assert!(answers[0].code().starts_with("identify."), "{answers:?}");
    }
    assert!(shop.upstream.take().is_empty(), "somebody fetched what a token named");
    for kid in [
        json!("../../keys/private"),
        json!("' or 1=1"),
        json!("a\u{0}b"),
        json!(7),
        json!("a".repeat(5000)),
    ] {
        let token = shop.issuer.draft("eve").header("kid", kid.clone());
        let answers = shop.send(get(ORDERS, &shop.issuer.sign(&token)));
        assert!(matches!(answers[0].status, 401 | 431), "{kid}: {answers:?}");
    }
}

#[test]
fn e04_t15_t16_t17_t18_headers_and_members_that_change_the_meaning() {
    let shop = open();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
    ] {
        signed(
            &shop,
            name,
            &shop.issuer.draft("eve").header(name, value),
            "identify.critical_header_refused",
        );
    }
    let draft = shop.issuer.draft("eve");
    let (header, claims) = (draft.header.to_string(), draft.claims.to_string());
    let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let cases = [
        (twice(&header, "\"alg\":\"none\""), claims.clone()),
        (header.clone(), twice(&claims, "\"sub\":\"root\"")),
        (header.clone(), twice(&claims, "\"s\\u0075b\":\"root\"")),
        (header.clone(), format!("{claims} ") + "x"),
        (header.clone(), "[]".to_owned()),
        ("{}".to_owned(), claims.clone()),
        (header, "{\"exp\":1e400}".to_owned()),
    ];
    for (header, claims) in cases {
        let answers = shop.send(get(ORDERS, &shop.issuer.sign_texts(&header, &claims)));
        assert_eq!(answers[0].status, 401, "{header} {claims}: {answers:?}");
    }
}

#[test]
fn e05_t19_t23_what_is_no_token_is_401_and_never_500() {
    let shop = open();
    let good = shop.issuer.token("eve");
    let cases = [
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "a.b.c.d.e",
        "...",
        "....",
        "é",
        "eyJhbGciOiJFUzI1NiJ9..",
        &format!("{good}="),
        &format!("{good}."),
        &good.replace('.', ".."),
        &format!(".{good}"),
        good.strip_suffix(char::is_alphanumeric).unwrap_or("x"),
    ];
    for token in cases {
        let answers = shop.send(get(ORDERS, token));
        assert!(matches!(answers[0].status, 400 | 401), "{token}: {answers:?}");
        assert!(
            answers[0].code().starts_with("identify.") || token.contains('é'),
            "{token}: {answers:?}"
        );
    }
    assert!(shop.upstream.take().is_empty());
}

#[test]
fn e07_t24_t25_t26_t27_t28_times() {
    let shop = open();
    let draft = || shop.issuer.draft("eve");
    for value in [json!("9999999999"), json!(-1), json!(true), json!(null), json!([]), json!(1e30)]
    {
        let answers =
            shop.send(get(ORDERS, &shop.issuer.sign(&draft().claim("exp", value.clone()))));
        assert_eq!(answers[0].status, 401, "exp {value}: {answers:?}");
    }
    for claim in ["exp", "iat", "sub"] {
        let answers = shop.send(get(ORDERS, &shop.issuer.sign(&draft().without(claim))));
        assert_eq!(answers[0].status, 401, "without {claim}: {answers:?}");
    }
    signed(&shop, "nbf", &draft().claim("nbf", json!(now() + 60)), "identify.token_not_yet_valid");
    signed(&shop, "iat", &draft().claim("iat", json!(now() + 60)), "identify.token_not_yet_valid");
    let answers = shop.send(get(ORDERS, &shop.issuer.sign(&draft().claim("nbf", json!("0")))));
    assert_eq!(answers[0].status, 401);
    let expired = |ago| draft().claim("iat", json!(now() - 600)).claim("exp", json!(now() - ago));
    signed(&shop, "beyond the skew", &expired(32), "identify.token_expired");
    shop.crosses("within the skew", get(ORDERS, &shop.issuer.sign(&expired(20))));
    signed(
        &shop,
        "ten years",
        &draft().claim("exp", json!(now() + 315_360_000)),
        "identify.token_lifetime_too_long",
    );
}

#[test]
fn t29_t30_t31_t32_t33_issuers_audiences_and_types() {
    let shop = open();
    let draft = || shop.issuer.draft("eve");
    for iss in [
        json!("https://id.shop.example/"),
        json!("https://ID.shop.example"),
        json!(["https://id.shop.example"]),
        json!("https://id.shop.example.evil"),
        json!(""),
    ] {
        let answers = shop.send(get(ORDERS, &shop.issuer.sign(&draft().claim("iss", iss.clone()))));
        assert_eq!(answers[0].status, 401, "{iss}: {answers:?}");
    }
    signed(&shop, "no iss", &draft().without("iss"), "identify.issuer_refused");
    for aud in [
        json!("https://other.example"),
        json!([]),
        json!(["x"]),
        json!(7),
        json!(["https://api.shop.example", 7]),
        json!("https://api.shop.example/"),
    ] {
        let answers = shop.send(get(ORDERS, &shop.issuer.sign(&draft().claim("aud", aud.clone()))));
        assert_eq!(answers[0].status, 401, "{aud}: {answers:?}");
    }
    signed(&shop, "no aud", &draft().without("aud"), "identify.audience_refused");
    let both = draft().claim("aud", json!(["https://other.example", "https://api.shop.example"]));
    shop.crosses("ours among others", get(ORDERS, &shop.issuer.sign(&both)));
    for typ in [
        "JWT",
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "client-authentication+jwt",
        "token-introspection+jwt",
        "",
    ] {
        signed(&shop, typ, &draft().header("typ", json!(typ)), "identify.token_type_refused");
    }
    for typ in ["application/at+jwt", "AT+JWT"] {
        shop.crosses(typ, get(ORDERS, &shop.issuer.sign(&draft().header("typ", json!(typ)))));
    }
}

#[test]
fn e08_t58_t59_two_credentials_and_spellings_of_bearer() {
    let shop = open();
    let token = shop.issuer.token("ann");
    let line = format!("Authorization: Bearer {token}");
    shop.refuses(
        "two lines",
        request("GET", ORDERS, &[&line, &line]),
        "identify.several_credentials",
    );
    let joined = format!("Authorization: Bearer {token}, Bearer {token}");
    let answers = shop.send(request("GET", ORDERS, &[&joined]));
    assert!(matches!(answers[0].status, 400 | 401), "{answers:?}");
    let query = format!("{ORDERS}?access_token={token}");
    shop.refuses("query", request("GET", &query, &[]), "identify.credential_in_query");
    shop.refuses("query and header", get(&query, &token), "identify.credential_in_query");
    for scheme in ["bearer", "BEARER", "Bearer"] {
        shop.crosses(
            scheme,
            request("GET", ORDERS, &[&format!("Authorization: {scheme} {token}")]),
        );
    }
    for scheme in ["Bearer\t", "Bearer,", "Basic ", "Bearer  ", "Token "] {
        let answers =
            shop.send(request("GET", ORDERS, &[&format!("Authorization: {scheme}{token}")]));
        assert!(matches!(answers[0].status, 400 | 401), "{scheme}: {answers:?}");
    }
    assert!(!shop.gateway.log().contains(&token));
}

#[test]
fn e09_t34_t36_keys_belong_to_their_issuer() {
    let other = "  other-idp:\n    jwt:\n      issuer: https://id.other.example\n      audiences: [https://api.shop.example]\n      keys: {file: {path: other.json}}\n      claims: {tenant: tenant, scopes: scope}\n  partner-keys:";
    let eve = Issuer::new("shop-1");
    let shop = Shop::open_with(
        GATEWAY,
        &[
            ("  partner-keys:\n", &format!("{other}\n")),
            ("providers: [shop-idp]", "providers: [shop-idp, other-idp]"),
        ],
        &[("other.json", &eve.jwks())],
    );
    signed_by(&shop, &eve, "https://id.shop.example", "identify.signature_invalid");
    let token = shop.issuer.draft("ann").claim("iss", json!("https://id.other.example"));
    refused(&shop, "the other way round", &shop.issuer.sign(&token), "identify.signature_invalid");
    let theirs = eve.draft("ann").claim("iss", json!("https://id.other.example"));
    let seen = shop.crosses("its own", get(ORDERS, &eve.sign(&theirs)));
    assert_eq!(seen.values("x-portcullis-principal"), ["other-idp|ann"]);
}

fn signed_by(shop: &Shop, issuer: &Issuer, iss: &str, code: &str) {
    refused(shop, iss, &issuer.sign(&issuer.draft("ann").claim("iss", json!(iss))), code);
}

#[test]
fn e11_t12_unknown_keys_cost_the_issuer_next_to_nothing() {
    let shop = open();
    shop.crosses("warm", get(ORDERS, &shop.issuer.token("ann")));
    let before = shop.jwks.connections();
    for number in 0..40 {
        let token = shop.issuer.draft("eve").header("kid", json!(format!("k{number}")));
        signed(&shop, "unknown kid", &token, "identify.key_unknown");
    }
    let fetched = shop.jwks.connections() - before;
    assert!(fetched <= 2, "{fetched} fetches for 40 unknown keys");
}

#[test]
fn e12_t07_t13_t14_one_bad_key_is_skipped_and_a_symmetric_one_spoils_the_set() {
    let shop = open();
    let short =
        json!({"kty": "RSA", "kid": "rsa", "n": base64([0xc1; 128]), "e": "AQAB", "alg": "RS256"});
    let mut enc = shop.issuer.jwk();
    enc["use"] = json!("enc");
    enc["kid"] = json!("enc");
    let set = json!({"keys": [{"kty": "EC"}, short, enc, 7, shop.issuer.jwk()]});
    publish(&shop.jwks, &set.to_string());
    shop.crosses("the good one among them", get(ORDERS, &shop.issuer.token("ann")));
    for kid in ["enc", "rsa"] {
        let token = shop.issuer.draft("eve").header("kid", json!(kid));
        let answers = shop.send(get(ORDERS, &shop.issuer.sign(&token)));
        assert_eq!(answers[0].status, 401, "{kid}: {answers:?}");
    }
    let spoilt = open();
    publish(
        &spoilt.jwks,
        &json!({"keys": [{"kty": "oct", "k": "AAAA", "kid": "x"}, spoilt.issuer.jwk()]})
            .to_string(),
    );
    let answer = spoilt.refuses(
        "oct",
        get(ORDERS, &spoilt.issuer.token("ann")),
        "identify.keys_unavailable",
    );
    assert_eq!(answer.status, 503);
}

#[test]
fn e15_no_two_tokens_share_an_answer() {
    let shop = open();
    let ann = shop.issuer.token("ann");
    for _ in 0..3 {
        let seen = shop.crosses("ann", get(ORDERS, &ann));
        assert_eq!(seen.values("x-portcullis-principal"), ["shop-idp|ann"]);
    }
    // the same header and claims under another signature
    let (input, _) = ann.rsplit_once('.').unwrap();
    refused(
        &shop,
        "a cached body",
        &format!("{input}.{}", base64([1; 64])),
        "identify.signature_invalid",
    );
    let seen = shop.crosses("bob", get(ORDERS, &shop.issuer.token("bob")));
    assert_eq!(seen.values("x-portcullis-principal"), ["shop-idp|bob"]);
    // nearly expired: cached, and refused when its time has come
    let short =
        shop.issuer.draft("cid").claim("iat", json!(now() - 60)).claim("exp", json!(now() - 28));
    let short = shop.issuer.sign(&short);
    shop.crosses("just valid", get(ORDERS, &short));
    std::thread::sleep(std::time::Duration::from_millis(2500));
    refused(&shop, "just expired", &short, "identify.token_expired");
}

#[test]
fn t35_t39_tenants_and_scopes() {
    let shop = open();
    let draft = || shop.issuer.draft("eve");
    let forbidden = |case: &str, token: &Token, code: &str| {
        let answer = shop.refuses(case, get(ORDERS, &shop.issuer.sign(token)), code);
        assert_eq!(answer.status, 403, "{case}");
        answer
    };
    forbidden(
        "another tenant",
        &draft().claim("tenant", json!("globex")),
        "authorize.tenant_mismatch",
    );
    forbidden("no tenant", &draft().without("tenant"), "authorize.tenant_mismatch");
    let answer = forbidden(
        "no scope",
        &draft().claim("scope", json!("orders:reader")),
        "authorize.scope_insufficient",
    );
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("insufficient_scope") && challenge.contains("orders:read"),
        "{challenge}"
    );
    let array = draft().claim("scope", json!(["orders:read", "orders:read"]));
    shop.crosses("scopes in an array", get(ORDERS, &shop.issuer.sign(&array)));
    for wrong in [json!(["orders:write orders:read"]), json!([["orders:read"]]), json!(7)] {
        signed(&shop, "no scopes", &draft().claim("scope", wrong), "identify.claim_invalid");
    }
    let empty = draft().claim("sub", json!(""));
    assert_eq!(shop.send(get(ORDERS, &shop.issuer.sign(&empty)))[0].status, 401);
}

#[test]
fn t60_api_keys() {
    let shop = open();
    let key = shop.key(&["stock:read"]);
    let partner = |line: &str| {
        let bytes =
            request("GET", "/stock/v1/items/ABC-0001", &[line]).replace("api.shop", "stock.shop");
        exchange(shop.gateway.address("partner"), bytes.as_bytes()).remove(0)
    };
    // the store is looked at once a second
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(partner(&format!("x-api-key: {key}")).status, 200);
    assert_eq!(partner("x-other: 1").code(), "identify.credential_missing");
    assert_eq!(
        partner(&format!("x-api-key: {}", key.to_uppercase())).code(),
        "identify.credential_malformed"
    );
    assert_eq!(partner(&format!("x-api-key: {key}0")).code(), "identify.credential_malformed");
    assert_eq!(
        partner(&format!("x-api-key: {key}\r\nx-api-key: {key}")).code(),
        "identify.several_credentials"
    );
    assert_eq!(
        partner(&format!("x-api-key: {key}\r\nAuthorization: Bearer x")).code(),
        "identify.several_credentials"
    );
    let id = key.split('_').nth(1).unwrap();
    let _said = shop.verb(&["key", "revoke", "--provider", "partner-keys", id]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(partner(&format!("x-api-key: {key}")).code(), "identify.api_key_revoked");
    let store = std::fs::read_to_string(shop.folder().join("state/partner-keys.json")).unwrap();
    assert!(!store.contains(&key));
    for text in [shop.gateway.log(), serde_json::to_string(&shop.gateway.records()).unwrap()] {
        assert!(!text.contains(&key), "a key was written down");
    }
}

#[test]
fn t31_access_tokens_say_what_rfc_9068_asks_unless_it_is_relaxed() {
    let shop = open();
    for name in ["client_id", "jti"] {
        let draft = || shop.issuer.draft("ann");
        signed(&shop, name, &draft().without(name), "identify.claim_invalid");
        signed(&shop, name, &draft().claim(name, json!("")), "identify.claim_invalid");
        signed(&shop, name, &draft().claim(name, json!(["a"])), "identify.claim_invalid");
    }
    let shop = Shop::open(
        GATEWAY,
        &[("      types: [at+jwt]", "      types: [at+jwt]\n      relaxed: [client_id, jti]")],
    );
    let bare = shop.issuer.draft("ann").without("client_id").without("jti");
    shop.crosses("relaxed", get(ORDERS, &shop.issuer.sign(&bare)));
    let said = shop.verb(&["check"]);
    assert!(said.contains("PC0123") && said.contains("may lack `client_id`"), "{said}");
    refused(&shop, "no subject", &shop.issuer.sign(&bare.without("sub")), "identify.claim_invalid");
}
