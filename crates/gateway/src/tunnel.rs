//! How does a WebSocket go on after its opening (RFC 6455)? Bytes pass in both directions, framed by
//! the two ends; the boundary ends them when they are silent for too long or when their lifetime is
//! over, and then the crossing is recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use portcullis_core::Refusal;
use portcullis_model::Reason;
use portcullis_model::record::Outcome;
use portcullis_runtime::driver::Open;
use portcullis_telemetry::Metrics;
use portcullis_transport::upstream::tunnel::Tunnel;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use crate::lifetime::Lifetime;

/// Appended to the client's key before it is hashed (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes on their way in one direction.
const BUFFER_BYTES: usize = 16 * 1024;

/// Longest time for either side to take what was sent to it.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// A WebSocket whose opening was answered with 101.
#[derive(Debug)]
pub struct Opened {
    /// The client's connection, once the answer is sent.
    pub client: OnUpgrade,
    /// The upstream's.
    pub upstream: Tunnel,
    /// How long it may go on.
    pub lifetime: Lifetime,
    /// Longest silence.
    pub idle: Duration,
    /// What is recorded at the end.
    pub open: Open,
    /// What came of it so far.
    pub outcome: Outcome,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

impl Opened {
    /// Carries bytes until it is over, and records it.
    pub async fn run(self) {
        let Self { client, upstream, mut lifetime, idle, open, mut outcome, metrics } = self;
        let ended = match client.await {
            Err(_) => Err(Refusal::new(Reason::ClientGone, "the client left at the opening")),
            Ok(client) => {
                let (from_client, to_client) = tokio::io::split(TokioIo::new(client));
                let (from_upstream, to_upstream) = tokio::io::split(upstream);
                let silence = Silence::default();
                let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
                let up = carry(from_client, to_upstream, &silence, &sent);
                let down = carry(from_upstream, to_client, &silence, &received);
                let both = async { tokio::join!(up, down) };
                let ended = tokio::select! {
                    ((), ()) = both => Ok(()),
                    refusal = lifetime.end() => Err(refusal),
                    () = silence.longer_than(idle) => {
                        Err(Refusal::new(Reason::ReplyInterrupted, format!("silent for {idle:?}")))
                    }
                };
                // what had passed counts, however it ended
                outcome.response_bytes = received.into_inner();
                ended
            }
        };
        outcome.micros = u64::try_from(open.elapsed().as_micros()).unwrap_or(u64::MAX);
        metrics.crossed(open.elapsed());
        if let Err(refusal) = &ended {
            metrics.failed(&open.trace().crossing, refusal.reason);
        }
        open.finish(ended.err().as_ref(), outcome).await;
    }
}

/// When something last passed, in either direction.
#[derive(Debug)]
struct Silence {
    begun: Instant,
    last_millis: AtomicU64,
}

impl Default for Silence {
    fn default() -> Self {
        Self { begun: Instant::now(), last_millis: AtomicU64::new(0) }
    }
}

impl Silence {
    fn broken(&self) {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Release);
    }

    async fn longer_than(&self, patience: Duration) {
        loop {
            let last = Duration::from_millis(self.last_millis.load(Ordering::Acquire));
            let left = patience.saturating_sub(self.begun.elapsed().saturating_sub(last));
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }
}

/// Passes bytes on until their sender ends, and counts them.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    silence: &Silence,
    passed: &AtomicU64,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(count) if count > 0 => count,
            Ok(_) | Err(_) => break,
        };
        silence.broken();
        let part = buffer.get(..count).unwrap_or_default();
        let written = timeout(WRITE_DEADLINE, async {
            to.write_all(part).await?;
            to.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            break;
        }
        passed.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    if let Err(error) = to.shutdown().await {
        tracing::debug!(%error, "one side of a WebSocket was gone already");
    }
}

/// Whether the upstream accepted this very opening (RFC 6455 section 4.1), and with nothing that the
/// client did not offer.
#[must_use]
pub fn is_accepted(asked: &HeaderMap, answered: &HeaderMap) -> bool {
    let one = |headers: &HeaderMap, name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok().map(str::to_owned),
            _ => None,
        }
    };
    let Some(key) = one(asked, &SEC_WEBSOCKET_KEY) else { return false };
    let digest =
        digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    let accepts = one(answered, &SEC_WEBSOCKET_ACCEPT) == Some(STANDARD.encode(digest));
    let upgrades =
        one(answered, &UPGRADE).is_some_and(|text| text.eq_ignore_ascii_case("websocket"));
    let offered = |name: &HeaderName| {
        let offers = one(asked, name).unwrap_or_default();
        let offers: Vec<&str> = offers.split(',').map(first).collect();
        let chosen = one(answered, name).unwrap_or_default();
        !answered.contains_key(name)
            || chosen.split(',').map(first).all(|one| offers.contains(&one))
    };
    accepts && upgrades && offered(&SEC_WEBSOCKET_PROTOCOL) && offered(&SEC_WEBSOCKET_EXTENSIONS)
}

/// The name of an offer, without its parameters.
fn first(offer: &str) -> &str {
    offer.split(';').next().unwrap_or_default().trim()
}

/// What the client is told in the answer of 101.
pub fn switch(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

#[cfg(test)]
mod tests {
    use super::is_accepted;
    use http::HeaderMap;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_the_very_opening_is_accepted() {
        // the example of RFC 6455 section 1.3
        let asked = headers(&[
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "chat, superchat"),
        ]);
        let good = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let upgrade = ("upgrade", "WebSocket");
        assert!(is_accepted(&asked, &headers(&[good, upgrade])));
        assert!(is_accepted(
            &asked,
            &headers(&[good, upgrade, ("sec-websocket-protocol", "chat")])
        ));
        for answered in [
            vec![upgrade],
            vec![good],
            vec![good, upgrade, ("sec-websocket-protocol", "other")],
            vec![good, upgrade, ("sec-websocket-extensions", "permessage-deflate")],
            vec![upgrade, ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=")],
            vec![good, upgrade, good],
        ] {
            assert!(!is_accepted(&asked, &headers(&answered)), "{answered:?}");
        }
    }
}
