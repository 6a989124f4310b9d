//! Which requests are shown? Good ones first; then attacks on identity, authorization, the path, the
//! framing, the data and the limits, each named after what it tries.

use portcullis_model::Reason;
use serde_json::json;

use super::estate::Scene;
use super::issuer::{Draft, Issuer};

/// One request, and what must come of it.
#[derive(Debug)]
pub(super) struct Row {
    /// What it tries.
    pub(super) name: &'static str,
    /// Where it arrives.
    pub(super) listener: &'static str,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// What must come of it; of the last, where it is sent several times.
    pub(super) expected: Expected,
    /// How often it is sent.
    pub(super) times: u32,
    /// Words that the upstream must not see.
    pub(super) hidden: &'static [&'static str],
}

/// What must come of a request.
#[derive(Debug)]
pub(super) enum Expected {
    /// The upstream answers.
    Crosses,
    /// It is refused for this reason.
    Refused(Reason),
}

impl Expected {
    /// The reason that must stand in its record.
    pub(super) const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Crosses => None,
            Self::Refused(reason) => Some(*reason),
        }
    }
}

/// All rows.
pub(super) fn rows(scene: &Scene) -> Vec<Row> {
    let mut rows = good(scene);
    rows.extend(forgeries(&scene.issuer));
    rows.extend(identity(&scene.issuer));
    rows.extend(keys(scene));
    rows.extend(authorization(&scene.issuer));
    rows.extend(paths(&scene.issuer));
    rows.extend(framing(&scene.issuer));
    rows.extend(headers(&scene.issuer));
    rows.extend(data(&scene.issuer));
    rows.extend(floods(&scene.issuer));
    rows
}

const HOST: &str = "api.shop.example";
const ORDERS: &str = "/v1/tenants/acme/orders";
const ORDER: &str =
    r#"{"customer": "ann@example.com", "lines": [{"sku": "ABC-0001", "amount": 2}]}"#;

fn row(
    name: &'static str,
    listener: &'static str,
    bytes: impl Into<Vec<u8>>,
    expected: Expected,
) -> Row {
    Row { name, listener, bytes: bytes.into(), expected, times: 1, hidden: &[] }
}

fn crosses(name: &'static str, bytes: String) -> Row {
    row(name, "web", bytes, Expected::Crosses)
}

fn refused(name: &'static str, bytes: impl Into<Vec<u8>>, reason: Reason) -> Row {
    row(name, "web", bytes, Expected::Refused(reason))
}

