//! What was asked? The one view of a request that every later stage sees, made once from a head
//! that the guard has passed.
//!
//! Whatever the boundary itself may emit is stripped here; hop-by-hop headers end here; whatever
//! decides security stands once or the request is refused.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
    COOKIE, EXPECT, HOST, ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri};
use ipnet::IpNet;
use portcullis_model::{Method, Reason};

use crate::baggage::BAGGAGE;
use crate::host::Host;
use crate::owned::OwnedHeaders;
use crate::path::CanonicalPath;
use crate::query::Query;
use crate::trace_context::TraceContext;
use crate::violation::Violation;

/// What the place of arrival says about reading.
#[derive(Clone, Debug)]
pub struct ReadingRules {
    /// Proxies of ours in front, counted from the right of `X-Forwarded-For`.
    pub trusted_hops: u8,
    /// Networks of these proxies; the peer, and every hop behind it that counts, must be in one.
    pub trusted_peers: Vec<IpNet>,
    /// Headers that only the boundary may set.
    pub owned_headers: Arc<OwnedHeaders>,
    /// Headers that carry API keys.
    pub credential_headers: Vec<HeaderName>,
}

/// A request head, read.
#[derive(Clone, Debug)]
pub struct Message {
    /// Method.
    pub method: Method,
    /// Host.
    pub host: Host,
    /// Path.
    pub path: CanonicalPath,
    /// Query.
    pub query: Query,
    /// Headers that are left.
    pub headers: HeaderMap,
    /// What the client takes as codings of the answer; it goes no further.
    pub accept_encoding: Option<String>,
    /// The client's address.
    pub client_address: IpAddr,
    /// The other protocol that it asks for, in lower case; it ends at this hop with the header.
    pub upgrade: Option<String>,
    /// Names of headers that were stripped.
    pub stripped: Vec<String>,
    /// The trace that the caller claims to continue; whether it is believed is the boundary's to say.
    pub trace: Option<TraceContext>,
    /// `baggage` as it came, for the boundary to choose from.
    pub baggage: HeaderMap,
}

/// Headers that end at this hop (RFC 9110 section 7.6.1).
static HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
];

/// Headers that stand at most once, because they decide.
static SINGLE: [HeaderName; 6] =
    [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, EXPECT, HOST, ORIGIN];

/// Headers that the boundary adds on the way out: room for them is made once.
const ADDED: usize = 8;

impl Message {
    /// Reads a head.
    ///
    /// # Errors
    /// A violation with a reason of the receive stage.
    pub fn read(parts: &Parts, peer: IpAddr, rules: &ReadingRules) -> Result<Self, Violation> {
        let method = Method::parse(parts.method.as_str())
            .ok_or_else(|| Violation::new(Reason::MethodRefused, "this method never crosses"))?;
        let host = Host::read(&parts.headers, &parts.uri)?;
        let (path, query) = target(&parts.uri)?;
        check_headers(&parts.headers)?;
        check_connection(&parts.headers, rules)?;
        let client_address = client_address(&parts.headers, peer, rules)?;
        let (headers, stripped) = keep(&parts.headers, rules);
        let accept_encoding = accept_encoding(&parts.headers);
        let upgrade = upgrade(&parts.headers);
        let trace = TraceContext::read(&parts.headers);
        let baggage = baggage(&parts.headers);
        Ok(Self {
            method,
            host,
            path,
            query,
            headers,
            accept_encoding,
            client_address,
            upgrade,
            stripped,
            trace,
            baggage,
        })
    }

    /// Path and query exactly as they are forwarded.
    #[must_use]
    pub fn target(&self) -> String {
        self.target_with(None)
    }

    /// The same with another path in front of the query.
    #[must_use]
    pub fn target_with(&self, path: Option<&CanonicalPath>) -> String {
        let path = path.unwrap_or(&self.path).as_str();
        match &self.query.raw {
            None => path.to_owned(),
            Some(query) => format!("{path}?{query}"),
        }
    }
}

fn target(uri: &Uri) -> Result<(CanonicalPath, Query), Violation> {
    let (path, query) = match uri.path_and_query() {
        Some(both) => (both.path(), both.query()),
        None => ("", None),
    };
    Ok((CanonicalPath::parse(path)?, Query::parse(query)?))
}

