//! How does a decision get its facts? Drives `core::Chain`, fetching what it asks for, and turns
//! what came of it into records. The only awaits are for keys, bodies and durable records; a
//! cached caller with no body awaits nothing.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use portcullis_core::facts::{BodyFact, Facts, Need};
use portcullis_core::receive::Arrival;
use portcullis_core::record::{Draft, Timings, draft};
use portcullis_core::refusal::Refusal;
use portcullis_core::trace::Trace;
use portcullis_core::{Advance, Chain, Permit, Snapshot};
use portcullis_identity::Refused;
use portcullis_model::record::{Outcome, RecordKind};
use portcullis_model::{RecordId, Stage, Timestamp};

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

/// A decision, with what is needed to record its outcome.
#[derive(Debug)]
pub struct Decided {
    /// The right to forward, or why not.
    pub verdict: Result<Box<Permit>, Refusal>,
    /// Notes for the record.
    pub trace: Trace,
    /// How long each stage took.
    pub timings: Timings,
    /// Concurrency slots that are held until the crossing is over.
    pub held: Held,
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
        let mut trace = Trace::new(id, now, arrival.listener.clone());
        let mut chain = Chain::new(arrival);
        let mut facts = Facts::default();
        let mut timings = Timings::with_capacity(Stage::ALL.len());
        let mut held = Held::default();
        let verdict = loop {
            let stage = chain.stage();
            let begun = Instant::now();
            let advanced = chain.advance(&facts, &self.snapshot, now, &mut trace);
            let ended = match advanced {
                Ok(()) => {
                    self.keep_token(&chain);
                    None
                }
                Err(Advance::Needs(needs)) => {
                    for need in needs {
                        self.supply(need, &mut facts, &mut held, &trace, &timings, body).await;
                    }
                    None
                }
                Err(Advance::Permitted(permit)) => Some(Ok(permit)),
                Err(Advance::Refused(refusal)) => Some(Err(refusal)),
            };
            let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            timings.push((stage, micros));
            if let Some(verdict) = ended {
                break verdict;
            }
        };
        if let (Err(refusal), Some(message)) = (&verdict, &trace.message)
            && refusal.counts_as_failure()
        {
            self.stores.limits.count_failure(message.client_address, now);
        }
        Decided { verdict, trace, timings, held }
    }

    /// Records what came of a decision and gives back what it held.
    pub async fn finish(&self, decided: Decided, refusal: Option<&Refusal>, outcome: Outcome) {
        let draft = self.draft(
            RecordKind::Outcome,
            &decided.trace,
            refusal,
            &decided.timings,
            Some(outcome),
        );
        self.stores.limits.release(decided.held);
        self.stores.records.submit(draft).await;
    }

    /// Records a request that never became one: its head was refused by the guard.
    pub async fn record_refused_head(&self, trace: &Trace, refusal: &Refusal, outcome: Outcome) {
        let timings = Timings::new();
        let draft = self.draft(RecordKind::Outcome, trace, Some(refusal), &timings, Some(outcome));
        self.stores.records.submit(draft).await;
    }

    fn draft(
        &self,
        kind: RecordKind,
        trace: &Trace,
        refusal: Option<&Refusal>,
        timings: &Timings,
        outcome: Option<Outcome>,
    ) -> Draft {
        draft(kind, trace, &self.snapshot.revision, refusal, timings, outcome)
    }

    fn keep_token(&self, chain: &Chain) {
        if let Some(identified) = chain.fresh_token()
            && let Some(digest) = identified.fresh_token
        {
            let caller = Arc::clone(&identified.caller);
            self.stores.tokens.keep(&self.snapshot.revision, digest, caller);
        }
    }

    async fn supply(
        &self,
        need: Need,
        facts: &mut Facts,
        held: &mut Held,
        trace: &Trace,
        timings: &Timings,
        body: &mut impl BodySource,
    ) {
        match need {
            Need::Guard { address } => {
                facts.guard = Some(self.stores.limits.guard(address, trace.at));
            }
            Need::VerifiedToken { digest } => {
                facts.cache_asked = true;
                let found = self.stores.tokens.find(&self.snapshot.revision, &digest);
                facts.identity = found.map(Ok);
            }
            Need::SigningKeys { provider, missing } => {
                facts.keys_refreshed = missing.is_some();
                let keys = self.stores.signing_keys(&provider, missing.as_deref(), trace.at);
                facts.keys = Some(keys.await);
            }
            Need::ApiKey { provider, id } => {
                facts.api_key = self.stores.api_key(&provider, &id);
            }
            Need::Body { bytes_max } => {
                facts.body = Some(match body.whole(bytes_max).await {
                    Ok(bytes) => BodyFact::Whole(bytes),
                    Err(refused) => BodyFact::Failed(refused),
                });
            }
            Need::Limits(claims) => {
                facts.limits = Some(self.stores.limits.take(&claims, held, trace.at));
            }
            Need::Intent => {
                let draft = self.draft(RecordKind::Intent, trace, None, timings, None);
                facts.intent_durable = Some(self.stores.records.submit_durable(draft).await);
            }
        }
    }
}
