//! What do the readers of trace context promise? That what they read says the same when it is
//! written, within the standard's bounds.

use http::{HeaderMap, HeaderValue};
use portcullis_reading::baggage::{self, BAGGAGE};
use portcullis_reading::trace_context::{
    STATE_BYTES_MAX, STATE_MEMBERS_MAX, TRACEPARENT, TRACESTATE, TraceContext,
};

/// The first line is `traceparent`, the others are `tracestate` and `baggage` by turns.
pub fn trace_context(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        let name = match number {
            0 => TRACEPARENT,
            odd if odd % 2 == 1 => TRACESTATE,
            _ => BAGGAGE,
        };
        headers.append(name, value);
    }
    if let Some(context) = TraceContext::read(&headers) {
        let mut again = HeaderMap::new();
        again.insert(TRACEPARENT, HeaderValue::try_from(context.parent.to_string()).unwrap());
        if let Some(state) = &context.state {
            assert!(state.len() <= STATE_BYTES_MAX);
            assert!(state.split(',').count() <= STATE_MEMBERS_MAX);
            again.insert(TRACESTATE, HeaderValue::from_str(state).unwrap());
        }
        assert_eq!(TraceContext::read(&again), Some(context), "written anew, it says the same");
    }
    let Some(members) = baggage::members(&headers) else { return };
    let keys: Vec<String> = members.iter().map(|(key, _)| (*key).to_owned()).collect();
    let Some(all) = baggage::listed(&headers, &keys) else { return };
    let mut again = HeaderMap::new();
    again.insert(BAGGAGE, HeaderValue::try_from(all).unwrap());
    assert_eq!(baggage::members(&again), Some(members), "written anew, it says the same");
    assert_eq!(baggage::listed(&headers, &[]), None, "nothing goes on unless it is listed");
}
