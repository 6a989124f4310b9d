//! How does a decision get its facts? Drives `core::Chain`, fetching what it asks for, and turns
//! what came of it into records. The only awaits are for keys, bodies and durable records; a
//! cached caller with no body awaits nothing.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use portcullis_core::facts::{BodyFact, Facts, Need};
use portcullis_core::receive::Arrival;
use portcullis_core::record::{Draft, Timings, draft};
use portcullis_core::refusal::Refusal;
use portcullis_core::span::Span;
use portcullis_core::trace::Trace;
use portcullis_core::{Advance, Allowed, Chain, Snapshot, profile};
use portcullis_identity::Refused;
use portcullis_model::record::{Outcome, RecordKind};
use portcullis_model::{Reason, RecordId, Stage, Timestamp};

use crate::limits::Held;
use crate::stores::Stores;

/// Reads a body, to a bound, when it is asked for.
pub trait BodySource {
    /// The whole body, or why it could not be had.
    fn whole(&mut self, bytes_max: u64) -> impl Future<Output = Result<Bytes, Refused>>;
}

/// Decides requests under one snapshot.
#[derive(Clone, Debug)]
pub struct Driver {
    snapshot: Arc<Snapshot>,
    stores: Arc<Stores>,
}

/// A decision, and the crossing that it opens.
#[derive(Debug)]
pub struct Decided {
    /// The right to forward, an answer of the boundary's own, or why neither.
    pub verdict: Result<Allowed, Refusal>,
    /// What is to be recorded when it is over.
    pub open: Open,
}

/// A crossing that is not over. Dropped without [`Open::finish`], it is recorded as given up by the
/// client: every decision leaves a record (law 9).
#[derive(Debug)]
pub struct Open {
    driver: Driver,
    trace: Trace,
    timings: Timings,
    held: Held,
    begun: Instant,
    /// The stage that runs; the reply once it was permitted.
    reached: Stage,
    intent_durable: bool,
    /// When the permit was given.
    permitted: Option<Instant>,
    /// Epoch of the issuers' keys before any was read.
    key_epoch: u64,
    finished: bool,
}

impl Open {
    /// Notes for the record.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Completes the headers of its answer.
    pub fn complete(&self, headers: &mut HeaderMap) {
        profile::complete(headers, &self.trace, &self.driver.snapshot);
    }

    /// Time since the request arrived.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Notes that the head of the upstream's answer is there.
    pub fn heard(&mut self) {
        self.time_call();
        self.trace.say(Stage::Forward, "the upstream answered");
    }

    /// How long the upstream was waited for.
    fn time_call(&mut self) {
        if let Some(permitted) = self.permitted.take() {
            self.timings.push((Stage::Forward, micros(permitted.elapsed())));
        }
    }

    /// Records what came of it and gives back what it held; waits while the queue is full.
    pub async fn finish(mut self, refusal: Option<&Refusal>, outcome: Outcome) {
        let draft = self.close(refusal, outcome);
        self.driver.stores.records.submit(draft).await;
    }

    /// The same where nobody can wait.
    pub fn finish_detached(mut self, refusal: Option<&Refusal>, outcome: Outcome) {
        let draft = self.close(refusal, outcome);
        self.driver.stores.records.submit_detached(draft);
    }

    fn close(&mut self, refusal: Option<&Refusal>, outcome: Outcome) -> Draft {
        self.finished = true;
        self.held = Held::default();
        if refusal.is_some_and(|refusal| refusal.stage == Stage::Forward) {
            self.time_call();
        }
        let kind = RecordKind::Outcome;
        self.driver.draft(kind, self.trace.take(), refusal, &self.timings, Some(outcome))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // who left before the permit was given was never let through, and no record may say so
        let refusal = Refusal {
            stage: self.reached,
            ..Refusal::new(Reason::ClientGone, "the connection ended first")
        };
        let outcome = Outcome {
            status: refusal.reason.status(),
            upstream_status: None,
            response_bytes: 0,
            micros: micros(self.begun.elapsed()),
            intent_durable: self.intent_durable,
        };
        let draft = self.close(Some(&refusal), outcome);
        self.driver.stores.records.submit_detached(draft);
    }
}

impl Driver {
    /// A driver over a snapshot and the stores behind it.
    #[must_use]
    pub const fn new(snapshot: Arc<Snapshot>, stores: Arc<Stores>) -> Self {
        Self { snapshot, stores }
    }

    /// The snapshot that decides.
    #[must_use]
    pub const fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The stores behind it.
    #[must_use]
    pub const fn stores(&self) -> &Arc<Stores> {
        &self.stores
    }