fn check_headers(headers: &HeaderMap) -> Result<(), Violation> {
    for name in &SINGLE {
        if headers.get_all(name).iter().count() > 1 {
            return Err(invalid(format!("`{name}` stands more than once")));
        }
    }
    for name in [&CONTENT_LENGTH, &CONTENT_ENCODING, &ORIGIN] {
        if headers.get(name).is_some_and(|value| value.as_bytes().contains(&b',')) {
            return Err(invalid(format!("`{name}` is a list")));
        }
    }
    for (name, value) in headers {
        // gateways to applications write every other character as `_` and so make two names one
        if !name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(invalid(format!("`{name}` has more than letters, digits and `-`")));
        }
        if !value.as_bytes().iter().all(|byte| *byte == b'\t' || (b' '..=b'~').contains(byte)) {
            return Err(invalid(format!("the value of `{name}` is not visible ASCII")));
        }
    }
    match headers.get(EXPECT) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Err(Violation::new(Reason::UnsupportedExpectation, "`Expect`"))
        }
        Some(_) | None => Ok(()),
    }
}

/// `Connection` may not name what the boundary relies on (D4).
fn check_connection(headers: &HeaderMap, rules: &ReadingRules) -> Result<(), Violation> {
    let protected = [
        AUTHORIZATION,
        HOST,
        CONTENT_LENGTH,
        CONTENT_TYPE,
        CONTENT_ENCODING,
        COOKIE,
        HeaderName::from_static("content-digest"),
        HeaderName::from_static("dpop"),
        HeaderName::from_static("signature"),
        HeaderName::from_static("signature-input"),
    ];
    for name in connection_names(headers) {
        let named = |known: &HeaderName| known.as_str().eq_ignore_ascii_case(&name);
        if protected.iter().any(named)
            || rules.credential_headers.iter().any(named)
            || rules.owned_headers.strips(&name)
        {
            return Err(invalid(format!("`Connection` names `{name}`")));
        }
    }
    Ok(())
}

/// One protocol, named by one `Upgrade` to which `Connection` refers (RFC 9110 section 7.8).
fn upgrade(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(UPGRADE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let asks = connection_names(headers).any(|name| name == UPGRADE.as_str());
    asks.then(|| value.to_str().ok().map(str::to_ascii_lowercase)).flatten()
}

fn connection_names(headers: &HeaderMap) -> impl Iterator<Item = String> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
}

fn client_address(
    headers: &HeaderMap,
    peer: IpAddr,
    rules: &ReadingRules,
) -> Result<IpAddr, Violation> {
    let is_ours = |address: IpAddr| rules.trusted_peers.iter().any(|net| net.contains(&address));
    let peer = peer.to_canonical();
    if rules.trusted_hops == 0 || !is_ours(peer) {
        return Ok(peer);
    }
    let mut addresses = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        let text = value.to_str().map_err(|_| invalid("`X-Forwarded-For` is not ASCII"))?;
        addresses.extend(text.split(',').map(str::trim));
    }
    // from the right: what each of our proxies added, and each that it names is ours but for the last
    let mut named = addresses.into_iter().rev();
    let mut address = peer;
    for hop in 0..rules.trusted_hops {
        if hop > 0 && !is_ours(address) {
            return Err(invalid("`X-Forwarded-For` names a hop that is no declared proxy"));
        }
        let text = named
            .next()
            .ok_or_else(|| invalid("`X-Forwarded-For` names fewer hops than are declared"))?;
        // an IPv4 address has one form, or rules about it could be missed
        address = text
            .parse::<IpAddr>()
            .map_err(|_| invalid("`X-Forwarded-For` has a malformed address"))?
            .to_canonical();
    }
    Ok(address)
}

fn accept_encoding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let values: Vec<&str> = values.collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn keep(headers: &HeaderMap, rules: &ReadingRules) -> (HeaderMap, Vec<String>) {
    let listed: Vec<String> = connection_names(headers).collect();
    let mut kept = HeaderMap::with_capacity(headers.len().saturating_add(ADDED));
    let mut stripped = Vec::new();
    for (name, value) in headers {
        let text = name.as_str();
        if HOP_BY_HOP.contains(name) || listed.iter().any(|named| named == text) {
            continue;
        }
        if rules.owned_headers.strips(text) {
            stripped.push(text.to_owned());
        } else if name != ACCEPT_ENCODING {
            kept.append(name.clone(), value.clone());
        }
    }
    stripped.sort();
    stripped.dedup();
    (kept, stripped)
}

/// What stands under `baggage`, which is stripped from the headers that are left.
fn baggage(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for value in headers.get_all(BAGGAGE) {
        kept.append(BAGGAGE, value.clone());
    }
    kept
}

fn invalid(detail: impl Into<String>) -> Violation {
    Violation::new(Reason::InvalidHeader, detail)
}

#[cfg(test)]
mod tests {
    use super::{Message, ReadingRules};
    use crate::owned::OwnedHeaders;
    use http::Request;
    use portcullis_model::Reason;
    use std::sync::Arc;

    fn read(headers: &[(&str, &str)], hops: u8) -> Result<Message, Reason> {
        let mut request = Request::builder().uri("/a?x=1").header("host", "a.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let rules = ReadingRules {
            trusted_hops: hops,
            trusted_peers: vec!["10.0.0.0/8".parse().unwrap()],
            owned_headers: Arc::new(OwnedHeaders::standard()),
            credential_headers: vec!["x-api-key".parse().unwrap()],
        };
        Message::read(&parts, "10.0.0.1".parse().unwrap(), &rules).map_err(|v| v.reason)
    }

