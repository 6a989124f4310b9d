//! What is worth writing down so far?
//!
//! Stages add to the trace what they found, in words and as facts; the record is made from it
//! whatever happens. It is the only thing that stages change, and but for the one view of the
//! message, which `receive` keeps here between its two rounds, nothing is read back to decide.

use std::borrow::Cow;
use std::sync::Arc;

use portcullis_identity::Authenticated;
use portcullis_model::record::{Crossing, RequestSummary};
use portcullis_model::{ListenerId, RecordId, Stage, Timestamp};
use portcullis_reading::message::Message;
use serde::Serialize;

use crate::json;
use crate::span::Span;

/// Notes about one request.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Names the decision.
    pub id: RecordId,
    /// Time of the decision.
    pub at: Timestamp,
    /// Where it arrived.
    pub listener: ListenerId,
    /// The request in recordable form.
    pub request: RequestSummary,
    /// The crossing as far as it was found.
    pub crossing: Crossing,
    /// Where it stands among traces, where there are any.
    pub span: Option<Arc<Span>>,
    /// The one view, once it was read.
    pub message: Option<Arc<Message>>,
    /// The caller, once known.
    pub caller: Option<Arc<Authenticated>>,
    /// The nonce that the caller's next proof is to have, where there is another.
    pub nonce: Option<String>,
    /// Whether the boundary answered it itself.
    pub answered: bool,
    /// What stages said.
    pub said: Vec<(Stage, Cow<'static, str>)>,
    /// Facts used, in order.
    pub facts: Vec<TracedFact>,
}

/// A fact that was used.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedFact {
    /// Its name.
    pub name: &'static str,
    /// When it was true.
    pub as_of: Timestamp,
    /// Its value: JSON, written once, when it is noted.
    pub value: String,
    /// Whether it is to be sealed.
    pub personal: bool,
}

impl Trace {
    /// A fresh trace.
    #[must_use]
    pub fn new(id: RecordId, at: Timestamp, listener: ListenerId) -> Self {
        Self {
            id,
            at,
            listener,
            request: RequestSummary::default(),
            crossing: Crossing::default(),
            span: None,
            message: None,
            caller: None,
            nonce: None,
            answered: false,
            said: Vec::with_capacity(8),
            facts: Vec::with_capacity(8),
        }
    }

    /// Notes what a stage found. No secrets, nothing personal.
    pub fn say(&mut self, stage: Stage, words: impl Into<Cow<'static, str>>) {
        self.said.push((stage, words.into()));
    }

    /// Notes a fact in the clear.
    pub fn fact(&mut self, name: &'static str, value: &impl Serialize) {
        self.note(name, value, false);
    }

    /// Notes a fact that will be sealed.
    pub fn personal_fact(&mut self, name: &'static str, value: &impl Serialize) {
        self.note(name, value, true);
    }

    /// Notes a result as a fact: `{"ok": true}`, or reason and detail.
    pub fn verdict(
        &mut self,
        name: &'static str,
        verdict: Result<(), &portcullis_identity::Refused>,
    ) {
        match verdict {
            Ok(()) => self.fact(name, &Passed { ok: true }),
            Err(refused) => {
                self.fact(name, &NotPassed { detail: &refused.detail, reason: refused.reason });
            }
        }
    }

    fn note(&mut self, name: &'static str, value: &impl Serialize, personal: bool) {
        let value = json::text(value);
        self.facts.push(TracedFact { name, as_of: self.at, value, personal });
    }

    /// Takes the notes out for a record that ends them; the names stay.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let empty = Self {
            id: self.id.clone(),
            at: self.at,
            listener: self.listener.clone(),
            request: RequestSummary::default(),
            crossing: Crossing::default(),
            span: None,
            message: None,
            caller: None,
            nonce: None,
            answered: false,
            said: Vec::new(),
            facts: Vec::new(),
        };
        std::mem::replace(self, empty)
    }
}

#[derive(Serialize)]
struct Passed {
    ok: bool,
}

#[derive(Serialize)]
struct NotPassed<'a> {
    detail: &'a str,
    reason: portcullis_model::Reason,
}
