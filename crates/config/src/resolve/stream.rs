//! For how long may streams go on?

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check;
use crate::declaration::{Stream, StreamKind};
use crate::document;
use crate::problems::Problems;

const IDLE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));
const LONGEST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(7 * 86_400));

/// The streams of an API by operation; whether there are such operations, its contract says.
pub(super) fn streams(
    api: &str,
    written: &BTreeMap<String, document::Stream>,
    problems: &mut Problems<'_>,
) -> BTreeMap<String, Stream> {
    let mut streams = BTreeMap::new();
    for (operation, written) in written {
        let at = |key| ["apis", api, "streams", operation.as_str(), key];
        let idle = &written.idle_timeout;
        let stream = Stream {
            kind: match written.kind {
                document::StreamKind::Events => StreamKind::Events,
                document::StreamKind::Grpc => StreamKind::Grpc,
                document::StreamKind::Websocket => StreamKind::Websocket,
            },
            idle_timeout: check::duration(idle, IDLE, &at("idle_timeout"), problems),
            longest: check::duration(&written.longest, LONGEST, &at("longest"), problems),
            span: problems.span(&["apis", api, "streams", operation]),
        };
        streams.insert(operation.clone(), stream);
    }
    streams
}