    #[test]
    fn d01_owned_headers_are_stripped() {
        let message =
            read(&[("X-User-Id", "root"), ("x-portcullis-tenant", "t"), ("accept", "a")], 0)
                .unwrap();
        assert_eq!(message.stripped, ["x-portcullis-tenant", "x-user-id"]);
        assert!(message.headers.get("x-user-id").is_none());
        assert!(message.headers.get("accept").is_some());
        assert_eq!(message.target(), "/a?x=1");
    }

    #[test]
    fn d01_trace_context_is_read_once_and_stripped_in_every_dialect() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let sent = [
            ("traceparent", parent),
            ("tracestate", "a=1"),
            ("Baggage", "user=alice"),
            ("b3", "1-2-1"),
            ("x-b3-traceid", "1"),
            ("uber-trace-id", "1:2:0:1"),
            ("x-datadog-trace-id", "1"),
        ];
        let message = read(&sent, 0).unwrap();
        assert!(message.headers.keys().all(|name| name == "host"), "{:?}", message.headers);
        assert_eq!(message.stripped.len(), sent.len());
        assert_eq!(message.trace.unwrap().parent.to_string(), parent);
        assert_eq!(message.baggage.len(), 1);
        assert!(
            read(&[("traceparent", parent), ("traceparent", parent)], 0).unwrap().trace.is_none()
        );
    }

    #[test]
    fn d02_underscores_are_refused() {
        for name in ["x_user", "x.user-id", "x!user", "x~api~key", "x+user'id"] {
            assert_eq!(read(&[(name, "root")], 0).unwrap_err(), Reason::InvalidHeader, "{name}");
        }
    }

    #[test]
    fn d04_connection_may_not_name_what_is_relied_on() {
        for name in ["x-user-id", "Authorization", "x-api-key"] {
            assert_eq!(read(&[("connection", name)], 0).unwrap_err(), Reason::InvalidHeader);
        }
        let message = read(&[("connection", "x-hop"), ("x-hop", "1")], 0).unwrap();
        assert!(message.headers.get("x-hop").is_none());
    }

    #[test]
    fn d05_what_decides_stands_once() {
        let twice = [("content-type", "a/b"), ("content-type", "c/d")];
        assert_eq!(read(&twice, 0).unwrap_err(), Reason::InvalidHeader);
        assert_eq!(read(&[("origin", "a, b")], 0).unwrap_err(), Reason::InvalidHeader);
    }

    #[test]
    fn d08_hops_are_counted_from_the_right() {
        let spoofed = [("x-forwarded-for", "6.6.6.6, 192.0.2.7")];
        assert_eq!(read(&spoofed, 1).unwrap().client_address.to_string(), "192.0.2.7");
        assert_eq!(read(&spoofed, 0).unwrap().client_address.to_string(), "10.0.0.1");
        assert_eq!(read(&spoofed, 3).unwrap_err(), Reason::InvalidHeader);
        // over every value of every header of the name
        let several = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "7.7.7.7, 192.0.2.7")];
        assert_eq!(read(&several, 1).unwrap().client_address.to_string(), "192.0.2.7");
        let turned = [("x-forwarded-for", "7.7.7.7, 192.0.2.7"), ("x-forwarded-for", "6.6.6.6")];
        assert_eq!(read(&turned, 1).unwrap().client_address.to_string(), "6.6.6.6");
        // who comes to the second proxy past the first names a hop that is not ours
        assert_eq!(read(&spoofed, 2).unwrap_err(), Reason::InvalidHeader);
        let chained = [("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.9.9.9")];
        assert_eq!(read(&chained, 2).unwrap().client_address.to_string(), "192.0.2.7");
        // other headers that name addresses are never read
        let others = [("forwarded", "for=6.6.6.6"), ("x-real-ip", "6.6.6.6"), spoofed[0]];
        let message = read(&others, 1).unwrap();
        assert_eq!(message.client_address.to_string(), "192.0.2.7");
        assert_eq!(message.stripped, ["forwarded", "x-forwarded-for", "x-real-ip"]);
        for wrong in ["192.0.2.7:80", "unknown", "", "_hidden", "192.0.2.7,", "\"192.0.2.7\""] {
            assert_eq!(read(&[("x-forwarded-for", wrong)], 1).unwrap_err(), Reason::InvalidHeader);
        }
        let mapped = [("x-forwarded-for", "::ffff:192.0.2.7")];
        assert_eq!(read(&mapped, 1).unwrap().client_address.to_string(), "192.0.2.7");
    }
}
