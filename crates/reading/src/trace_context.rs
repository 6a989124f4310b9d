//! To which trace does the caller say that its request belongs? `traceparent` and `tracestate`, read
//! strictly (W3C Trace Context level 1, section 3).
//!
//! What is malformed is no trace context: the standard has a receiver go on as if there were none,
//! and nothing is refused for it. Whether a well-formed one is believed is not decided here.

use std::fmt;

use http::{HeaderMap, HeaderName};
use portcullis_model::{SpanId, TraceId};

/// Where the trace is named.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Where vendors keep what they need to know about it.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Most members of `tracestate` (section 3.3.1.1).
pub const STATE_MEMBERS_MAX: usize = 32;
/// Longest `tracestate` that is carried on, in bytes (section 3.3.1.5: at least this much).
pub const STATE_BYTES_MAX: usize = 512;

/// The flag that the caller may have kept its span.
const SAMPLED: u8 = 0x01;
/// The flag that the trace id is random (level 2, section 3.2.2.5.2); it goes on with the id.
const RANDOM: u8 = 0x02;

/// What `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace_id: TraceId,
    /// The caller's span.
    pub span_id: SpanId,
    /// Flags, those that are defined.
    pub flags: TraceFlags,
}

/// Flags of a trace context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceFlags {
    /// Whether the caller may have kept its span.
    pub sampled: bool,
    /// Whether the trace id is random.
    pub random: bool,
}

impl TraceParent {
    /// Reads a value. A version that is not known yet is read as this one, if it begins like it
    /// (section 4).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let (version, rest) = text.split_once('-')?;
        let (trace_id, rest) = rest.split_once('-')?;
        let (span_id, rest) = rest.split_once('-')?;
        let (flags, further) = match rest.split_once('-') {
            None => (rest, false),
            Some((flags, _)) => (flags, true),
        };
        let version = byte(version)?;
        if version == 0xff || (version == 0 && further) {
            return None;
        }
        let flags = byte(flags)?;
        Some(Self {
            trace_id: TraceId::parse(trace_id)?,
            span_id: SpanId::parse(span_id)?,
            flags: TraceFlags { sampled: flags & SAMPLED != 0, random: flags & RANDOM != 0 },
        })
    }
}

/// As version 00.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sampled = if self.flags.sampled { SAMPLED } else { 0 };
        let random = if self.flags.random { RANDOM } else { 0 };
        write!(f, "00-{}-{}-{:02x}", self.trace_id, self.span_id, sampled | random)
    }
}

/// What the caller says about its trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace and the caller's span.
    pub parent: TraceParent,
    /// `tracestate`, if it can be carried on: its members in order, separated by commas.
    pub state: Option<String>,
}

impl TraceContext {
    /// Reads the headers. `None` where there is no `traceparent`, a malformed one, or more than one.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let parent = TraceParent::parse(values.next()?.as_bytes())?;
        match values.next() {
            Some(_) => None,
            None => Some(Self { parent, state: state(headers) }),
        }
    }
}

/// The members of all `tracestate` headers; without a malformed one, one key twice, or too many.
fn state(headers: &HeaderMap) -> Option<String> {
    let mut members: Vec<&str> = Vec::new();
    let mut bytes = 0_usize;
    for value in headers.get_all(TRACESTATE) {
        for member in value.to_str().ok()?.split(',') {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, text) = member.split_once('=')?;
            let known = |other: &&str| other.split_once('=').is_some_and(|(other, _)| other == key);
            if !is_key(key) || !is_value(text) || members.iter().any(known) {
                return None;
            }
            bytes = bytes.saturating_add(member.len()).saturating_add(1);
            members.push(member);
            if members.len() > STATE_MEMBERS_MAX || bytes > STATE_BYTES_MAX.saturating_add(1) {
                return None;
            }
        }
    }
    (!members.is_empty()).then(|| members.join(","))
}

