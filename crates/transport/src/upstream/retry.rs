//! May this request be sent again? Only if it was provably not sent, or if it may be repeated (RFC
//! 9110 section 9.2.2) and nothing of an answer came; and only within a budget, so that an
//! upstream in trouble is not given more of it.
//!
//! There is no hedging: a request is never under way twice.

use std::sync::atomic::{AtomicI64, Ordering};

use http::{Method, Request, StatusCode};

use super::failure::{Failed, Failure, Fate};
use super::outbound::Outbound;

/// Retries that may come at once, before the share counts.
const BURST: i64 = 10;

/// What one retry costs, in thousandths of a request.
const COST: i64 = 1000;

/// How often, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How often a request is sent again at most.
    pub attempts_max: u32,
    /// Answers that count as none: of 502, 503, 504.
    pub statuses: Vec<StatusCode>,
    /// Retries as a share of requests, in percent.
    pub budget_percent: u8,
}

/// Retries that are left to one upstream: a bucket that every request fills a little.
#[derive(Debug)]
pub(crate) struct Budget {
    share: i64,
    left: AtomicI64,
}

impl Budget {
    /// A full bucket.
    pub(crate) fn new(percent: u8) -> Self {
        let share = i64::from(percent).saturating_mul(COST / 100);
        let full = if share == 0 { 0 } else { BURST * COST };
        Self { share, left: AtomicI64::new(full) }
    }

    /// A request came. Costs nothing while the bucket is full.
    pub(crate) fn fill(&self) {
        if self.left.load(Ordering::Relaxed) < BURST * COST {
            self.left.fetch_add(self.share, Ordering::Relaxed);
        }
    }

    /// Takes one retry.
    pub(crate) fn take(&self) -> bool {
        let less = |left: i64| (left >= COST).then_some(left.saturating_sub(COST));
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

/// The request once more, if it may be repeated.
pub(crate) fn copy(request: &Request<Outbound>) -> Option<Request<Outbound>> {
    if is_repeatable(request.method()) { duplicate(request) } else { None }
}

/// The request once more, whatever it asks for, if its body can be had again.
pub(crate) fn duplicate(request: &Request<Outbound>) -> Option<Request<Outbound>> {
    let mut copy = Request::new(request.body().again()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// Methods that may be repeated (RFC 9110 section 9.2.2), as a list: what is added to the methods
/// later is not repeated by accident.
pub(crate) fn is_repeatable(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE].contains(method)
}

/// What may be sent again after this failure; `again` is the copy that was made before.
pub(crate) fn after(
    failed: Failed,
    again: Option<Request<Outbound>>,
) -> Result<(Request<Outbound>, Failure), Failure> {
    let Failed { failure, fate, .. } = failed;
    let worth = match failure {
        Failure::Unreachable(_) | Failure::Timeout(_) | Failure::Untrusted(_) => true,
        Failure::Invalid(_)
        | Failure::AddressRefused(_)
        | Failure::Overloaded(_)
        | Failure::Unhealthy(_) => false,
    };
    match (fate, again) {
        (Fate::Unsent(request), _) if worth => Ok((*request, failure)),
        (Fate::Sent, Some(again)) if worth => Ok((again, failure)),
        (Fate::Unsent(_) | Fate::Sent | Fate::Answered, _) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, Budget, after, copy};
    use crate::upstream::failure::{Failed, Failure, Fate};
    use crate::upstream::outbound::Outbound;
    use bytes::Bytes;
    use http::Request;

    fn request(method: &str) -> Request<Outbound> {
        let body = Outbound::whole(Bytes::from_static(b"x"));
        Request::builder().method(method).uri("/a").header("a", "b").body(body).unwrap()
    }

    #[test]
    fn the_budget_is_a_share_of_requests() {
        let budget = Budget::new(20);
        assert_eq!((0..100).filter(|_| budget.take()).count(), usize::try_from(BURST).unwrap());
        let mut taken = 0;
        for _ in 0..1000 {
            budget.fill();
            taken += u32::from(budget.take());
        }
        assert_eq!(taken, 200);
        let none = Budget::new(0);
        none.fill();
        assert!(!none.take());
    }

    #[test]
    fn unsafe_methods_are_sent_again_only_when_they_were_not_sent() {
        for (method, repeated) in [
            ("GET", true),
            ("HEAD", true),
            ("PUT", true),
            ("DELETE", true),
            ("OPTIONS", true),
            ("POST", false),
            ("PATCH", false),
        ] {
            let copied = copy(&request(method));
            assert_eq!(copied.is_some(), repeated, "{method}");
            let why = Failure::Unreachable(String::new());
            let sent = |fate| Failed { failure: why.clone(), fate, kept: false };
            let unsent = Fate::Unsent(Box::new(request(method)));
            assert!(after(sent(unsent), None).is_ok(), "{method} was not sent");
            assert_eq!(after(sent(Fate::Sent), copied).is_ok(), repeated, "{method}");
            let answered = after(sent(Fate::Answered), copy(&request(method)));
            assert!(answered.is_err(), "{method} was answered");
        }
        let invalid = Failure::Invalid(String::new());
        let failed = Failed { failure: invalid, fate: Fate::Sent, kept: false };
        assert!(after(failed, copy(&request("GET"))).is_err());
    }
}
