//! How does one request find its way? Room is made for it, an endpoint chosen, a connection taken or
//! made; what fails may be tried again within the rules of [`super::retry`].
//!
//! One pool per worker and upstream. A connection is used again only when its last answer was
//! read whole. A kept connection that turns out to be closed is no fault of its endpoint: the
//! request goes to the same endpoint over a fresh one, if it may be sent again.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{timeout, timeout_at};

use super::balance::mixed;
use super::body::{Lease, Limits, UpstreamBody};
use super::circuit::Bound;
use super::connect::{Wire, connect};
use super::endpoint::{Endpoint, Load};
use super::failure::{Failed, Failure, Fate};
use super::idle::Idle;
use super::line::{Line, Patience};
use super::multiplexed::Multiplexed;
use super::outbound::Outbound;
use super::retry;
use super::shared::Upstream;
use super::tls::Protocol;
use super::tries::Tries;

/// An odd number near 2^64 divided by the golden ratio: steps of it reach every value.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a request asks for besides an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// What it is balanced by, see [`super::balance::key`].
    pub key: Option<u64>,
    /// Whether 101 is an answer to it; over HTTP/1.1 only.
    pub upgrade: bool,
    /// Longest silence within the answer, where it is another than the upstream's; then there is no
    /// longest time of all either.
    pub idle: Option<Duration>,
}

/// The connections of one worker to one upstream.
#[derive(Debug)]
pub struct Pool {
    upstream: Arc<Upstream>,
    idle: Arc<Idle>,
    shared: Multiplexed,
    slots: Arc<Semaphore>,
    random: AtomicU64,
}

/// A try that was answered.
struct Answered {
    line: Option<Line>,
    load: Load,
    response: Response<Incoming>,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(upstream: Arc<Upstream>) -> Arc<Self> {
        let most = upstream.target().connections_max;
        Arc::new(Self {
            idle: Arc::new(Idle::new(most)),
            shared: Multiplexed::default(),
            slots: Arc::new(Semaphore::new(most)),
            random: AtomicU64::new(RandomState::new().hash_one(most)),
            upstream,
        })
    }

    /// Whose connections these are.
    #[must_use]
    pub const fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Sends a request whose target is in origin form, and waits for the head of its answer.
    ///
    /// # Errors
    /// Says why there is no answer that could be passed on.
    pub async fn send(
        &self,
        request: Request<Outbound>,
        ask: Ask,
    ) -> Result<Response<UpstreamBody>, Failure> {
        let timeouts = &self.upstream.target().timeouts;
        let overall = timeouts
            .overall
            .filter(|_| ask.idle.is_none())
            .map(|length| (Instant::now() + length, length));
        let ticket = self.upstream.enter(Bound::Requests)?;
        self.upstream.budget.fill();
        let slot = self.slot().await?;
        let deadline = Instant::now() + timeouts.response;
        let Answered { line, load, response } = self.tries(request, ask, deadline).await?;
        if let Err(failure) = check(&response, ask) {
            self.upstream.fared(load.endpoint(), false);
            return Err(failure);
        }
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let unsettled = self.unsettled(&response, ask, load.endpoint());
        let (parts, incoming) = response.into_parts();
        let idle = Arc::clone(&self.idle);
        let lease = Lease { line, idle, load, unsettled, _slot: slot, _ticket: ticket };
        let trailers = Arc::clone(&self.upstream.trailers);
        let limits = Limits { idle: ask.idle.unwrap_or(timeouts.idle), overall, trailers };
        let body = UpstreamBody::new(incoming, lease, limits, switched);
        Ok(Response::from_parts(parts, body))
    }

    /// Whom the body tells how the endpoint fared. A stream has fared well when it is open: how it
    /// ends says little of whoever it came from.
    fn unsettled<B>(
        &self,
        response: &Response<B>,
        ask: Ask,
        endpoint: &Endpoint,
    ) -> Option<Arc<Upstream>> {
        if is_gateway_error(response.status()) {
            return None;
        }
        if ask.upgrade || ask.idle.is_some() {
            self.upstream.fared(endpoint, true);
            return None;
        }
        Some(Arc::clone(&self.upstream))
    }

