//! How is a permitted request carried? To its upstream, and its answer back: whole, as it comes, or
//! as a stream that goes on for as long as its lifetime allows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use portcullis_config::declaration::StreamKind;
use portcullis_core::reply::RateFields;
use portcullis_core::{Permit, Refusal, compress, forward, reply};
use portcullis_identity::Authenticated;
use portcullis_model::record::Outcome;
use portcullis_model::{BoundaryId, RecordId};
use portcullis_runtime::clock;
use portcullis_runtime::driver::Open;
use portcullis_transport::upstream::tunnel::tunnel;
use portcullis_transport::upstream::{Failure, Outbound, UpstreamBody};

use crate::answer;
use crate::body::Inbound;
use crate::door::Live;
use crate::lifetime::Lifetime;
use crate::origin::Origin;
use crate::serve::{Worker, micros, outcome, whole};
use crate::streamed::{Answer, Crossing, Streamed};
use crate::tunnel::{self, Opened};
use crate::upstreams;

/// What a permitted request leaves behind for its answer.
struct Left<'a> {
    origin: &'a Arc<Origin>,
    live: &'a Live,
    id: &'a RecordId,
    rate: RateFields,
    intent_durable: bool,
    /// Who opened a stream, across which boundary, for how long at most.
    opener: Option<(Arc<Authenticated>, BoundaryId, Duration)>,
}

