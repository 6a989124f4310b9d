//! How long may a stream go on? As long as the credential that opened it is good, the boundary
//! accepts it, and the declared time has not passed. Looked at every second (attack case E21's kin:
//! nothing outlives what it was permitted by).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use portcullis_core::Refusal;
use portcullis_core::receive::ServerName;
use portcullis_identity::Authenticated;
use portcullis_identity::certificate::Shown;
use portcullis_model::{BoundaryId, CredentialKind, ListenerId, Reason, Timestamp};
use portcullis_runtime::clock;
use portcullis_transport::tls::Peer;
use tokio::time::{Sleep, sleep};

use crate::door::{Door, Live};

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a stream lives by.
#[derive(Debug)]
pub struct Lifetime {
    door: Arc<Door>,
    channel: Channel,
    caller: Arc<Authenticated>,
    boundary: BoundaryId,
    begun: Instant,
    longest: Duration,
    timer: Pin<Box<Sleep>>,
}

/// The connection that a stream is carried by.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Where it arrived.
    pub listener: ListenerId,
    /// The client's certificate, where it showed one.
    pub certificate: Option<Arc<Peer>>,
    /// The server that it was opened for, where the client named one.
    pub server_name: Option<Arc<ServerName>>,
}

impl Channel {
    /// What the client's certificate comes to under the trust of this moment.
    #[must_use]
    pub fn shown(&self, live: &Live, now: Timestamp) -> Option<Shown> {
        let trust = live.tls.get(&self.listener).and_then(|server| server.trust());
        self.certificate.as_ref().map(|peer| peer.shown(trust, now))
    }
}

impl Lifetime {
    /// A stream that this caller opened across this boundary.
    #[must_use]
    pub fn new(
        door: Arc<Door>,
        channel: Channel,
        caller: Arc<Authenticated>,
        boundary: BoundaryId,
        longest: Duration,
    ) -> Self {
        let timer = Box::pin(sleep(LOOK_EVERY));
        Self { door, channel, caller, boundary, begun: Instant::now(), longest, timer }
    }

    /// Ready with the reason when the stream must end.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Refusal> {
        while self.timer.as_mut().poll(cx).is_ready() {
            if let Some(refusal) = self.over() {
                return Poll::Ready(refusal);
            }
            self.timer = Box::pin(sleep(LOOK_EVERY));
        }
        Poll::Pending
    }

    /// Waits until the stream must end.
    pub async fn end(&mut self) -> Refusal {
        std::future::poll_fn(|cx| self.poll_end(cx)).await
    }

    fn over(&self) -> Option<Refusal> {
        if self.begun.elapsed() >= self.longest {
            let detail = format!("longer than {:?}", self.longest);
            return Some(Refusal::new(Reason::StreamTooLong, detail));
        }
        let ended = |detail: &str| Some(Refusal::new(Reason::CredentialEnded, detail));
        let live = self.door.live();
        let now = clock::now();
        let snapshot = live.snapshot();
        let Some(boundary) = snapshot.declaration.boundaries.get(&self.boundary) else {
            return ended("the boundary is not declared any more");
        };
        let principal = self.caller.principal();
        let Some(provider) = &principal.provider else {
            return match boundary.identity.anonymous {
                true => None,
                false => ended("the boundary accepts nobody without credential any more"),
            };
        };
        if !boundary.identity.providers.contains(provider) {
            return ended("the boundary does not accept the provider any more");
        }
        let skew = snapshot.clock_skew(provider);
        if self.caller.check_time(skew, now).is_err() {
            return ended("the credential has expired");
        }
        // the channel is not what it was, whatever was shown over it
        if self.channel.certificate.is_some()
            && !matches!(self.channel.shown(&live, now), Some(Ok(_)))
        {
            return ended("the certificate is not good any more");
        }
        match principal.credential.as_ref().map(|credential| credential.kind) {
            Some(CredentialKind::ApiKey) => {
                let found = live.driver.stores().api_key(provider, &principal.subject);
                let stored = found.and_then(|fact| fact.stored);
                let good = stored.is_some_and(|key| {
                    key.revoked.is_none() && key.expires.is_none_or(|expires| now < expires)
                });
                if good { None } else { ended("the key was revoked or removed") }
            }
            Some(CredentialKind::Certificate) => match self.channel.shown(&live, now) {
                Some(Ok(_)) => None,
                Some(Err(_)) | None => ended("the certificate is not good any more"),
            },
            Some(CredentialKind::Signature) => {
                let rules = snapshot.signatures.get(provider);
                let keyid = principal.credential.as_ref().map(|credential| &credential.handle);
                let known = rules.zip(keyid).is_some_and(|(rules, keyid)| {
                    rules.keys.get(keyid).is_some_and(|key| key.holder.subject == principal.subject)
                });
                if known { None } else { ended("the key is not declared any more") }
            }
            Some(CredentialKind::Jwt | CredentialKind::OpaqueToken | CredentialKind::Webhook)
            | None => None,
        }
    }
}
