//! Which operation is meant, and is the crossing declared at all?
//!
//! The first stage makes the one view of the message ([`Message::read`]); nothing later looks at
//! the bytes again. Cheap guards (address, failed credentials) stand here, before cryptography.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, ORIGIN,
    PROXY_AUTHORIZATION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderName, HeaderValue};
use portcullis_config::declaration::{Api, Listener, StreamKind};
use portcullis_identity::certificate;
use portcullis_model::{ListenerId, Method, Reason, Stage, Timestamp, UpstreamId, ZoneId};
use portcullis_reading::message::{Message, ReadingRules};
use portcullis_reading::path::CanonicalPath;
use portcullis_spec::Location;
use serde::Serialize;

use crate::addresses;
use crate::answer::Answer;
use crate::cors;
use crate::facts::{Country, Facts, Need};
use crate::hex::hex;
use crate::life;
use crate::refusal::{Refusal, Step};
use crate::rewrite;
use crate::snapshot::router::Unmatched;
use crate::snapshot::ways::Way;
use crate::snapshot::{CompiledBoundary, CompiledOperation, Snapshot};
use crate::span::Span;
use crate::trace::Trace;

/// A request head as it arrived.
#[derive(Debug)]
pub struct Arrival {
    /// The head, read by the HTTP layer from bytes that the guard passed.
    pub parts: http::request::Parts,
    /// The connection's other end.
    pub peer: IpAddr,
    /// Where it arrived.
    pub listener: ListenerId,
    /// What came of the connection's client certificate, where one was shown.
    pub certificate: Option<certificate::Shown>,
}

/// A request whose operation and crossing are known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// The one view.
    pub message: Arc<Message>,
    /// What is meant.
    pub operation: Arc<CompiledOperation>,
    /// Decoded path parameters, in the template's order.
    pub parameters: Vec<String>,
    /// The crossing.
    pub crossing: Arc<CompiledBoundary>,
    /// Where it stands among traces, where there are any.
    pub span: Option<Arc<Span>>,
    /// What came of the connection's client certificate, where one was shown.
    pub certificate: Option<certificate::Shown>,
    /// Where it is to be carried.
    pub carried: Carried,
}

/// Where a request is to be carried.
#[derive(Clone, Debug)]
pub struct Carried {
    /// To this upstream,
    pub upstream: UpstreamId,
    /// with this path instead of the judged one,
    pub path: Option<CanonicalPath>,
    /// from which this prefix was stripped.
    pub stripped: Option<String>,
}

impl Received {
    /// Path parameters with their names.
    pub fn named_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.operation.parameters.iter().map(String::as_str);
        names.zip(self.parameters.iter().map(String::as_str))
    }

    /// A path parameter by name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.named_parameters().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// Reads the head and asks the guards.
pub(crate) fn decide(
    arrival: Arrival,
    facts: &Facts,
    snapshot: &Snapshot,
    now: Timestamp,
    trace: &mut Trace,
) -> Step<Arrival, Received> {
    let Some(listener) = snapshot.declaration.listeners.get(&arrival.listener) else {
        return Step::Refused(Refusal::missing_fact(Stage::Receive, "listener"));
    };
    let Some(message) = trace.message.clone() else {
        return match read(&arrival, listener, snapshot) {
            Err(refusal) => {
                note_head(trace, &arrival, snapshot);
                trace.span = span(trace, None, snapshot);
                Step::Refused(refusal)
            }
            Ok(message) => {
                note_message(trace, &message);
                trace.span = span(trace, Some(&message), snapshot);
                note_certificate(trace, arrival.certificate.as_ref());
                let address = message.client_address;
                trace.message = Some(Arc::new(message));
                match addresses::judge(listener.addresses.as_ref(), address, "listener") {
                    Ok(()) => {
                        let mut needs = vec![Need::Guard { address }];
                        if addresses::asks_country(&snapshot.declaration, listener) {
                            needs.push(Need::Country { address });
                        }
                        Step::More(arrival, needs)
                    }
                    Err(refusal) => Step::Refused(refusal),
                }
            }
        };
    };
    let judged = guard(facts, trace).and_then(|()| {
        note_country(facts, trace);
        let country = facts.country.as_ref();
        addresses::judge_country(listener.addresses.as_ref(), country, "listener")?;
        let visit = Visit { from: &listener.zone, message: &message, snapshot, now, country };
        route(&arrival, &visit, &message, trace)
    });
    match judged {
        Ok(Routed::Received(received)) => Step::Next(*received),
        Ok(Routed::Answered(answer)) => {
            trace.answered = true;
            Step::Answered(answer)
        }
        Err(refusal) => Step::Refused(refusal),
    }
}