impl Worker {
    /// Carries a request and answers with what came back.
    pub(crate) async fn carry(
        &self,
        origin: &Arc<Origin>,
        live: &Live,
        permit: Permit,
        open: Open,
        id: &RecordId,
        inbound: Inbound,
    ) -> Response<Answer> {
        let snapshot = live.snapshot();
        let rate = reply::rate_fields(&permit, snapshot);
        let intent_durable = permit.intent_durable();
        let identified = &permit.authorized().assessed.identified;
        let opener = identified.received.operation.stream.as_ref().map(|stream| {
            let boundary = identified.received.crossing.id.clone();
            (Arc::clone(&identified.caller), boundary, stream.longest)
        });
        let outgoing = forward::outgoing(permit, id, snapshot);
        let left = Left { origin, live, id, rate, intent_durable, opener };
        let opens = outgoing.stream.as_ref().map(|stream| (stream.kind, stream.idle_timeout));
        let carried = match opens {
            Some((StreamKind::Websocket, idle)) => {
                let asked = outgoing.headers.clone();
                let Inbound { body: _, upgrade } = inbound;
                match self.send(live, outgoing, None).await {
                    Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                        let opening = (upgrade, asked, idle);
                        return Box::pin(self.opened(&left, open, response, opening)).await;
                    }
                    other => other,
                }
            }
            Some((StreamKind::Grpc, idle)) => {
                let passing = Outbound::Streamed(inbound.body.passing(idle));
                self.send(live, outgoing, Some(passing)).await
            }
            Some((StreamKind::Events, _)) | None => self.send(live, outgoing, None).await,
        };
        match carried {
            Ok(response) => self.answered(&left, open, response),
            Err(failure) => Box::pin(self.failed(&left, open, &failure)).await,
        }
    }

    fn answered(
        &self,
        left: &Left<'_>,
        mut open: Open,
        response: Response<UpstreamBody>,
    ) -> Response<Answer> {
        open.heard();
        let (mut parts, body) = response.into_parts();
        parts.headers = reply::headers(parts.headers, left.id, &left.rate, left.live.snapshot());
        // a stream goes on as it is
        let coding = match left.opener {
            Some(_) => None,
            None => {
                let snapshot = left.live.snapshot();
                compress::choose(parts.status, &mut parts.headers, open.trace(), snapshot)
            }
        };
        open.complete(&mut parts.headers);
        let crossing = Crossing {
            open: Some(open),
            outcome: begun(parts.status, left.intent_durable),
            metrics: Arc::clone(&self.door.metrics),
            wire: left.origin.wire.clone(),
        };
        let lifetime = self.lifetime(left).map(Box::new);
        let streamed = Streamed::new(body, coding, crossing, lifetime);
        let mut response = Response::new(Answer::Streamed(Box::new(streamed)));
        *response.status_mut() = parts.status;
        *response.headers_mut() = parts.headers;
        response
    }

    /// The upstream goes on as a WebSocket, if it accepted this very opening.
    async fn opened(
        &self,
        left: &Left<'_>,
        mut open: Open,
        response: Response<UpstreamBody>,
        (upgrade, asked, idle): (Option<hyper::upgrade::OnUpgrade>, HeaderMap, Duration),
    ) -> Response<Answer> {
        open.heard();
        let answered = response.headers().clone();
        let (Some(client), Some(lifetime), true) =
            (upgrade, self.lifetime(left), tunnel::is_accepted(&asked, &answered))
        else {
            let failure = Failure::Invalid("it accepts another WebSocket than was opened".into());
            return self.failed(left, open, &failure).await;
        };
        let upstream = match tunnel(response).await {
            Ok(upstream) => upstream,
            Err(failure) => return self.failed(left, open, &failure).await,
        };
        let mut headers = reply::headers(answered, left.id, &left.rate, left.live.snapshot());
        open.complete(&mut headers);
        tunnel::switch(&mut headers);
        let outcome = begun(StatusCode::SWITCHING_PROTOCOLS, left.intent_durable);
        let metrics = Arc::clone(&self.door.metrics);
        left.origin.wire.switch();
        left.origin.keep(Opened { client, upstream, lifetime, idle, open, outcome, metrics });
        let mut response = whole(Response::new(Full::new(Bytes::new())));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = headers;
        response
    }

    async fn failed(&self, left: &Left<'_>, open: Open, failure: &Failure) -> Response<Answer> {
        let refusal = Refusal::new(upstreams::reason(failure), failure.to_string());
        let mut response = whole(answer::refusal(&refusal, left.id, false));
        open.complete(response.headers_mut());
        let outcome = outcome(&response, None, left.intent_durable);
        let outcome = Outcome { micros: micros(&open), ..outcome };
        self.door.metrics.crossed(open.elapsed());
        self.door.metrics.failed(&open.trace().crossing, refusal.reason);
        open.finish(Some(&refusal), outcome).await;
        left.origin.wire.answered();
        response
    }

    fn lifetime(&self, left: &Left<'_>) -> Option<Lifetime> {
        let (caller, boundary, longest) = left.opener.clone()?;
        let (door, channel) = (Arc::clone(&self.door), left.origin.channel.clone());
        Some(Lifetime::new(door, channel, caller, boundary, longest))
    }

    async fn send(
        &self,
        live: &Live,
        mut outgoing: forward::Outgoing,
        passing: Option<Outbound>,
    ) -> Result<Response<UpstreamBody>, Failure> {
        if let Some(signer) = live.upstreams.signer(&outgoing.upstream) {
            signer.sign(&mut outgoing, clock::now()).map_err(Failure::Unreachable)?;
        }
        let pool = self
            .pools
            .find(live, &outgoing.upstream)
            .ok_or_else(|| Failure::Unreachable(format!("no upstream `{}`", outgoing.upstream)))?;
        let ask = upstreams::ask(&outgoing, pool.upstream().target().balance);
        let mut request = Request::builder()
            .method(outgoing.method.as_str())
            .uri(&outgoing.target)
            .body(passing.unwrap_or_else(|| Outbound::whole(outgoing.body)))
            .map_err(|error| Failure::Unreachable(error.to_string()))?;
        *request.headers_mut() = outgoing.headers;
        // where it waits for the upstream it is large, and every request would be moved about with it
        Box::pin(pool.send(request, ask)).await
    }
}

/// The outcome of a crossing whose answer has begun.
const fn begun(status: StatusCode, intent_durable: bool) -> Outcome {
    Outcome {
        status: status.as_u16(),
        upstream_status: Some(status.as_u16()),
        response_bytes: 0,
        micros: 0,
        intent_durable,
    }
}
