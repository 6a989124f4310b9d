//! Which operations go on after they were judged?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An operation whose messages go on after it was judged: judged at its opening, ended when the
/// credential ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stream {
    /// What passes.
    pub(crate) kind: StreamKind,
    /// Longest silence in both directions.
    #[serde(default = "default_idle_timeout")]
    pub(crate) idle_timeout: String,
    /// Longest time in all.
    #[serde(default = "default_longest")]
    pub(crate) longest: String,
}

/// What passes in a stream.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StreamKind {
    /// An answer without end, such as server-sent events. The request is inspected as any other.
    Events,
    /// gRPC over HTTP/2: messages in both directions, not inspected, and trailers. The contract
    /// lists the operation without a body.
    Grpc,
    /// WebSocket (RFC 6455) over HTTP/1.1: frames in both directions, not inspected.
    Websocket,
}

fn default_idle_timeout() -> String {
    "1m".to_owned()
}

fn default_longest() -> String {
    "1h".to_owned()
}
