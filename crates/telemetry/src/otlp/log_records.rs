//! What does a log say of a decision? One log record with the event name `portcullis.decision`: what
//! was decided where and why. Decisions are not sampled, so neither are these.

use portcullis_model::record::RecordKind;
use portcullis_model::{Decision, Record};

use super::attributes::crossing;
use super::messages::{AnyValue, LogRecord, Value};

/// Names the kind of event.
const EVENT: &str = "portcullis.decision";

const SEVERITY_INFO: i32 = 9;
const SEVERITY_WARN: i32 = 13;

/// The log record of a decision; `None` for an intent, whose outcome follows.
pub(super) fn of(record: &Record) -> Option<LogRecord> {
    if record.kind != RecordKind::Outcome {
        return None;
    }
    let mut attributes = crossing(record);
    attributes.maybe("portcullis.detail", record.detail.as_deref());
    attributes.maybe("portcullis.principal.kind", record.caller.kind.as_deref());
    let (severity, word, what) = match record.decision {
        Decision::Allow => (SEVERITY_INFO, "INFO", "let through".to_owned()),
        Decision::Deny => {
            let reason = record.reason.map_or("without a reason", |reason| reason.code());
            (SEVERITY_WARN, "WARN", format!("refused: {reason}"))
        }
    };
    let micros = record.outcome.as_ref().map_or(0, |outcome| outcome.micros);
    let begun = record.at.as_millis().saturating_mul(1_000_000);
    let time = begun.saturating_add(micros.saturating_mul(1000));
    let span = record.span.as_ref();
    Some(LogRecord {
        time,
        observed: time,
        severity,
        severity_text: word.to_owned(),
        body: Some(AnyValue { value: Some(Value::Text(what)) }),
        attributes: attributes.into_list(),
        flags: span.map_or(0, |span| u32::from(span.sampled)),
        trace_id: span.map(|span| span.trace_id.bytes().to_vec()).unwrap_or_default(),
        span_id: span.map(|span| span.span_id.bytes().to_vec()).unwrap_or_default(),
        event_name: EVENT.to_owned(),
    })
}
