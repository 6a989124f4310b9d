//! Which trace, and which span of it? The ids of W3C Trace Context (level 1, section 3.2.2), which
//! records, spans and the header `traceparent` share.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $bytes:literal bytes;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The id of these bytes; all zeros are no id.
            #[must_use]
            pub fn new(bytes: [u8; $bytes]) -> Option<Self> {
                (bytes != [0; $bytes]).then_some(Self(bytes))
            }

            /// Reads lower-case hexadecimal digits, exactly as many as the id has.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.as_bytes();
                if digits.len() != $bytes * 2 {
                    return None;
                }
                let mut bytes = [0; $bytes];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    let [high, low] = pair else { return None };
                    *byte = nibble(*high)? << 4 | nibble(*low)?;
                }
                Self::new(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "\"{self}\"")
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or(concat!("not the hexadecimal digits of a ", stringify!($name)))
            }
        }
    )*};
}

ids! {
    /// Names a trace: everything that one cause led to, in all services.
    TraceId: 16 bytes;
    /// Names one piece of work within a trace.
    SpanId: 8 bytes;
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Where a decision stands among the spans of its trace, as records have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanNote {
    /// The trace.
    pub trace_id: TraceId,
    /// The span of the crossing; the caller's, where this process makes no spans.
    pub span_id: SpanId,
    /// The span of the call to the upstream, as the upstream was told.
    pub call_id: SpanId,
    /// The caller's span, where the boundary continues its trace.
    pub parent_span_id: Option<SpanId>,
    /// The trace and span that the caller claimed, where the boundary does not continue it.
    pub link: Option<(TraceId, SpanId)>,
    /// Whether the spans are kept.
    pub sampled: bool,
}

#[cfg(test)]
mod tests {
    use super::{SpanId, TraceId};

    #[test]
    fn only_lower_case_digits_that_are_not_all_zero_are_an_id() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(TraceId::parse(text).unwrap().to_string(), text);
        assert_eq!(SpanId::parse("00000000000000a1").unwrap().bytes()[7], 0xa1);
        for wrong in [
            "",
            "0AF7651916CD43DD8448EB211C80319C",
            "0af7651916cd43dd8448eb211c80319",
            "0af7651916cd43dd8448eb211c80319g",
            "00000000000000000000000000000000",
            "0af7651916cd43dd8448eb211c80319c0",
        ] {
            assert_eq!(TraceId::parse(wrong), None, "{wrong}");
        }
        assert!(serde_json::from_str::<SpanId>("\"00000000000000A1\"").is_err());
    }
}