/// A request with these further header lines.
fn request(method: &str, target: &str, lines: &[String]) -> String {
    let host = if target.starts_with("/stock/") { "stock.shop.example" } else { HOST };
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text + "\r\n"
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

fn get(target: &str, token: &str) -> String {
    request("GET", target, &[bearer(token)])
}

fn post(target: &str, token: &str, content_type: &str, body: &str) -> String {
    let lines = [
        bearer(token),
        format!("Content-Type: {content_type}"),
        format!("Content-Length: {}", body.len()),
    ];
    request("POST", target, &lines) + body
}

/// A good token of a caller of its own, so that rows do not share limits.
fn user(issuer: &Issuer, subject: &str) -> String {
    issuer.token(subject, "acme", "orders:read orders:write", "")
}

fn good(scene: &Scene) -> Vec<Row> {
    let (issuer, key) = (&scene.issuer, format!("x-api-key: {}", scene.keys.full));
    let ann = user(issuer, "ann");
    let manager = issuer.token("max", "acme", "orders:write", "manager");
    let stock = r#"{"amount": 12}"#;
    let set = [
        key.clone(),
        "Content-Type: application/json".to_owned(),
        format!("Content-Length: {}", stock.len()),
    ];
    vec![
        crosses("anybody sees the products", request("GET", "/v1/products", &[])),
        crosses("anybody searches them", request("GET", "/v1/products?search=tea%20pot", &[])),
        crosses("a user lists the orders of her tenant", get(ORDERS, &ann)),
        crosses("and filters them", get("/v1/tenants/acme/orders?limit=10&status=open", &ann)),
        crosses("a user reads an order", get("/v1/tenants/acme/orders/o-17", &ann)),
        crosses("a user orders", post(ORDERS, &ann, "application/json", ORDER)),
        crosses(
            "a manager cancels",
            request("DELETE", "/v1/tenants/acme/orders/o-17", &[bearer(&manager)]),
        ),
        row(
            "a supplier reads the stock",
            "partner",
            request("GET", "/stock/v1/items/ABC-0001", std::slice::from_ref(&key)),
            Expected::Crosses,
        ),
        row(
            "a supplier sets the stock",
            "partner",
            request("PUT", "/stock/v1/items/ABC-0001", &set) + stock,
            Expected::Crosses,
        ),
    ]
}

fn identity(issuer: &Issuer) -> Vec<Row> {
    let signed =
        |name, draft: Draft, reason| refused(name, get(ORDERS, &issuer.sign(&draft)), reason);
    let draft = || Issuer::draft("mallory", "acme", "orders:read", "");
    let now = draft().claims.get("iat").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let at = |claim: &str, secs: u64| draft().claim(claim, json!(secs));
    let expired = at("iat", now.saturating_sub(900)).claim("exp", json!(now.saturating_sub(300)));
    let future = at("nbf", now.saturating_add(300));
    let week = at("exp", now.saturating_add(604_800));
    let evil = draft().claim("iss", json!("https://id.shop.example.evil"));
    let other = draft().claim("aud", json!("https://other.example"));
    vec![
        signed(
            "a key that nobody publishes",
            draft().header("kid", json!("other")),
            Reason::KeyUnknown,
        ),
        signed("an expired token", expired, Reason::TokenExpired),
        signed("a token from the future", future, Reason::TokenNotYetValid),
        signed("a token that lives for a week", week, Reason::TokenLifetimeTooLong),
        signed("another issuer", evil, Reason::IssuerRefused),
        signed("another audience", other, Reason::AudienceRefused),
        signed(
            "an ID token as an access token",
            draft().header("typ", json!("JWT")),
            Reason::TokenTypeRefused,
        ),
        signed(
            "a critical header",
            draft().header("crit", json!(["b64"])),
            Reason::CriticalHeaderRefused,
        ),
    ]
}

fn forgeries(issuer: &Issuer) -> Vec<Row> {
    let shown = |name, token: &str, reason| refused(name, get(ORDERS, token), reason);
    let draft = || Issuer::draft("mallory", "acme", "orders:read", "");
    let doubled = draft().claims.to_string().replacen('{', "{\"tenant\":\"globex\",", 1);
    let doubled = issuer.sign_text(&draft().header.to_string(), &doubled);
    let altered = issuer.altered(&draft(), &draft().claim("sub", json!("admin")));
    let good = issuer.sign(&draft());
    let two = [bearer(&good), bearer(&user(issuer, "bob"))];
    let query = format!("{ORDERS}?access_token={good}");
    vec![
        refused("no token", request("GET", ORDERS, &[]), Reason::CredentialMissing),
        shown("a token without signature", &Issuer::unsigned(&draft()), Reason::AlgorithmRefused),
        shown(
            "the public key as a shared secret",
            &issuer.confuse(&draft()),
            Reason::AlgorithmRefused,
        ),
        shown("claims changed after signing", &altered, Reason::SignatureInvalid),
        shown(
            "a stranger's key under a known name",
            &issuer.forge(&draft()),
            Reason::SignatureInvalid,
        ),
        shown("two tenants in one token", &doubled, Reason::CredentialMalformed),
        refused(
            "two tokens in one request",
            request("GET", ORDERS, &two),
            Reason::SeveralCredentials,
        ),
        refused("a token in the query", request("GET", &query, &[]), Reason::CredentialInQuery),
    ]
}

fn keys(scene: &Scene) -> Vec<Row> {
    let partner = |name, key: &str, method: &str, reason| {
        let line = format!("x-api-key: {key}");
        let bytes = request(method, "/stock/v1/items/ABC-0001", &[line]);
        row(name, "partner", bytes, Expected::Refused(reason))
    };
    let keys = &scene.keys;
    let mut broken = keys.full.clone();
    let last = if broken.pop() == Some('0') { '1' } else { '0' };
    broken.push(last);
    let stock = r#"{"amount": 0}"#;
    let set = [
        format!("x-api-key: {}", keys.reader),
        "Content-Type: application/json".to_owned(),
        format!("Content-Length: {}", stock.len()),
    ];
    vec![
        partner("a key with a typing error", &broken, "GET", Reason::CredentialMalformed),
        partner("a revoked key", &keys.revoked, "GET", Reason::ApiKeyRevoked),
        row(
            "a reader's key that writes",
            "partner",
            request("PUT", "/stock/v1/items/ABC-0001", &set) + stock,
            Expected::Refused(Reason::NotPermitted),
        ),
        refused(
            "a partner's key from the internet",
            request("GET", ORDERS, &[format!("x-api-key: {}", keys.full)]),
            Reason::CredentialMissing,
        ),
    ]
}

fn authorization(issuer: &Issuer) -> Vec<Row> {
    let nobody =
        issuer.sign(&Issuer::draft("noah", "", "orders:read", "").claim("tenant", json!(null)));
    let poor = issuer.token("pia", "acme", "orders:read", "");
    let late = Issuer::draft("lars", "acme", "orders:write", "").claim("plan", json!("suspended"));
    let cancel = request("DELETE", "/v1/tenants/acme/orders/o-17", &[bearer(&user(issuer, "ulf"))]);
    vec![
        refused(
            "an order of another tenant",
            get("/v1/tenants/globex/orders/o-1", &user(issuer, "eve")),
            Reason::TenantMismatch,
        ),
        refused("a token without tenant", get(ORDERS, &nobody), Reason::TenantMismatch),
        refused(
            "a token without the scope",
            post(ORDERS, &poor, "application/json", ORDER),
            Reason::ScopeInsufficient,
        ),
        refused("a user who cancels like a manager", cancel, Reason::NotPermitted),
        refused(
            "a suspended shop that orders",
            post(ORDERS, &issuer.sign(&late), "application/json", ORDER),
            Reason::Forbidden,
        ),
    ]
}

fn paths(issuer: &Issuer) -> Vec<Row> {
    let eve = user(issuer, "eve-of-paths");
    let at = |name, target: &str, reason| refused(name, get(target, &eve), reason);
    vec![
        at("dot segments", "/v1/tenants/globex/../acme/orders", Reason::AmbiguousTarget),
        at("an encoded slash", "/v1/tenants/acme%2Forders", Reason::AmbiguousTarget),
        at("an encoded dot, twice", "/v1/tenants/acme/%252e%252e/orders", Reason::AmbiguousTarget),
        at("an empty segment", "/v1//tenants/acme/orders", Reason::AmbiguousTarget),
        at("a longer name", "/v1/tenants/acme/ordersx", Reason::UnlistedOperation),
        refused(
            "a method that no contract lists",
            request("PUT", ORDERS, &[bearer(&eve)]),
            Reason::UnlistedOperation,
        ),
        refused(
            "a host that nobody declared",
            get(ORDERS, &eve).replace(HOST, "admin.shop.example"),
            Reason::UnknownHost,
        ),
    ]
}

fn framing(issuer: &Issuer) -> Vec<Row> {
    let token = bearer(&user(issuer, "eve-of-frames"));
    let smuggled = "GET /v1/products HTTP/1.1\r\nHost: api.shop.example\r\n\r\n";
    let both =
        ["Content-Length: 4".to_owned(), "Transfer-Encoding: chunked".to_owned(), token.clone()];
    let twice = ["Content-Length: 4".to_owned(), "Content-Length: 4".to_owned(), token.clone()];
    let space = ["X-Note : a".to_owned(), token.clone()];
    let bare = format!("GET {ORDERS} HTTP/1.1\nHost: {HOST}\n{token}\n\n");
    let long = [format!("X-Long: {}", "a".repeat(20_000)), token];
    vec![
        refused(
            "two lengths (request smuggling)",
            request("POST", ORDERS, &both) + "0\r\n\r\n" + smuggled,
            Reason::MalformedFraming,
        ),
        refused(
            "a length twice",
            request("POST", ORDERS, &twice) + "aaaa",
            Reason::MalformedFraming,
        ),
        refused("line feeds alone", bare, Reason::MalformedFraming),
        refused("a space before the colon", request("GET", ORDERS, &space), Reason::InvalidHeader),
        refused("a head of 20,000 bytes", request("GET", ORDERS, &long), Reason::HeadTooLarge),
    ]
}

fn headers(issuer: &Issuer) -> Vec<Row> {
    let token = bearer(&user(issuer, "ann-of-headers"));
    let forged = [
        "X-Portcullis-Tenant: globex",
        "X-Forwarded-For: 6.6.6.6",
        "X-HTTP-Method-Override: DELETE",
    ];
    let forged: Vec<String> =
        forged.into_iter().map(str::to_owned).chain([token.clone()]).collect();
    let trace = [
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate: rojo=1",
        "baggage: user=root",
        "b3: 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
    ];
    let trace: Vec<String> = trace.into_iter().map(str::to_owned).chain([token.clone()]).collect();
    let hop = ["Connection: x-portcullis-principal".to_owned(), token];
    vec![
        Row {
            hidden: &["globex", "6.6.6.6", "override", "bearer"],
            ..crosses("forged inner headers are stripped", request("GET", ORDERS, &forged))
        },
        Row {
            hidden: &["4bf92f3577b34da6", "rojo", "root"],
            ..crosses("a stranger's trace and baggage stay outside", request("GET", ORDERS, &trace))
        },
        refused(
            "a connection header that names an inner one",
            request("GET", ORDERS, &hop),
            Reason::InvalidHeader,
        ),
    ]
}

fn data(issuer: &Issuer) -> Vec<Row> {
    let eve = user(issuer, "eve-of-data");
    let json = |name, body: &str, reason| {
        refused(name, post(ORDERS, &eve, "application/json", body), reason)
    };
    let extra = ORDER.replacen('{', "{\"paid\": true, ", 1);
    let twice = ORDER.replacen('{', "{\"customer\": \"x@example.com\", ", 1);
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let large = format!("{{\"note\": \"{}\"}}", "a".repeat(17_000));
    vec![
        json("a member that the contract lacks", &extra, Reason::BodyRefused),
        json(
            "an amount out of bounds",
            &ORDER.replace("\"amount\": 2", "\"amount\": 2000"),
            Reason::BodyRefused,
        ),
        json("a member twice", &twice, Reason::BodyMalformed),
        json("JSON a hundred deep", &deep, Reason::BodyMalformed),
        json("a body that is too large", &large, Reason::BodyTooLarge),
        refused(
            "another content type",
            post(ORDERS, &eve, "text/xml", ORDER),
            Reason::ContentTypeRefused,
        ),
        refused(
            "a parameter that the contract lacks",
            get("/v1/tenants/acme/orders?admin=1", &eve),
            Reason::ParameterRefused,
        ),
        refused(
            "a parameter out of bounds",
            get("/v1/tenants/acme/orders?limit=1000", &eve),
            Reason::ParameterRefused,
        ),
    ]
}

fn floods(issuer: &Issuer) -> Vec<Row> {
    let flood = get(ORDERS, &user(issuer, "eve-of-floods"));
    vec![Row {
        times: 25,
        ..refused("twenty-five at once from one caller", flood, Reason::RateExceeded)
    }]
}