    /// A place among this worker's requests; whoever must wait for one is counted.
    async fn slot(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(slot);
        }
        let _pending = self.upstream.enter(Bound::Pending)?;
        let patience = self.upstream.target().timeouts.connect;
        timeout(patience, Arc::clone(&self.slots).acquire_owned())
            .await
            .map_err(|_| unreachable_by("every connection is in use"))?
            .map_err(|error| unreachable_by(&error.to_string()))
    }

    async fn tries(
        &self,
        mut request: Request<Outbound>,
        ask: Ask,
        deadline: Instant,
    ) -> Result<Answered, Failure> {
        let rule = &self.upstream.target().retries;
        let mut tries = Tries::new(rule.attempts_max);
        loop {
            let (endpoint, fresh) = match tries.same.take() {
                Some(endpoint) => (endpoint, true),
                None => {
                    let random = self.random.fetch_add(GOLDEN, Ordering::Relaxed);
                    (self.upstream.choose(ask.key, &tries.tried, mixed(random)).await?, false)
                }
            };
            let again = tries.may_copy().then(|| retry::copy(&request)).flatten();
            let patience = self.patience(deadline);
            let asked = (ask, patience);
            request = match self.attempt(&endpoint, request, asked, fresh).await {
                Ok(answered) => {
                    let status = answered.response.status();
                    if is_gateway_error(status) {
                        self.upstream.fared(&endpoint, false);
                    }
                    match again.filter(|_| rule.statuses.contains(&status)) {
                        Some(again) if tries.take(&self.upstream) => again,
                        Some(_) | None => return Ok(answered),
                    }
                }
                Err(failed) => {
                    let (kept, unsent) = (failed.kept, failed.is_unsent());
                    if !kept {
                        self.upstream.fared(&endpoint, false);
                    }
                    let (next, failure) = retry::after(failed, again)?;
                    // who cannot be connected to is not asked at once again
                    let useful =
                        kept || !unsent || self.upstream.has_other(&endpoint, &tries.tried);
                    let useful = useful && Instant::now() < deadline;
                    if !useful || !tries.take(&self.upstream) {
                        return Err(failure);
                    }
                    tries.same = kept.then(|| Arc::clone(&endpoint));
                    next
                }
            };
            tracing::debug!(endpoint = %endpoint.address, "a request is sent again");
            tries.tried.push(endpoint.id);
        }
    }

    /// How long the next try may take: its own time, and never longer than what is left for all.
    fn patience(&self, deadline: Instant) -> Patience {
        let timeouts = &self.upstream.target().timeouts;
        let own = timeouts.each_try.map(|length| (Instant::now() + length, length));
        own.filter(|(until, _)| *until < deadline).unwrap_or((deadline, timeouts.response))
    }

    /// One try: over a connection that waits, or else over a fresh one.
    async fn attempt(
        &self,
        endpoint: &Arc<Endpoint>,
        mut request: Request<Outbound>,
        (ask, patience): (Ask, Patience),
        fresh: bool,
    ) -> Result<Answered, Failed> {
        let load = endpoint.load();
        while !fresh && let Some(mut line) = self.idle.take(endpoint.id) {
            if !timeout_at(patience.0.into(), line.stands()).await.unwrap_or(false) {
                continue;
            }
            match line.send(request, ask.upgrade, patience).await {
                Ok(response) => return Ok(Answered { line: Some(line), load, response }),
                Err(Failed { fate: Fate::Unsent(unsent), .. }) => request = *unsent,
                Err(failed) => {
                    let kept = matches!(failed.failure, Failure::Unreachable(_));
                    return Err(Failed { kept, ..failed });
                }
            }
        }
        let wire = match self.wire(endpoint, patience).await {
            Ok(wire) => wire,
            Err(failure) => return Err(Failed::unsent(failure, request)),
        };
        match wire {
            Wire::One(mut line) => {
                let response = line.send(request, ask.upgrade, patience).await?;
                Ok(Answered { line: Some(line), load, response })
            }
            Wire::Many(_) if ask.upgrade => {
                let why = unreachable_by("over HTTP/2 no connection becomes another");
                Err(Failed::unsent(why, request))
            }
            Wire::Many(mut many) => match many.send(request, patience).await {
                Ok(response) => Ok(Answered { line: None, load, response }),
                Err(failed) => {
                    if failed.kept {
                        self.shared.forget(endpoint.id);
                    }
                    Err(failed)
                }
            },
        }
    }

    /// The shared connection to an endpoint, or a fresh one.
    async fn wire(&self, endpoint: &Arc<Endpoint>, patience: Patience) -> Result<Wire, Failure> {
        let target = self.upstream.target();
        let _one_at_a_time = match target.protocol {
            Protocol::Http1 => None,
            Protocol::Auto | Protocol::Http2 => {
                if let Some(many) = self.shared.get(endpoint.id) {
                    return Ok(Wire::Many(many));
                }
                self.shared.connecting(endpoint.id, target.timeouts.connect).await?
            }
        };
        if let Some(many) = self.shared.get(endpoint.id) {
            return Ok(Wire::Many(many));
        }
        let in_use = target.connections_max.saturating_sub(self.slots.available_permits());
        self.idle.make_room(in_use);
        let (until, length) = patience;
        // connecting is rare and its state is large: it is not part of every request's
        let wire = timeout_at(until.into(), Box::pin(connect(endpoint, target)))
            .await
            .map_err(|_| Failure::Timeout(length))??;
        if target.protocol != Protocol::Http1 {
            self.shared.learn(endpoint.id, wire.many());
        }
        Ok(wire)
    }
}

/// Answers that mean that something behind the endpoint, or the endpoint itself, is not there.
fn is_gateway_error(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// What can be read in two ways is not passed on, and its connection is not used again.
fn check<B>(response: &Response<B>, ask: Ask) -> Result<(), Failure> {
    let invalid = |why: &str| Err(Failure::Invalid(why.to_owned()));
    let headers = response.headers();
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    if lengths > 1 {
        return invalid("`content-length` stands more than once");
    }
    if lengths == 1 && headers.contains_key(TRANSFER_ENCODING) {
        return invalid("both `content-length` and `transfer-encoding`");
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS && !ask.upgrade {
        return invalid("it changes the protocol without being asked");
    }
    Ok(())
}

fn unreachable_by(why: &str) -> Failure {
    Failure::Unreachable(why.to_owned())
}
