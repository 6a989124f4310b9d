//! Which operations go on after they were judged?

use std::time::Duration;

use portcullis_diagnostics::Span;

/// An operation whose messages go on after it was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// What passes.
    pub kind: StreamKind,
    /// Longest silence in both directions.
    pub idle_timeout: Duration,
    /// Longest time in all.
    pub longest: Duration,
    /// Where it was declared.
    pub span: Span,
}

/// What passes in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// An answer without end.
    Events,
    /// gRPC: messages in both directions, not inspected, and trailers.
    Grpc,
    /// WebSocket: frames in both directions, not inspected.
    Websocket,
}

impl StreamKind {
    /// In one word, as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Grpc => "grpc",
            Self::Websocket => "websocket",
        }
    }
}