/// The span as long as no boundary is known, which might believe the caller.
fn span(trace: &Trace, message: Option<&Message>, snapshot: &Snapshot) -> Option<Arc<Span>> {
    let claimed = message.and_then(|message| message.trace.as_ref());
    Span::of(&trace.id, claimed, None, snapshot.sampling).map(Arc::new)
}

fn read(arrival: &Arrival, listener: &Listener, snapshot: &Snapshot) -> Result<Message, Refusal> {
    let rules = ReadingRules {
        trusted_hops: listener.trusted_hops,
        trusted_peers: listener.trusted_peers.clone(),
        owned_headers: Arc::clone(&snapshot.owned),
        credential_headers: snapshot.api_key_headers.values().cloned().collect(),
    };
    Ok(Message::read(&arrival.parts, arrival.peer, &rules)?)
}

/// A head that could not be read in one way, as it came; what may be a credential is withheld.
fn note_head(trace: &mut Trace, arrival: &Arrival, snapshot: &Snapshot) {
    let secret = |name: &HeaderName| {
        [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name)
            || snapshot.api_key_headers.values().any(|header| header == name)
    };
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = match secret(name) {
            true => "(withheld)".into(),
            false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        (name.as_str().to_owned(), value)
    };
    let parts = &arrival.parts;
    trace.request.method = Method::parse(parts.method.as_str());
    trace.personal_fact(
        "head",
        &HeadFact {
            headers: parts.headers.iter().map(text).collect(),
            method: parts.method.as_str(),
            peer: arrival.peer,
            target: parts.uri.to_string(),
        },
    );
}

/// The headers that the contract speaks of, those of a preflight, and those that choose a route.
fn note_headers(trace: &mut Trace, message: &Message, operation: &CompiledOperation) {
    let named = operation.operation.parameters.iter().filter_map(|parameter| {
        (parameter.location == Location::Header).then_some(parameter.name.as_str())
    });
    let choosing = operation.ways.iter().filter_map(|way| way.header.as_ref());
    let asked = cors::ASKED.iter().filter(|_| message.method == Method::Options);
    let names: BTreeSet<String> =
        [CONTENT_TYPE.as_str(), CONTENT_ENCODING.as_str(), CONTENT_LENGTH.as_str()]
            .into_iter()
            .chain(named)
            .chain(asked.chain(choosing.map(|(name, _)| name)).map(HeaderName::as_str))
            .map(str::to_ascii_lowercase)
            .collect();
    let mut headers = Vec::new();
    for name in &names {
        for value in message.headers.get_all(name) {
            headers.push((name.as_str(), String::from_utf8_lossy(value.as_bytes())));
        }
    }
    let opens = operation.stream.as_ref().is_some_and(|one| one.kind == StreamKind::Websocket);
    if opens {
        for name in [ORIGIN.as_str(), SEC_WEBSOCKET_KEY.as_str(), SEC_WEBSOCKET_VERSION.as_str()] {
            for value in message.headers.get_all(name) {
                headers.push((name, String::from_utf8_lossy(value.as_bytes())));
            }
        }
        if let Some(protocol) = &message.upgrade {
            headers.push((CONNECTION.as_str(), UPGRADE.as_str().into()));
            headers.push((UPGRADE.as_str(), protocol.as_str().into()));
        }
    }
    let cookies = named_cookies(message, operation);
    if !cookies.is_empty() {
        headers.push((COOKIE.as_str(), cookies.join("; ").into()));
    }
    if !headers.is_empty() {
        trace.personal_fact("headers", &headers);
    }
}

