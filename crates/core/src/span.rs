//! Of which trace is this request a part? Its own, begun here with a link to what the caller claims;
//! or the caller's, where the boundary says that its traces are continued.
//!
//! Ids follow from the record's id by SHA-256, so that deciding needs no randomness, a replay gives
//! the same, and whoever has a decision's id can find its trace. The hash makes their bits uniform,
//! as samplers behind the boundary need them to be (W3C Trace Context level 2, random flag).

use http::{HeaderMap, HeaderValue};
use portcullis_config::declaration::{Otlp, Signal, Tracing};
use portcullis_model::{RecordId, SpanId, SpanNote, TraceId};
use portcullis_reading::baggage::{BAGGAGE, listed};
use portcullis_reading::message::Message;
use portcullis_reading::trace_context::{
    TRACEPARENT, TRACESTATE, TraceContext, TraceFlags, TraceParent,
};

/// Where a crossing stands in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// As it is recorded.
    pub note: SpanNote,
    flags: TraceFlags,
    state: Option<String>,
}

/// What a process keeps of traces.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    one_in: u32,
}

impl Sampling {
    /// What is declared; `None` where no spans are made.
    #[must_use]
    pub fn declared(otlp: Option<&Otlp>) -> Option<Self> {
        let otlp = otlp.filter(|otlp| otlp.signals.contains(&Signal::Traces))?;
        Some(Self { one_in: otlp.sample_one_in.max(1) })
    }

    /// Decides by the low 56 bits of the trace id, as OpenTelemetry's consistent samplers do.
    fn keeps(self, trace_id: TraceId) -> bool {
        let [.., a, b, c, d, e, f, g] = *trace_id.bytes();
        let random = u64::from_be_bytes([0, a, b, c, d, e, f, g]);
        let rejected = (1_u64 << 56).saturating_sub((1_u64 << 56) / u64::from(self.one_in));
        random >= rejected
    }
}

impl Span {
    /// The span of a request. `None` where spans are not made and no trace is continued.
    #[must_use]
    pub fn of(
        id: &RecordId,
        claimed: Option<&TraceContext>,
        rule: Option<&Tracing>,
        sampling: Option<Sampling>,
    ) -> Option<Self> {
        let continued = claimed.filter(|_| rule.is_some_and(|rule| rule.continues));
        let Some(sampling) = sampling else { return continued.map(Self::passing) };
        let ids = Ids::of(id)?;
        Some(match continued {
            Some(context) => Self::continuing(context, &ids),
            None => Self::begun(claimed, &ids, sampling),
        })
    }

    /// Where no spans are made, a continued trace goes through as it came.
    fn passing(context: &TraceContext) -> Self {
        let TraceParent { trace_id, span_id, flags } = context.parent;
        let note = SpanNote {
            trace_id,
            span_id,
            call_id: span_id,
            parent_span_id: None,
            link: None,
            sampled: flags.sampled,
        };
        Self { note, flags, state: context.state.clone() }
    }

    fn continuing(context: &TraceContext, ids: &Ids) -> Self {
        let TraceParent { trace_id, span_id, flags } = context.parent;
        let note = SpanNote {
            trace_id,
            span_id: ids.span,
            call_id: ids.call,
            parent_span_id: Some(span_id),
            link: None,
            sampled: flags.sampled,
        };
        Self { note, flags, state: context.state.clone() }
    }

    fn begun(claimed: Option<&TraceContext>, ids: &Ids, sampling: Sampling) -> Self {
        let sampled = sampling.keeps(ids.trace);
        let note = SpanNote {
            trace_id: ids.trace,
            span_id: ids.span,
            call_id: ids.call,
            parent_span_id: None,
            link: claimed.map(|context| (context.parent.trace_id, context.parent.span_id)),
            sampled,
        };
        Self { note, flags: TraceFlags { sampled, random: true }, state: None }
    }

    /// Tells the upstream.
    pub(crate) fn tell(&self, message: &Message, rule: &Tracing, headers: &mut HeaderMap) {
        let SpanNote { trace_id, call_id, .. } = self.note;
        let parent = TraceParent { trace_id, span_id: call_id, flags: self.flags }.to_string();
        let baggage = || listed(&message.baggage, &rule.baggage);
        let baggage = if rule.continues { baggage() } else { None };
        for (name, text) in
            [(TRACEPARENT, Some(parent)), (TRACESTATE, self.state.clone()), (BAGGAGE, baggage)]
        {
            if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

struct Ids {
    trace: TraceId,
    span: SpanId,
    call: SpanId,
}

impl Ids {
    /// `None` only where a hash is all zeros.
    fn of(id: &RecordId) -> Option<Self> {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.as_str().as_bytes());
        let (trace, rest) = hash.as_ref().split_first_chunk::<16>()?;
        let (span, rest) = rest.split_first_chunk::<8>()?;
        let (call, _) = rest.split_first_chunk::<8>()?;
        Some(Self {
            trace: TraceId::new(*trace)?,
            span: SpanId::new(*span)?,
            call: SpanId::new(*call)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Sampling, Span};
    use portcullis_config::declaration::Tracing;
    use portcullis_model::RecordId;
    use portcullis_reading::trace_context::{TraceContext, TraceParent};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn claimed() -> TraceContext {
        let parent = TraceParent::parse(PARENT.as_bytes()).unwrap();
        TraceContext { parent, state: Some("a=1".to_owned()) }
    }

    fn rule(continues: bool) -> Tracing {
        Tracing { continues, baggage: Vec::new() }
    }

    #[test]
    fn a_claim_that_is_not_believed_is_a_link_and_nothing_more() {
        let (id, claimed) = (RecordId::new("r1"), claimed());
        let all = Some(Sampling { one_in: 1 });
        let span = Span::of(&id, Some(&claimed), Some(&rule(false)), all).unwrap();
        assert_ne!(span.note.trace_id, claimed.parent.trace_id);
        assert_eq!(span.note.link, Some((claimed.parent.trace_id, claimed.parent.span_id)));
        assert_eq!((span.note.parent_span_id, span.state), (None, None));
        let unknown = Span::of(&id, Some(&claimed), None, all).unwrap();
        assert_eq!(unknown.note, span.note, "where no boundary was found, none believes");
    }

    #[test]
    fn a_trace_that_is_continued_keeps_its_id_and_its_decision() {
        let (id, claimed) = (RecordId::new("r1"), claimed());
        let few = Some(Sampling { one_in: 1_000_000 });
        let span = Span::of(&id, Some(&claimed), Some(&rule(true)), few).unwrap();
        assert_eq!(span.note.trace_id, claimed.parent.trace_id);
        assert_eq!(span.note.parent_span_id, Some(claimed.parent.span_id));
        assert!(span.note.sampled && span.note.span_id != span.note.call_id);
        let passing = Span::of(&id, Some(&claimed), Some(&rule(true)), None).unwrap();
        assert_eq!(passing.note.call_id, claimed.parent.span_id);
        assert_eq!(Span::of(&id, Some(&claimed), Some(&rule(false)), None), None);
    }

    #[test]
    fn as_many_are_kept_as_is_declared() {
        let sampling = Some(Sampling { one_in: 10 });
        let kept = (0..20_000).filter(|number| {
            let id = RecordId::new(&format!("0199aa{number:026x}"));
            Span::of(&id, None, None, sampling).unwrap().note.sampled
        });
        let kept = kept.count();
        assert!((1_800..2_200).contains(&kept), "{kept} of 20,000");
    }
}
