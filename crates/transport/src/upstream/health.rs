//! Is an endpoint well? It is asked on a period, over a fresh connection, with the TLS and the
//! protocol that requests use; so many answers one after another, good or bad, change what is
//! thought of it. Endpoints that were not asked yet take requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connect::{Wire, connect};
use super::endpoint::Endpoint;
use super::outbound::Outbound;
use super::shared::Upstream;

/// How endpoints are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Path and query of the question.
    pub path: String,
    /// How often.
    pub interval: Duration,
    /// Longest time for an answer.
    pub timeout: Duration,
    /// Bad answers one after another until it takes no more requests.
    pub unhealthy_after: u32,
    /// Good answers one after another until it takes requests again.
    pub healthy_after: u32,
    /// Good answers.
    pub statuses: Vec<StatusCode>,
}

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

/// What one more answer means; the streak that it leaves.
fn judge(endpoint: &Endpoint, answer: &Result<(), String>, streak: u32, rule: &Rule) -> u32 {
    let unhealthy = endpoint.is_unhealthy();
    if answer.is_ok() != unhealthy {
        return 0;
    }
    let streak = streak.saturating_add(1);
    let needed = if unhealthy { rule.healthy_after } else { rule.unhealthy_after };
    if streak < needed {
        return streak;
    }
    endpoint.set_unhealthy(!unhealthy);
    match answer {
        Ok(()) => tracing::info!(endpoint = %endpoint.address, "an endpoint is healthy again"),
        Err(why) => tracing::warn!(endpoint = %endpoint.address, why, "an endpoint is unhealthy"),
    }
    0
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

#[cfg(test)]
mod tests {
    use super::{Rule, judge};
    use crate::upstream::endpoint::{Authority, Endpoint};
    use std::time::Duration;

    #[test]
    fn only_so_many_answers_one_after_another_change_anything() {
        let authority = Authority { host: "127.0.0.1".to_owned(), port: 1 };
        let endpoint = Endpoint::new(authority, ([127, 0, 0, 1], 1).into());
        let rule = Rule {
            path: "/".to_owned(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            unhealthy_after: 3,
            healthy_after: 2,
            statuses: Vec::new(),
        };
        let (good, bad) = (Ok(()), Err(String::new()));
        let mut streak = 0;
        for (answer, unhealthy) in [
            (&bad, false),
            (&bad, false),
            (&good, false),
            (&bad, false),
            (&bad, false),
            (&bad, true),
            (&good, true),
            (&bad, true),
            (&good, true),
            (&good, false),
        ] {
            streak = judge(&endpoint, answer, streak, &rule);
            assert_eq!(endpoint.is_unhealthy(), unhealthy);
        }
    }
}
