//! What happens to one request? It is decided, carried, answered and recorded; every way through
//! ends in exactly one record of its outcome.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use portcullis_core::receive::Arrival;
use portcullis_core::trace::Trace;
use portcullis_core::{Allowed, Refusal, profile};
use portcullis_model::record::Outcome;
use portcullis_model::{RecordId, Timestamp};
use portcullis_reading::http2::head::normalise;
use portcullis_reading::violation::Violation;
use portcullis_runtime::clock;
use portcullis_runtime::driver::Open;

use crate::answer;
use crate::body::{Inbound, RequestBody};
use crate::door::Door;
use crate::origin::{Begun, Origin};
use crate::pools::Pools;
use crate::streamed::Answer;

/// What one worker serves with.
#[derive(Debug)]
pub struct Worker {
    /// What all workers share.
    pub door: Arc<Door>,
    /// Connections to upstreams.
    pub pools: Pools,
}

impl Worker {
    /// Serves one request.
    pub async fn serve(
        &self,
        origin: &Arc<Origin>,
        request: Request<Incoming>,
    ) -> Response<Answer> {
        let number = origin.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let now = clock::now();
        let id = self.door.ids.next(now);
        if let Some(violation) = origin.wire.refused_head(number) {
            return Box::pin(self.refuse_head(origin, violation, id, now)).await;
        }
        let begun = Begun::new(&origin.wire);
        let response = self.cross(origin, request, id, now).await;
        // every way of answering says that it has
        begun.was_answered();
        response
    }

    /// Decides a request, and has it carried or answered.
    async fn cross(
        &self,
        origin: &Arc<Origin>,
        request: Request<Incoming>,
        id: RecordId,
        now: Timestamp,
    ) -> Response<Answer> {
        let live = self.door.live();
        let (mut parts, incoming) = request.into_parts();
        if parts.version == Version::HTTP_2
            && let Err(violation) = normalise(&mut parts, &origin.bounds)
        {
            return Box::pin(self.refuse_head(origin, violation, id, now)).await;
        }
        let deadline = live.snapshot().declaration.guards.body_timeout;
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let mut body = RequestBody::new(incoming, deadline, origin.wire.clone());
        let arrival = Arrival {
            parts,
            peer: origin.peer,
            listener: origin.channel.listener.clone(),
            certificate: origin.channel.shown(&live, now),
            server_name: origin.channel.server_name.clone(),
        };
        let decided = live.driver.decide(arrival, id.clone(), now, &mut body).await;
        let reason = decided.verdict.as_ref().err().map(|refusal| refusal.reason);
        let trace = decided.open.trace();
        let template = trace.request.template.as_deref();
        self.door.metrics.decided(&trace.crossing, template, reason, decided.open.elapsed());
        match decided.verdict {
            Ok(Allowed::Permitted(permit)) => {
                let inbound = Inbound { body, upgrade };
                self.carry(origin, &live, *permit, decided.open, &id, inbound).await
            }
            Ok(Allowed::Answered(own)) => {
                let unread = origin.wire.is_serial() && body.has_unread();
                Box::pin(self.answer(origin, *own, decided.open, &id, unread)).await
            }
            Err(refusal) => {
                let unread = origin.wire.is_serial() && body.has_unread();
                Box::pin(self.refuse(origin, &refusal, decided.open, &id, unread)).await
            }
        }
    }

    /// A head that the guard refused never became a request; it has a record all the same.
    async fn refuse_head(
        &self,
        origin: &Origin,
        violation: Violation,
        id: RecordId,
        now: Timestamp,
    ) -> Response<Answer> {
        let refusal = Refusal::from(violation);
        let mut response = whole(answer::refusal(&refusal, &id, origin.wire.is_serial()));
        let trace = Trace::new(id.clone(), now, origin.channel.listener.clone());
        profile::complete(response.headers_mut(), &trace, self.door.live().snapshot());
        self.record_head(origin, &refusal, outcome(&response, None, false), id, now).await;
        origin.wire.answered();
        response
    }

    /// A connection whose frames were refused ended without an answer; it has a record all the same.
    pub async fn record_broken(&self, origin: &Origin, violation: Violation) {
        let refusal = Refusal::from(violation);
        let now = clock::now();
        let outcome = Outcome {
            status: refusal.reason.status(),
            upstream_status: None,
            response_bytes: 0,
            micros: 0,
            intent_durable: false,
        };
        self.record_head(origin, &refusal, outcome, self.door.ids.next(now), now).await;
    }

    async fn record_head(
        &self,
        origin: &Origin,
        refusal: &Refusal,
        outcome: Outcome,
        id: RecordId,
        now: Timestamp,
    ) {
        let mut trace = Trace::new(id, now, origin.channel.listener.clone());
        let live = self.door.live();
        trace.crossing.from = live.snapshot().zone_of(&origin.channel.listener).cloned();
        let reason = Some(refusal.reason);
        self.door.metrics.decided(&trace.crossing, None, reason, Duration::ZERO);
        live.driver.record_refused_head(trace, refusal, outcome).await;
    }

    /// What the boundary answers itself.
    async fn answer(
        &self,
        origin: &Origin,
        own: portcullis_core::Answer,
        open: Open,
        id: &RecordId,
        unread: bool,
    ) -> Response<Answer> {
        let mut response = whole(answer::own(own, id, unread));
        open.complete(response.headers_mut());
        let outcome = outcome(&response, None, false);
        let outcome = Outcome { micros: micros(&open), ..outcome };
        self.door.metrics.crossed(open.elapsed());
        open.finish(None, outcome).await;
        origin.wire.answered();
        response
    }

    async fn refuse(
        &self,
        origin: &Origin,
        refusal: &Refusal,
        open: Open,
        id: &RecordId,
        unread: bool,
    ) -> Response<Answer> {
        let mut response = whole(answer::refusal(refusal, id, unread));
        open.complete(response.headers_mut());
        let outcome = outcome(&response, None, false);
        let outcome = Outcome { micros: micros(&open), ..outcome };
        self.door.metrics.crossed(open.elapsed());
        open.finish(Some(refusal), outcome).await;
        origin.wire.answered();
        response
    }
}

/// An answer of ours.
pub(crate) fn whole(response: Response<Full<Bytes>>) -> Response<Answer> {
    response.map(Answer::Whole)
}

/// How long it took so far.
pub(crate) fn micros(open: &Open) -> u64 {
    u64::try_from(open.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// What came of a request that was answered by us.
pub(crate) fn outcome(
    response: &Response<Answer>,
    upstream: Option<u16>,
    intent_durable: bool,
) -> Outcome {
    let length = hyper::body::Body::size_hint(response.body()).exact();
    Outcome {
        status: response.status().as_u16(),
        upstream_status: upstream,
        response_bytes: length.unwrap_or(0),
        micros: 0,
        intent_durable,
    }
}