/// Section 3.3.1.3.1: `simple-key` or `tenant@system`.
fn is_key(key: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/".contains(&b);
    let part = |text: &str, length: usize, digit_first: bool| {
        (1..=length).contains(&text.len())
            && text.bytes().all(rest)
            && text.starts_with(|c: char| {
                c.is_ascii_lowercase() || (digit_first && c.is_ascii_digit())
            })
    };
    match key.split_once('@') {
        None => part(key, 256, false),
        Some((tenant, system)) => part(tenant, 241, true) && part(system, 14, false),
    }
}

/// Section 3.3.1.3.2: up to 256 visible characters and inner spaces, without `,` and `=`.
fn is_value(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b',' && b != b'=')
        && !text.ends_with(' ')
}

/// Two lower-case hexadecimal digits.
fn byte(text: &str) -> Option<u8> {
    let ok =
        text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    ok.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{STATE_BYTES_MAX, TRACEPARENT, TRACESTATE, TraceContext, TraceParent};
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    /// The example of section 3.2.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(parents: &[&str], states: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in parents {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).unwrap());
        }
        for value in states {
            headers.append(TRACESTATE, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        let parent = TraceParent::parse(EXAMPLE.as_bytes()).unwrap();
        assert!(parent.flags.sampled && !parent.flags.random);
        assert_eq!(parent.to_string(), EXAMPLE);
        let later =
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings";
        assert_eq!(TraceParent::parse(later.as_bytes()).unwrap(), parent);
        let states = ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", " , fw529a3039@dt=FfAAAA"];
        let read = TraceContext::read(&headers(&[EXAMPLE], &states)).unwrap();
        assert_eq!(
            read.state.unwrap(),
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,fw529a3039@dt=FfAAAA"
        );
    }

    #[test]
    fn what_is_malformed_is_no_context() {
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        ] {
            assert_eq!(TraceParent::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(TraceContext::read(&headers(&[EXAMPLE, EXAMPLE], &[])), None, "twice");
        assert_eq!(TraceContext::read(&headers(&[], &["a=1"])), None, "a state of nothing");
    }

    #[test]
    fn a_malformed_state_is_left_out_and_the_parent_stays() {
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=1")).collect();
        let (many, long) = (many.join(","), format!("a={}", "x".repeat(257)));
        let three = [
            format!("a={}", "x".repeat(250)),
            format!("b={}", "x".repeat(250)),
            "c=12345678".to_owned(),
        ];
        for wrong in [
            "a",
            "=1",
            "A=1",
            "a=",
            "a=1,a=2",
            "a=1=2",
            "a@b@c=1",
            "1a=1",
            &many,
            &long,
            &three.join(","),
        ] {
            let read = TraceContext::read(&headers(&[EXAMPLE], &[wrong])).unwrap();
            assert_eq!(read.state, None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_says_the_same_when_it_is_written(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(parent) = TraceParent::parse(&bytes) {
                prop_assert_eq!(TraceParent::parse(parent.to_string().as_bytes()), Some(parent));
            }
        }

        #[test]
        fn every_well_formed_parent_is_read(trace in 1_u128.., span in 1_u64.., flags in 0_u8..4) {
            let text = format!("00-{trace:032x}-{span:016x}-{flags:02x}");
            prop_assert_eq!(TraceParent::parse(text.as_bytes()).unwrap().to_string(), text);
        }

        #[test]
        fn states_stay_within_their_bound(state in "[a-c]{1,3}=[ -~]{0,40}(,[a-z@]{1,5}=[!-~]{1,200}){0,6}") {
            let once = TraceContext::read(&headers(&[EXAMPLE], &[&state])).unwrap();
            if let Some(state) = &once.state {
                prop_assert!(state.len() <= STATE_BYTES_MAX);
                prop_assert_eq!(&TraceContext::read(&headers(&[EXAMPLE], &[state])).unwrap(), &once);
            }
        }
    }
}
