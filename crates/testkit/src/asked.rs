//! Which requests should a property be tried on? Generated ones for the shop: good ones, which a
//! boundary that works lets through, and good ones with something changed.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderValue, Request};
use portcullis_core::receive::Arrival;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::holder::Holder;
use crate::walk::{NOW, World};

pub use crate::walk::Credential;

/// A request before it is one.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where it arrives.
    pub listener: &'static str,
    /// Method.
    pub method: String,
    /// Host.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// Headers, besides host, credential and length.
    pub headers: Vec<(String, String)>,
    /// What is shown.
    pub credential: Credential,
    /// Body.
    pub body: String,
    /// The connection's other end.
    pub peer: IpAddr,
}

impl Asked {
    /// The head as it arrives; `None` where it cannot be one, or where the guard stops it before
    /// anything reads it.
    #[must_use]
    pub fn arrival(&self, world: &World) -> Option<Arrival> {
        if self.target.contains('#') {
            return None;
        }
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(self.target.as_str())
            .header("host", &self.host);
        for (name, value) in &self.headers {
            request = request.header(name, HeaderValue::from_str(value).ok()?);
        }
        if let Some((name, value)) = world.header(&self.credential) {
            request = request.header(name, HeaderValue::from_str(&value).ok()?);
        }
        // a request without body need not say so, where none is usual
        let silent = self.body.is_empty() && ["GET", "DELETE"].contains(&self.method.as_str());
        if !silent {
            request = request.header("content-length", self.body.len());
        }
        let (parts, ()) = request.body(()).ok()?.into_parts();
        let listener = self.listener.into();
        Some(Arrival { parts, peer: self.peer, listener, certificate: None, server_name: None })
    }

    /// The same with a token that is bound to a key, and the proof of that key.
    #[must_use]
    pub fn bound(&self, world: &World) -> Arrival {
        let holder = Holder::new();
        let issued = NOW.as_secs() - 30;
        let confirmation = serde_json::json!({"jkt": holder.thumbprint()});
        let draft = world.issuer().draft("ann").claim("cnf", confirmation);
        let draft = draft.claim("iat", issued.into()).claim("exp", (issued + 600).into());
        let token = world.issuer().sign(&draft);
        let uri = format!("http://{}:8080{}", self.host, self.target);
        let (uri, _) = uri.split_once('?').unwrap_or((&uri, ""));
        let proof = holder.draft(&self.method, uri, &token).claim("iat", NOW.as_secs().into());
        let mut asked = self.clone();
        asked.headers.push(("dpop".to_owned(), holder.sign(&proof)));
        asked.credential = Credential::Raw(format!("DPoP {token}"));
        asked.arrival(world).unwrap()
    }
}

/// Requests that cross.
pub fn good() -> impl Strategy<Value = Asked> {
    (prop_oneof![by_web(), by_partner()], vec(harmless(), 0..4)).prop_map(|(mut asked, headers)| {
        asked.headers.extend(headers);
        asked
    })
}

/// Requests of every kind: good ones, with up to three changes.
pub fn mixed() -> impl Strategy<Value = Asked> {
    (good(), vec(change(), 0..4)).prop_map(|(mut asked, changes)| {
        for change in changes {
            change.apply(&mut asked);
        }
        asked
    })
}

/// A request that crosses: a user lists the orders of her tenant.
#[must_use]
pub fn listing() -> Asked {
    Asked {
        listener: "web",
        method: "GET".to_owned(),
        host: "api.shop.example".to_owned(),
        target: "/v1/tenants/acme/orders".to_owned(),
        headers: Vec::new(),
        credential: Credential::Token { subject: "ann".to_owned(), manager: false },
        body: String::new(),
        peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
    }
}

/// Headers that nothing depends on.
pub fn harmless() -> impl Strategy<Value = (String, String)> {
    let name = select(vec!["accept", "x-request-id", "user-agent", "x-trace", "accept-language"]);
    (name, "[ -~]{0,12}").prop_map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
}

fn by_web() -> impl Strategy<Value = Asked> {
    let orders = "/v1/tenants/acme/orders";
    let host = select(vec!["api.shop.example", "API.shop.example:8080", "localhost"]);
    let what = prop_oneof![
        "[a-z]{1,5}".prop_map(|word| ("GET", format!("/v1/products?search={word}"), "")),
        Just(("GET", "/v1/products".to_owned(), "")),
        (1..=100).prop_map(move |limit| ("GET", format!("{orders}?limit={limit}"), "")),
        "o-[0-9]{1,8}".prop_map(move |id| ("GET", format!("{orders}/{id}"), "")),
        "o-[0-9]{1,8}".prop_map(move |id| ("DELETE", format!("{orders}/{id}"), "")),
        (1_u8..=99).prop_map(move |amount| ("POST", format!("{orders}?"), amount_text(amount))),
    ];
    (what, host, "[a-z]{1,6}").prop_map(|((method, target, body), host, subject)| Asked {
        listener: "web",
        method: method.to_owned(),
        host: host.to_owned(),
        credential: if target.starts_with("/v1/products") {
            Credential::None
        } else {
            Credential::Token { subject, manager: method == "DELETE" }
        },
        target: target.trim_end_matches('?').to_owned(),
        headers: json_header(body),
        body: body.to_owned(),
        peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
    })
}

