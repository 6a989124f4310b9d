//! Would it be decided so again? A record is taken apart into its facts, and the chain decides anew
//! from them under the same snapshot.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request};
use portcullis_core::facts::{BodyFact, Country, Facts, Guarded, LimitsFact, TokenFact};
use portcullis_core::receive::{Arrival, ServerName};
use portcullis_core::record::{caller, digest};
use portcullis_core::trace::{Trace, TracedFact};
use portcullis_core::{Refusal, Snapshot};
use portcullis_identity::certificate::{self, Certificate};
use portcullis_identity::{Authenticated, Refused};
use portcullis_model::record::{FactValue, RecordKind};
use portcullis_model::{CredentialKind, Decision, Principal, Reason, Record, Stage};
use serde_json::Value;

use crate::offline;
use crate::seal::SealKey;

/// What came of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The same decision for the same reason.
    Same,
    /// Not the same: the record was altered, or the decision is not a function of its facts.
    Differs(String),
    /// It cannot be recomputed, and why.
    NotReplayable(&'static str),
}

/// Recomputes a record.
#[must_use]
pub fn replay(record: &Record, snapshot: &Snapshot, seal: &SealKey) -> Replayed {
    let facts = match open(record, seal) {
        Ok(facts) => facts,
        Err(replayed) => return replayed,
    };
    if digest(&record.request, &facts) != record.digest {
        return Replayed::Differs("the digest is not that of the facts".to_owned());
    }
    if record.revision != *snapshot.revision {
        return Replayed::NotReplayable("another snapshot decided it");
    }
    if record.reason == Some(Reason::FactMissing) {
        return Replayed::NotReplayable("a fact that it needed was never supplied");
    }
    if record.reason == Some(Reason::ClientGone) && record.decision == Decision::Deny {
        return Replayed::NotReplayable("the client left before it was decided");
    }
    if value(&facts, "exchange").is_some() {
        return Replayed::NotReplayable("the tokens of an exchange are not kept");
    }
    let Some(arrival) = arrival(record, &facts, snapshot) else {
        return Replayed::NotReplayable("its head never became a request");
    };
    let given = given(record, &facts);
    let mut trace = Trace::new(record.id.clone(), record.at, record.listener.clone());
    let decided = offline::decide(arrival, &given, snapshot, record.at, &mut trace);
    match compare(record, decided.err().as_ref()) {
        Replayed::Same => altered(record, &trace, seal),
        other => other,
    }
}

/// What the record says beside its facts must be what they come to.
fn altered(record: &Record, trace: &Trace, seal: &SealKey) -> Replayed {
    let differs = |what: &str| Replayed::Differs(format!("{what} is not that of the facts"));
    let (said, again) = (&record.request, &trace.request);
    if (said.method, &said.host, &said.template) != (again.method, &again.host, &again.template) {
        return differs("the request");
    }
    if record.crossing != trace.crossing {
        return differs("the crossing");
    }
    let caller = caller(trace);
    let principal = trace.caller.as_ref().map(|known| known.principal().qualified_name());
    let handle = principal.map(|name| seal.handle(&name));
    let said = &record.caller;
    let routes = record.facts.iter().filter(|note| note.name == "route").map(|note| &note.value);
    let again = trace.facts.iter().filter(|fact| fact.name == "route");
    if !routes.eq(again.map(|fact| FactValue::Clear(fact.value.clone())).collect::<Vec<_>>().iter())
    {
        return differs("the route");
    }
    if (record.stage == Stage::Receive) != trace.answered && record.decision == Decision::Allow {
        return differs("who answered");
    }
    let same = said.kind == caller.kind
        && said.tenant == caller.tenant
        && said.credential == caller.credential
        && said.principal == handle;
    if same { Replayed::Same } else { differs("the caller") }
}

