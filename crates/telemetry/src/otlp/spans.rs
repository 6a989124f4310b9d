//! Which spans does a crossing have? One of the server, with an event at the end of each stage; and
//! below it one of the call, where the upstream was asked.
//!
//! Times are the record's: its time in milliseconds, and what each stage took in microseconds.

use portcullis_model::record::RecordKind;
use portcullis_model::{Decision, Reason, Record, SpanNote, Stage};

use super::attributes::{Attributes, crossing, method};
use super::messages::{Event, Link, Span, Status};
use super::origin::Origin;

const KIND_SERVER: i32 = 2;
const KIND_CLIENT: i32 = 3;
const STATUS_ERROR: i32 = 2;

/// Flags of a span: sampled; its parent is known to be remote, or known not to be.
const SAMPLED: u32 = 0x001;
const PARENT_LOCAL: u32 = 0x100;
const PARENT_REMOTE: u32 = 0x300;

/// The spans of a record; none where its trace is not kept.
pub(super) fn of(origin: &Origin, record: &Record) -> Vec<Span> {
    let Some(note) = record.span.as_ref().filter(|note| note.sampled) else { return Vec::new() };
    if record.kind != RecordKind::Outcome {
        return Vec::new();
    }
    let times = Times::of(record);
    let mut spans = vec![server(origin, record, note, &times)];
    if let Some((begun, _)) = times.call {
        spans.push(client(origin, record, note, begun, &times));
    }
    spans
}

fn server(origin: &Origin, record: &Record, note: &SpanNote, times: &Times) -> Span {
    let mut attributes = crossing(record);
    let secure = origin.secure.contains(&record.listener);
    attributes.text("url.scheme", if secure { "https" } else { "http" });
    if let Some(error) = error(record) {
        attributes.text("error.type", error);
    }
    let links = note.link.map(|(trace_id, span_id)| Link {
        trace_id: trace_id.bytes().to_vec(),
        span_id: span_id.bytes().to_vec(),
    });
    Span {
        trace_id: note.trace_id.bytes().to_vec(),
        span_id: note.span_id.bytes().to_vec(),
        parent_span_id: note.parent_span_id.map(|id| id.bytes().to_vec()).unwrap_or_default(),
        flags: if note.parent_span_id.is_some() { SAMPLED | PARENT_REMOTE } else { SAMPLED },
        name: name(record),
        kind: KIND_SERVER,
        start: times.start,
        end: times.end,
        attributes: attributes.into_list(),
        events: times.events.clone(),
        links: links.into_iter().collect(),
        status: error(record).map(|_| Status { code: STATUS_ERROR }),
    }
}

fn client(origin: &Origin, record: &Record, note: &SpanNote, begun: u64, times: &Times) -> Span {
    let mut attributes = Attributes::default();
    attributes.text("http.request.method", method(record));
    attributes.maybe("url.template", record.request.template.as_deref());
    if let Some(upstream) = &record.crossing.upstream {
        attributes.text("portcullis.upstream", upstream.as_str());
        if let Some((host, port)) = origin.upstreams.get(upstream) {
            attributes.text("server.address", host);
            attributes.int("server.port", u64::from(*port));
        }
    }
    let status = record.outcome.as_ref().and_then(|outcome| outcome.upstream_status);
    if let Some(status) = status {
        attributes.int("http.response.status_code", u64::from(status));
    }
    // of a call every status from 400 is an error, by the conventions
    let failed = match (record.reason, status) {
        (Some(reason), _) => Some(reason.code().to_owned()),
        (None, Some(status)) if status >= 400 => Some(status.to_string()),
        (None, _) => None,
    };
    attributes.maybe("error.type", failed.as_deref());
    let heard = times.call.map(|(_, heard)| heard).filter(|_| status.is_some());
    let event =
        |time| Event { time, name: "portcullis.upstream.head".to_owned(), attributes: Vec::new() };
    Span {
        trace_id: note.trace_id.bytes().to_vec(),
        span_id: note.call_id.bytes().to_vec(),
        parent_span_id: note.span_id.bytes().to_vec(),
        flags: SAMPLED | PARENT_LOCAL,
        name: name(record),
        kind: KIND_CLIENT,
        start: begun,
        end: times.end,
        attributes: attributes.into_list(),
        events: heard.map(event).into_iter().collect(),
        links: Vec::new(),
        status: failed.map(|_| Status { code: STATUS_ERROR }),
    }
}

/// Method and route; never a path.
fn name(record: &Record) -> String {
    match &record.request.template {
        Some(template) => format!("{} {template}", method(record)),
        None if record.request.method.is_none() => "HTTP".to_owned(),
        None => method(record).to_owned(),
    }
}

/// A refusal is an answer, not an error; an error is what the server could not do, or what broke off.
fn error(record: &Record) -> Option<&'static str> {
    let code = record.reason.map(Reason::code);
    let status = record.outcome.as_ref().map_or(0, |outcome| outcome.status);
    match record.decision {
        Decision::Allow if code.is_some() => code,
        Decision::Allow | Decision::Deny if status >= 500 => Some(code.unwrap_or("upstream")),
        Decision::Allow | Decision::Deny => None,
    }
}

struct Times {
    start: u64,
    end: u64,
    /// When the call began, and when the head of its answer was there.
    call: Option<(u64, u64)>,
    events: Vec<Event>,
}

impl Times {
    fn of(record: &Record) -> Self {
        let nanos = |micros: u64| micros.saturating_mul(1000);
        let start = record.at.as_millis().saturating_mul(1_000_000);
        let whole = record.outcome.as_ref().map_or(0, |outcome| outcome.micros);
        let mut end = start.saturating_add(nanos(whole));
        let (mut at, mut call) = (start, None);
        let mut events: Vec<Event> = Vec::new();
        let mut last = None;
        for note in &record.stages {
            // what a stage said, and then its refusal, took the time once
            let again = last.replace(note.stage) == Some(note.stage);
            let begun = at;
            if !again {
                at = at.saturating_add(nanos(note.micros));
            }
            if note.stage == Stage::Forward && !again {
                call = Some((begun, at));
            }
            let mut attributes = Attributes::default();
            attributes.text("portcullis.stage", note.stage.as_str());
            attributes.int("portcullis.stage.micros", note.micros);
            let attributes = attributes.into_list();
            events.push(Event { time: at, name: "portcullis.stage".to_owned(), attributes });
        }
        end = end.max(at);
        Self { start, end, call, events }
    }
}