/// The cookies that the contract speaks of, and no other: the rest may be credentials.
fn named_cookies(message: &Message, operation: &CompiledOperation) -> Vec<String> {
    let named = operation.operation.parameters.iter().filter_map(|parameter| {
        (parameter.location == Location::Cookie).then_some(parameter.name.as_str())
    });
    if named.clone().next().is_none() {
        return Vec::new();
    }
    let pairs = portcullis_reading::cookie::pairs(&message.headers).unwrap_or_default();
    pairs
        .into_iter()
        .filter(|(name, _)| named.clone().any(|known| known == *name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn note_message(trace: &mut Trace, message: &Message) {
    trace.request.method = Some(message.method);
    trace.request.host = Some(message.host.as_str().to_owned());
    trace.request.stripped.clone_from(&message.stripped);
    trace.request.digest = Some(digest(message));
    trace.personal_fact(
        "message",
        &MessageFact {
            address: message.client_address,
            host: message.host.as_str(),
            method: message.method,
            target: message.target(),
        },
    );
}

/// The certificate's facts, or why it is not trusted now.
fn note_certificate(trace: &mut Trace, shown: Option<&certificate::Shown>) {
    match shown {
        None => {}
        Some(Ok(certificate)) => trace.personal_fact("certificate", certificate.facts()),
        Some(Err(refused)) => trace.verdict("certificate", Err(refused)),
    }
}

/// SHA-256 over method, host, target and every header that is left, each with its length.
fn digest(message: &Message) -> String {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut add = |bytes: &[u8]| {
        context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(bytes);
    };
    add(message.method.as_str().as_bytes());
    add(message.host.as_str().as_bytes());
    add(message.target().as_bytes());
    for (name, value) in &message.headers {
        add(name.as_str().as_bytes());
        add(value.as_bytes());
    }
    hex(context.finish().as_ref())
}

fn guard(facts: &Facts, trace: &mut Trace) -> Result<(), Refusal> {
    let guarded = facts.guard.ok_or_else(|| Refusal::missing_fact(Stage::Receive, "guard"))?;
    trace.fact(
        "guard",
        &GuardFact { admitted: guarded.admitted, failures_left: guarded.failures_left },
    );
    let reason = if !guarded.admitted {
        Reason::AddressThrottled
    } else if !guarded.failures_left {
        Reason::FailuresThrottled
    } else {
        return Ok(());
    };
    Err(Refusal {
        retry_after_secs: Some(guarded.retry_after_secs.max(1)),
        ..Refusal::new(reason, "the guard of this address")
    })
}

/// Where a request leads.
enum Routed {
    Received(Box<Received>),
    Answered(Answer),
}

fn note_country(facts: &Facts, trace: &mut Trace) {
    let (available, country) = match &facts.country {
        None => return,
        Some(Country::Known(code)) => (true, Some(code.as_str())),
        Some(Country::Unknown) => (true, None),
        Some(Country::Unavailable) => (false, None),
    };
    trace.personal_fact("country", &CountryFact { available, country });
}

fn route(
    arrival: &Arrival,
    visit: &Visit<'_>,
    message: &Arc<Message>,
    trace: &mut Trace,
) -> Result<Routed, Refusal> {
    trace.crossing.from = Some(visit.from.clone());
    if let Some(method) = cors::preflight(message)
        && let Ok((operation, _)) = visit.find(method)
        && let Some(cors) = visit.api(operation).and_then(|api| api.cors.as_ref())
    {
        note_headers(trace, message, operation);
        let _crossing = visit.enter(operation, trace)?;
        let answer = cors::answer(cors, message, &visit.methods(operation))?;
        trace.say(Stage::Receive, format!("a preflight for `{}`", operation.id));
        return Ok(Routed::Answered(answer));
    }
    let (operation, matched) = visit.find(message.method)?;
    let crossing = visit.enter(operation, trace)?;
    let parameters: Vec<String> = message
        .path
        .segments()
        .enumerate()
        .filter(|(at, _)| matched.contains(at))
        .map(|(_, segment)| portcullis_reading::path::decode_segment(segment).into_owned())
        .collect();
    note_headers(trace, message, operation);
    let opens = operation.stream.as_ref().is_some_and(|one| one.kind == StreamKind::Websocket);
    let cors = visit.api(operation).and_then(|api| api.cors.as_ref());
    if opens && !cors::may_open(cors, message) {
        let why = "a page of another origin may not open a WebSocket here";
        return Err(Refusal::new(Reason::CrossOriginRefused, why));
    }
    let carried = carried(message, operation, &parameters, trace)?;
    trace.say(Stage::Receive, format!("this is `{}` of `{}`", operation.id, operation.api));
    Ok(Routed::Received(Box::new(Received {
        operation: Arc::clone(operation),
        parameters,
        crossing: Arc::clone(crossing),
        span: trace.span.clone(),
        certificate: arrival.certificate.clone(),
        carried,
        message: Arc::clone(message),
    })))
}

/// The first way that fits.
fn carried(
    message: &Message,
    operation: &CompiledOperation,
    parameters: &[String],
    trace: &mut Trace,
) -> Result<Carried, Refusal> {
    let mut taken = None;
    for way in &operation.ways {
        if fits(way, message)? {
            taken = Some(way);
            break;
        }
    }
    let way = taken.ok_or_else(|| Refusal::missing_fact(Stage::Receive, "way"))?;
    trace.crossing.upstream = Some(way.upstream.clone());
    if operation.ways.len() > 1 || way.route.is_some() {
        trace.fact("route", &RouteFact { route: way.route.as_deref(), upstream: &way.upstream });
    }
    let Some(rewriting) = &way.rewriting else {
        return Ok(Carried { upstream: way.upstream.clone(), path: None, stripped: None });
    };
    Ok(Carried {
        upstream: way.upstream.clone(),
        path: Some(rewrite::rewritten(rewriting, &message.path, parameters)?),
        stripped: rewriting.to.is_empty().then(|| rewriting.from.clone()),
    })
}

/// Whether a request may take a way; a header that chooses stands once, or nobody can say what it says.
fn fits(way: &Way, message: &Message) -> Result<bool, Refusal> {
    let Some((name, value)) = &way.header else { return Ok(true) };
    let mut found = message.headers.get_all(name).iter();
    match (found.next(), found.next()) {
        (_, Some(_)) => {
            let detail = format!("`{name}` chooses a route and stands more than once");
            Err(Refusal::new(Reason::InvalidHeader, detail))
        }
        (found, None) => Ok(found == Some(value)),
    }
}

/// One request that comes from a zone.
struct Visit<'a> {
    from: &'a ZoneId,
    message: &'a Message,
    snapshot: &'a Snapshot,
    now: Timestamp,
    country: Option<&'a Country>,
}

impl<'a> Visit<'a> {
    /// The operation, and where in the path its parameters stand.
    fn find(&self, method: Method) -> Result<(&'a Arc<CompiledOperation>, Vec<usize>), Refusal> {
        let matched = self
            .snapshot
            .router
            .find(self.message.host.as_str(), &self.message.path, method)
            .map_err(|unmatched| match unmatched {
                Unmatched::Host => Refusal::new(Reason::UnknownHost, "no API has this host"),
                Unmatched::Operation => Refusal::new(
                    Reason::UnlistedOperation,
                    "no contract lists this method and path",
                ),
            })?;
        let operation = self.snapshot.operations.get(matched.operation);
        let operation =
            operation.ok_or_else(|| Refusal::missing_fact(Stage::Receive, "operation"))?;
        Ok((operation, matched.parameters))
    }

    /// The methods that the API lists for this path.
    fn methods(&self, operation: &CompiledOperation) -> Vec<Method> {
        let is_listed =
            |method: &Method| self.find(*method).is_ok_and(|(found, _)| found.api == operation.api);
        Method::ALL.into_iter().filter(is_listed).collect()
    }

    fn api(&self, operation: &CompiledOperation) -> Option<&'a Api> {
        self.snapshot.declaration.apis.get(&operation.api)
    }

    /// The crossing, if it is declared, open to this address, and the API is served.
    fn enter(
        &self,
        operation: &CompiledOperation,
        trace: &mut Trace,
    ) -> Result<&'a Arc<CompiledBoundary>, Refusal> {
        trace.request.template = Some(operation.template.clone());
        trace.crossing.to = Some(operation.zone.clone());
        trace.crossing.api = Some(operation.api.clone());
        trace.crossing.operation = Some(operation.id.clone());
        let key = (self.from.clone(), operation.zone.clone());
        let crossing = self.snapshot.crossings.get(&key).ok_or_else(|| {
            Refusal::new(
                Reason::UndeclaredCrossing,
                format!("no boundary leads from `{}` to `{}`", key.0, key.1),
            )
        })?;
        trace.crossing.boundary = Some(crossing.id.clone());
        if crossing.boundary.trace.continues {
            let (claimed, rule) = (self.message.trace.as_ref(), Some(&crossing.boundary.trace));
            let sampling = self.snapshot.sampling;
            trace.span = Span::of(&trace.id, claimed, rule, sampling).map(Arc::new);
        }
        let lists = crossing.boundary.addresses.as_ref();
        addresses::judge(lists, self.message.client_address, "boundary")?;
        addresses::judge_country(lists, self.country, "boundary")?;
        if let Some(api) = self.api(operation) {
            life::judge(&api.life, self.now)?;
        }
        Ok(crossing)
    }
}

#[derive(Serialize)]
struct HeadFact<'a> {
    headers: Vec<(String, String)>,
    method: &'a str,
    peer: IpAddr,
    target: String,
}

#[derive(Serialize)]
struct MessageFact<'a> {
    address: IpAddr,
    host: &'a str,
    method: Method,
    target: String,
}

#[derive(Serialize)]
struct GuardFact {
    admitted: bool,
    failures_left: bool,
}

#[derive(Serialize)]
struct RouteFact<'a> {
    route: Option<&'a str>,
    upstream: &'a UpstreamId,
}

#[derive(Serialize)]
struct CountryFact<'a> {
    available: bool,
    country: Option<&'a str>,
}
