//! Is an endpoint well? So many answers one after another, good or bad, change what is thought of
//! it. Endpoints that were not asked yet take requests.

use std::time::Duration;

use http::StatusCode;

use super::endpoint::Endpoint;

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

/// What one more answer means; the streak that it leaves.
pub(crate) fn judge(
    endpoint: &Endpoint,
    answer: &Result<(), String>,
    streak: u32,
    rule: &Rule,
) -> u32 {
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
