//! Which attributes does a crossing have? The names of the semantic conventions (HTTP, stable) and
//! those of `portcullis.`, in one place for spans and log records.

use portcullis_model::{Decision, Method, Record};

use super::messages::{AnyValue, KeyValue, Value};

/// Attributes in the making.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<KeyValue>);

impl Attributes {
    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.push(key, Value::Text(text.to_owned()));
    }

    pub(super) fn maybe(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(super) fn int(&mut self, key: &str, number: u64) {
        self.push(key, Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
    }

    pub(super) fn into_list(self) -> Vec<KeyValue> {
        self.0
    }

    fn push(&mut self, key: &str, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: key.to_owned(), value });
    }
}

/// The method, by the conventions' word where it is none that is known.
pub(super) fn method(record: &Record) -> &'static str {
    record.request.method.map_or("_OTHER", Method::as_str)
}

/// What every span and log record of a crossing says.
pub(super) fn crossing(record: &Record) -> Attributes {
    let mut all = Attributes::default();
    all.text("http.request.method", method(record));
    all.maybe("http.route", record.request.template.as_deref());
    if let Some(outcome) = &record.outcome {
        all.int("http.response.status_code", u64::from(outcome.status));
    }
    let crossing = &record.crossing;
    // a host that no API has is only a client's word
    if crossing.api.is_some() {
        all.maybe("server.address", record.request.host.as_deref());
    }
    all.text("portcullis.record.id", record.id.as_str());
    all.text("portcullis.listener", record.listener.as_str());
    all.maybe("portcullis.zone.from", crossing.from.as_ref().map(|one| one.as_str()));
    all.maybe("portcullis.zone.to", crossing.to.as_ref().map(|one| one.as_str()));
    all.maybe("portcullis.boundary", crossing.boundary.as_ref().map(|one| one.as_str()));
    all.maybe("portcullis.api", crossing.api.as_ref().map(|one| one.as_str()));
    all.maybe("portcullis.operation", crossing.operation.as_ref().map(|one| one.as_str()));
    let decision = match record.decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
    };
    all.text("portcullis.decision", decision);
    all.text("portcullis.stage", record.stage.as_str());
    all.maybe("portcullis.reason", record.reason.map(|reason| reason.code()));
    all.text("portcullis.revision", &record.revision);
    all
}
