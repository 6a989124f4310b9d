//! How are endpoints asked for their health? On a period, over a fresh connection, with the TLS and
//! the protocol that requests use.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Request};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connect::{Wire, connect};
use super::endpoint::Endpoint;
use super::health::{Rule, judge};
use super::outbound::Outbound;
use super::shared::Upstream;

/// Answers of one endpoint, one after another, that speak against what is thought of it.
type Streaks = BTreeMap<u64, u32>;

/// Asks until the upstream is gone.
pub(crate) async fn run(upstream: Weak<Upstream>) {
    let mut streaks = Streaks::new();
    loop {
        let Some(interval) = round(&upstream, &mut streaks).await else { return };
        sleep(interval).await;
    }
}

/// Asks every endpoint once; how long to wait for the next round.
async fn round(upstream: &Weak<Upstream>, streaks: &mut Streaks) -> Option<Duration> {
    let upstream = upstream.upgrade()?;
    let rule = upstream.target().health.clone()?;
    let begun = Instant::now();
    let mut asked = JoinSet::new();
    for endpoint in upstream.endpoints() {
        let (upstream, rule) = (Arc::clone(&upstream), rule.clone());
        asked.spawn(async move {
            let answer = timeout(rule.timeout, ask(&upstream, &endpoint, &rule)).await;
            (endpoint, answer.unwrap_or_else(|_| Err("it took too long".to_owned())))
        });
    }
    let mut kept = Streaks::new();
    while let Some(done) = asked.join_next().await {
        let Ok((endpoint, answer)) = done else { continue };
        let streak = streaks.get(&endpoint.id).copied().unwrap_or(0);
        kept.insert(endpoint.id, judge(&endpoint, &answer, streak, &rule));
    }
    *streaks = kept;
    Some(rule.interval.saturating_sub(begun.elapsed()))
}

async fn ask(upstream: &Upstream, endpoint: &Arc<Endpoint>, rule: &Rule) -> Result<(), String> {
    let host = HeaderValue::from_str(&endpoint.authority.to_string());
    let request = Request::get(rule.path.as_str())
        .header(HOST, host.map_err(|error| error.to_string())?)
        .header(USER_AGENT, "portcullis-health")
        .body(Outbound::whole(Bytes::new()))
        .map_err(|error| error.to_string())?;
    let wire = connect(endpoint, upstream.target()).await.map_err(|error| error.to_string())?;
    let answer = match wire {
        Wire::One(mut line) => line.send(request, false, None).await,
        Wire::Many(mut many) => many.send(request, None).await,
    };
    let status = answer.map_err(|failed| failed.failure.to_string())?.status();
    if rule.statuses.contains(&status) { Ok(()) } else { Err(format!("it answers {status}")) }
}