fn compare(record: &Record, refusal: Option<&Refusal>) -> Replayed {
    if record.decision == Decision::Deny {
        let Some(reason) = record.reason else {
            return Replayed::Differs("it is refused without a reason".to_owned());
        };
        if record.outcome.as_ref().is_none_or(|outcome| outcome.status != reason.status()) {
            return Replayed::Differs("the status is not that of its reason".to_owned());
        }
    }
    let recorded = match record.decision {
        // what failed after the permit was given had been permitted
        Decision::Allow => None,
        Decision::Deny => record.reason,
    };
    let again = refusal.map(|refusal| refusal.reason);
    if recorded == again {
        return Replayed::Same;
    }
    let say = |reason: Option<Reason>| reason.map_or("permitted".to_owned(), |r| r.to_string());
    let detail = refusal.map(|refusal| refusal.detail.as_str()).unwrap_or_default();
    Replayed::Differs(format!("recorded {}, again {} {detail}", say(recorded), say(again)))
}

fn open(record: &Record, seal: &SealKey) -> Result<Vec<TracedFact>, Replayed> {
    let mut facts = Vec::new();
    for note in &record.facts {
        let Some(name) = FACTS.iter().find(|name| **name == note.name) else {
            return Err(Replayed::Differs(format!("there is no fact `{}`", note.name)));
        };
        let (text, personal) = match &note.value {
            FactValue::Clear(text) => (Some(text.clone()), false),
            FactValue::Sealed(sealed) => {
                (seal.open(&format!("{}/{name}", record.id), sealed), true)
            }
            FactValue::Erased => return Err(Replayed::NotReplayable("its facts were erased")),
        };
        let Some(value) = text else {
            return Err(Replayed::Differs(format!("the fact `{name}` does not open")));
        };
        facts.push(TracedFact { name, as_of: note.as_of, value, personal });
    }
    Ok(facts)
}

/// Every fact that the stages note.
const FACTS: [&str; 17] = [
    "country",
    "certificate",
    "head",
    "headers",
    "message",
    "server_name",
    "guard",
    "route",
    "principal",
    "sender",
    "identity",
    "body",
    "limits",
    "token",
    "exchange",
    "obligation",
    "intent",
];

fn value(facts: &[TracedFact], name: &str) -> Option<Value> {
    let fact = facts.iter().find(|fact| fact.name == name)?;
    serde_json::from_str(&fact.value).ok()
}

fn arrival(record: &Record, facts: &[TracedFact], snapshot: &Snapshot) -> Option<Arrival> {
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let (head, host, peer) = match (value(facts, "message"), value(facts, "head")) {
        (Some(message), _) => {
            let (host, peer) = (text(&message, "host"), text(&message, "address")?);
            (message, host, peer)
        }
        (None, Some(head)) => {
            let peer = text(&head, "peer")?;
            (head, None, peer)
        }
        (None, None) => return None,
    };
    let mut request =
        Request::builder().method(text(&head, "method")?.as_str()).uri(text(&head, "target")?);
    let listed = [head.get("headers").cloned(), value(facts, "headers")];
    for header in listed.iter().flatten().filter_map(Value::as_array).flatten() {
        let (name, value) = (header.get(0)?.as_str()?, header.get(1)?.as_str()?);
        request = request.header(name, HeaderValue::from_str(value).ok()?);
    }
    let address: IpAddr = peer.parse().ok()?;
    if let Some(host) = host {
        request = request.header(http::header::HOST, host);
        for _ in 0..hops(address, record, snapshot) {
            request = request.header("x-forwarded-for", &peer);
        }
    }
    let (parts, ()) = request.body(()).ok()?.into_parts();
    let peer = address;
    let certificate = value(facts, "certificate").and_then(|value| shown(&value));
    let server_name = value(facts, "server_name").and_then(|value| server_name(&value));
    let listener = record.listener.clone();
    Some(Arrival { parts, peer, listener, certificate, server_name: server_name.map(Arc::new) })
}

