//! Which operation is meant, and is the crossing declared at all?
//!
//! The first stage makes the one view of the message ([`Message::read`]); nothing later looks at
//! the bytes again. Cheap guards (address, failed credentials) stand here, before cryptography.

mod named;
mod notes;
mod visit;

use std::net::IpAddr;
use std::sync::Arc;

use portcullis_config::declaration::{Listener, StreamKind};
use portcullis_identity::certificate;
use portcullis_model::{ListenerId, Reason, Stage, Timestamp, UpstreamId};
use portcullis_reading::message::{Message, ReadingRules};
use portcullis_reading::path::CanonicalPath;
use serde::Serialize;

pub use self::named::ServerName;
use self::notes::{note_certificate, note_country, note_head, note_headers, note_message};
use self::visit::Visit;
use crate::addresses;
use crate::answer::Answer;
use crate::cors;
use crate::exchange::{self, Exchanging};
use crate::facts::{Facts, Need};
use crate::protected;
use crate::published;
use crate::refusal::{Refusal, Step};
use crate::rewrite;
use crate::sender::Vouched;
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
    /// The server that the connection was opened for, where the client named one.
    pub server_name: Option<Arc<ServerName>>,
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
    /// Who it would be, while the proof of the sender is looked at.
    pub(crate) vouched: Option<Box<Vouched>>,
    /// Where it is to be carried.
    pub carried: Carried,
}

/// What a request that was received is.
#[derive(Debug)]
pub(crate) enum Entered {
    /// One that asks the boundary to exchange a token.
    Exchange(Box<Exchanging>),
    /// One for an operation.
    Received(Box<Received>),
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
) -> Step<Arrival, Entered> {
    let Some(listener) = snapshot.declaration.listeners.get(&arrival.listener) else {
        return Step::Refused(Refusal::missing_fact(Stage::Receive, "listener"));
    };
    let Some(message) = trace.message.clone() else {
        return match read(&arrival, listener, snapshot) {
            Err(refusal) => {
                note_head(trace, &arrival.parts, arrival.peer, snapshot);
                trace.span = span(trace, None, snapshot);
                Step::Refused(refusal)
            }
            Ok(message) => {
                note_message(trace, &message);
                trace.span = span(trace, Some(&message), snapshot);
                note_certificate(trace, arrival.certificate.as_ref());
                let address = message.client_address;
                let allowed = addresses::judge(listener.addresses.as_ref(), address, "listener");
                let allowed = allowed.and_then(|()| {
                    named::judge(arrival.server_name.as_deref(), &message.host, trace)
                });
                let asks_keys = published::is_asked(&arrival.listener, &message, snapshot);
                trace.message = Some(Arc::new(message));
                match allowed {
                    Ok(()) => {
                        let mut needs = vec![Need::Guard { address }];
                        if asks_keys {
                            needs.push(Need::PublicKeys);
                        }
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
        if published::is_asked(&arrival.listener, &message, snapshot) {
            trace.crossing.from = Some(listener.zone.clone());
            return published::answer(&message, facts, trace).map(Routed::Answered);
        }
        if exchange::is_asked(&arrival.listener, &message, snapshot) {
            trace.crossing.from = Some(listener.zone.clone());
            let certificate = arrival.certificate.clone();
            return exchange::enter(&message, certificate, trace).map(Routed::Exchange);
        }
        let visit = Visit { from: &listener.zone, message: &message, snapshot, now, country };
        route(&arrival, &visit, &message, trace)
    });
    match judged {
        Ok(Routed::Received(received)) => Step::Next(Entered::Received(received)),
        Ok(Routed::Exchange(exchanging)) => Step::Next(Entered::Exchange(exchanging)),
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
        credential_headers: snapshot.credential_headers().collect(),
    };
    Ok(Message::read(&arrival.parts, arrival.peer, &rules)?)
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
    Exchange(Box<Exchanging>),
    Answered(Answer),
}

fn route(
    arrival: &Arrival,
    visit: &Visit<'_>,
    message: &Arc<Message>,
    trace: &mut Trace,
) -> Result<Routed, Refusal> {
    let snapshot = visit.snapshot;
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
    if let Some((id, api, resource)) = visit.described() {
        let crossing = visit.come_to(id, &api.zone, trace)?;
        trace.say(Stage::Receive, "a client asks what it needs to call the API");
        let answer = protected::answer(id, resource, &crossing.boundary, snapshot);
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
    let (id, api) = (operation.id.as_str(), operation.api.as_str());
    trace.say(Stage::Receive, ["this is `", id, "` of `", api, "`"].concat());
    Ok(Routed::Received(Box::new(Received {
        operation: Arc::clone(operation),
        parameters,
        crossing: Arc::clone(crossing),
        span: trace.span.clone(),
        certificate: arrival.certificate.clone(),
        vouched: None,
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