    /// Decides one request.
    pub async fn decide(
        &self,
        arrival: Arrival,
        id: RecordId,
        now: Timestamp,
        body: &mut impl BodySource,
    ) -> Decided {
        let mut open = Open {
            driver: self.clone(),
            trace: Trace::new(id, now, arrival.listener.clone()),
            timings: Timings::with_capacity(Stage::ALL.len()),
            held: Held::default(),
            begun: Instant::now(),
            reached: Stage::Receive,
            intent_durable: false,
            permitted: None,
            key_epoch: self.stores.key_epoch(),
            finished: false,
        };
        let mut chain = Chain::new(arrival);
        let mut facts = Facts::default();
        let mut begun = open.begun;
        let verdict = loop {
            let stage = chain.stage();
            open.reached = stage;
            let advanced = chain.advance(&facts, &self.snapshot, now, &mut open.trace);
            let ended = match advanced {
                Ok(()) => {
                    self.keep_token(&chain, open.key_epoch, now);
                    None
                }
                Err(Advance::Needs(needs)) => {
                    for need in needs {
                        self.supply(need, &mut facts, &mut open, body).await;
                    }
                    None
                }
                Err(Advance::Permitted(permit)) => Some(Ok(Allowed::Permitted(permit))),
                Err(Advance::Answered(answer)) => Some(Ok(Allowed::Answered(answer))),
                Err(Advance::Refused(refusal)) => Some(Err(refusal)),
            };
            let now = Instant::now();
            open.timings.push((stage, micros(now.duration_since(begun))));
            begun = now;
            if let Some(verdict) = ended {
                break verdict;
            }
        };
        if verdict.is_ok() {
            open.reached = Reason::ClientGone.stage();
            open.permitted = Some(begun);
        }
        if let (Err(refusal), Some(message)) = (&verdict, &open.trace.message)
            && refusal.counts_as_failure()
        {
            self.stores.limits.count_failure(message.client_address, now);
        }
        Decided { verdict, open }
    }

    /// Records a request that never became one: its head was refused by the guard.
    pub async fn record_refused_head(&self, mut trace: Trace, refusal: &Refusal, outcome: Outcome) {
        trace.span = Span::of(&trace.id, None, None, self.snapshot.sampling).map(Arc::new);
        let timings = Timings::new();
        let draft = self.draft(RecordKind::Outcome, trace, Some(refusal), &timings, Some(outcome));
        self.stores.records.submit(draft).await;
    }

    fn draft(
        &self,
        kind: RecordKind,
        trace: Trace,
        refusal: Option<&Refusal>,
        timings: &Timings,
        outcome: Option<Outcome>,
    ) -> Draft {
        draft(kind, trace, &self.snapshot.revision, refusal, timings, outcome)
    }

    fn keep_token(&self, chain: &Chain, epoch: u64, now: Timestamp) {
        if let Some(identified) = chain.fresh_token()
            && let Some(digest) = identified.fresh_token
        {
            let caller = Arc::clone(&identified.caller);
            self.stores.tokens.keep(&self.snapshot.revision, epoch, digest, caller, now);
        }
    }

    async fn supply(
        &self,
        need: Need,
        facts: &mut Facts,
        open: &mut Open,
        body: &mut impl BodySource,
    ) {
        match need {
            Need::Guard { address } => {
                facts.guard = Some(self.stores.limits.guard(address, open.trace.at));
            }
            Need::Country { address } => {
                facts.country = Some(self.stores.country(address, open.trace.at));
            }
            Need::VerifiedToken { digest } => {
                facts.cache_asked = true;
                let (revision, epoch) = (&self.snapshot.revision, open.key_epoch);
                let found = self.stores.tokens.find(revision, epoch, &digest, open.trace.at);
                facts.identity = found.map(Ok);
            }
            Need::TokenStatus { provider, token } => {
                let (revision, now) = (&self.snapshot.revision, open.trace.at);
                let status = self.stores.token_status(&provider, &token, revision, now);
                facts.token_status = Some(status.await);
            }
            Need::SigningKeys { provider, missing } => {
                facts.keys_refreshed = missing.is_some();
                // fetching is rare and its state is large: it is not part of every request's
                let keys = self.stores.signing_keys(&provider, missing.as_deref(), open.trace.at);
                facts.keys = Some(Box::pin(keys).await);
            }
            Need::ExchangeKeys { provider, missing } => {
                let keys = self.stores.signing_keys(&provider, missing.as_deref(), open.trace.at);
                let keys = (keys.await, missing.is_some());
                facts.exchange_keys.insert(provider, keys);
            }
            Need::ApiKey { provider, id } => {
                facts.api_key = self.stores.api_key(&provider, &id);
            }
            Need::Secrets { provider } => {
                facts.secrets = Some(self.stores.secrets(&provider));
            }
            Need::Nonce { shown } => {
                facts.nonce = Some(self.stores.proofs.nonce(shown.as_deref(), open.trace.at));
            }
            Need::Once { name, until } => {
                facts.once = Some(self.stores.proofs.first(name, until, open.trace.at));
            }
            Need::Body { bytes_max } => {
                facts.body = Some(match body.whole(bytes_max).await {
                    Ok(bytes) => BodyFact::Whole(bytes),
                    Err(refused) => BodyFact::Failed(refused),
                });
            }
            Need::Limits(claims) => {
                facts.limits =
                    Some(self.stores.limits.take(&claims, &mut open.held, open.trace.at));
            }
            Need::Sign(order) => {
                facts.token = Some(self.stores.token(&order, open.trace.at));
            }
            Need::PublicKeys => {
                facts.public_keys = self.stores.public_keys(open.trace.at);
            }
            Need::Intent => {
                let trace = open.trace.clone();
                let draft = self.draft(RecordKind::Intent, trace, None, &open.timings, None);
                open.intent_durable = Box::pin(self.stores.records.submit_durable(draft)).await;
                facts.intent_durable = Some(open.intent_durable);
            }
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