fn by_partner() -> impl Strategy<Value = Asked> {
    ("[A-Z]{3}-[0-9]{4}", any::<bool>()).prop_map(|(sku, write)| {
        let body = if write { r#"{"amount": 7}"# } else { "" };
        Asked {
            listener: "partner",
            method: if write { "PUT" } else { "GET" }.to_owned(),
            host: "stock.shop.example".to_owned(),
            target: format!("/stock/v1/items/{sku}"),
            headers: json_header(body),
            credential: Credential::Key,
            body: body.to_owned(),
            peer: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 3)),
        }
    })
}

/// One of a few bodies, so that it is a text of the program.
const fn amount_text(amount: u8) -> &'static str {
    match amount % 2 {
        0 => r#"{"customer": "a@example.com", "lines": [{"sku": "ABC-0001", "amount": 1}]}"#,
        _ => {
            r#"{"lines": [{"amount": 99, "sku": "XYZ-9999"}], "note": "\u00e9", "customer": "b@example.org"}"#
        }
    }
}

fn json_header(body: &str) -> Vec<(String, String)> {
    let header = || ("content-type".to_owned(), "application/json".to_owned());
    if body.is_empty() { Vec::new() } else { vec![header()] }
}

#[derive(Clone, Debug)]
enum Change {
    Listener,
    Method(String),
    Host(String),
    Target(String),
    Append(String),
    Header(String, String),
    Credential(Credential),
    Body(String),
}

impl Change {
    fn apply(self, asked: &mut Asked) {
        match self {
            Self::Listener => {
                asked.listener = if asked.listener == "web" { "partner" } else { "web" };
            }
            Self::Method(method) => asked.method = method,
            Self::Host(host) => asked.host = host,
            Self::Target(target) => asked.target = target,
            Self::Append(more) => asked.target.push_str(&more),
            Self::Header(name, value) => asked.headers.push((name, value)),
            Self::Credential(credential) => asked.credential = credential,
            Self::Body(body) => asked.body = body,
        }
    }
}

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

const HOSTS: &[&str] = &["stock.shop.example", "evil.example", "api.shop.example.", "a:0", ""];

const TAILS: &[&str] = &[
    "/",
    "//",
    "/..",
    "/%2e%2e",
    "%2F",
    "%41",
    "%C3%A9",
    ";v=1",
    "?limit=0",
    "?limit=7&limit=8",
    "?status=open",
    "?unknown=1",
    "?access_token=x",
    "&search=%00",
    "?search=a+b%20c",
    "#x",
];

const NAMES: &[&str] = &[
    "x-user-id",
    "x-portcullis-tenant",
    "x-forwarded-for",
    "connection",
    "expect",
    "cookie",
    "content-type",
    "content-length",
    "transfer-encoding",
    "x_user",
    "te",
    "x-api-key",
    "authorization",
    "origin",
    "content-encoding",
    "x-http-method-override",
];

const VALUES: &[&str] = &[
    "root",
    "x-user-id",
    "authorization",
    "application/json",
    "text/plain",
    "100-continue",
    "7",
    "0",
    "chunked",
    "gzip",
    "close",
    "10.0.0.9, 10.0.0.8",
    "a, b",
    "",
];

const BODIES: &[&str] = &[
    "",
    "{}",
    "[1",
    "{\"amount\": 7}",
    "{\"amount\": 7, \"amount\": 8}",
    "{\"amount\": 7.5}",
    "\u{e9}",
    "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
];

fn change() -> impl Strategy<Value = Change> {
    let credentials = vec![
        Credential::None,
        Credential::Expired,
        Credential::Forged,
        Credential::Key,
        Credential::RevokedKey,
        Credential::Token { subject: "eve".to_owned(), manager: false },
        Credential::Raw("Basic YTpi".to_owned()),
        Credential::Raw("Bearer a.b.c".to_owned()),
    ];
    let text = |from: &'static [&'static str]| select(from).prop_map(str::to_owned);
    prop_oneof![
        1 => Just(Change::Listener),
        1 => text(METHODS).prop_map(Change::Method),
        1 => text(HOSTS).prop_map(Change::Host),
        1 => "/[a-z./%?&=~-]{0,16}".prop_map(Change::Target),
        3 => text(TAILS).prop_map(Change::Append),
        3 => (text(NAMES), text(VALUES)).prop_map(|(name, value)| Change::Header(name, value)),
        2 => select(credentials).prop_map(Change::Credential),
        1 => "Bearer [ -~]{0,20}".prop_map(|text| Change::Credential(Credential::Raw(text))),
        2 => text(BODIES).prop_map(Change::Body),
    ]
}