/// The server that the connection was opened for, with the one name of its certificate that counted.
fn server_name(value: &Value) -> Option<ServerName> {
    let covered_by = value.get("covered_by")?.as_str().map(str::to_owned);
    Some(ServerName {
        asked: value.get("asked")?.as_str()?.to_owned(),
        certificate: covered_by.into_iter().collect(),
    })
}

/// What came of the connection's certificate.
fn shown(value: &Value) -> Option<certificate::Shown> {
    match refused(value) {
        Some(refused) => Some(Err(refused)),
        None => {
            let facts = serde_json::from_value(value.clone()).ok()?;
            Some(Ok(Arc::new(Certificate::from_record(facts))))
        }
    }
}

/// The recorded address is the client's own. Where it would itself be taken for a proxy, each hop
/// has to name it again.
fn hops(address: IpAddr, record: &Record, snapshot: &Snapshot) -> u8 {
    let listener = snapshot.declaration.listeners.get(&record.listener);
    let trusting =
        listener.filter(|listener| listener.trusted_peers.iter().any(|net| net.contains(&address)));
    trusting.map_or(0, |listener| listener.trusted_hops)
}

/// The facts that the chain is given, from those that were noted.
fn given(record: &Record, facts: &[TracedFact]) -> Facts {
    let flag = |value: &Value, key: &str| value.get(key).and_then(Value::as_bool);
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_u64);
    let guard = value(facts, "guard").and_then(|guard| {
        Some(Guarded {
            admitted: flag(&guard, "admitted")?,
            failures_left: flag(&guard, "failures_left")?,
            retry_after_secs: 1,
        })
    });
    let country = value(facts, "country").and_then(|country| {
        let code = country.get("country").and_then(Value::as_str);
        Some(match (flag(&country, "available")?, code) {
            (false, _) => Country::Unavailable,
            (true, None) => Country::Unknown,
            (true, Some(code)) => Country::Known(code.to_owned()),
        })
    });
    let principal = value(facts, "principal").and_then(|principal| {
        let principal: Principal = serde_json::from_value(principal).ok()?;
        // who it is by a certificate follows from that fact again
        let credential = principal.credential.as_ref().map(|credential| credential.kind);
        if credential == Some(CredentialKind::Certificate) {
            return None;
        }
        Some(Ok(Arc::new(Authenticated::from_record(principal))))
    });
    let identity = || value(facts, "identity").and_then(|value| refused(&value)).map(Err);
    let body =
        value(facts, "body").map(|body| BodyFact::AsRecorded(refused(&body).map_or(Ok(()), Err)));
    let limits = value(facts, "limits").and_then(|limits| {
        Some(match limits.get("exhausted").and_then(Value::as_str) {
            None => LimitsFact::Taken(Vec::new()),
            Some(limit) => LimitsFact::Exhausted {
                limit: limit.into(),
                concurrent: flag(&limits, "concurrent")?,
                retry_after_secs: number(&limits, "retry_after")?,
            },
        })
    });
    // a record of intent is written before it can say that it was
    let intent_durable = match record.kind {
        RecordKind::Intent => Some(true),
        RecordKind::Outcome => value(facts, "intent").and_then(|intent| flag(&intent, "durable")),
    };
    Facts {
        guard,
        country,
        identity: principal.or_else(identity),
        sender: value(facts, "sender").and_then(|value| serde_json::from_value(value).ok()),
        body,
        limits,
        token: value(facts, "token").map(|token| match refused(&token) {
            Some(_) => TokenFact::Unavailable,
            None => TokenFact::AsRecorded,
        }),
        // they decide nothing
        public_keys: Some(Bytes::new()),
        intent_durable,
        ..Facts::default()
    }
}

fn refused(value: &Value) -> Option<Refused> {
    let reason: Reason = serde_json::from_value(value.get("reason")?.clone()).ok()?;
    Some(Refused::new(reason, value.get("detail")?.as_str()?))
}
