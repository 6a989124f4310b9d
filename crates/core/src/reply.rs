//! What of the upstream's answer does the caller see? Its headers without those that end at this
//! hop and without those that only the boundary may set; and what is left of the caller's limits.

use std::time::Duration;

use http::header::{CONNECTION, PROXY_AUTHENTICATE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_config::declaration::LimitRule;
use portcullis_limit::Taken;
use portcullis_model::{LimitId, RecordId, written};

use crate::admit::Permit;
use crate::snapshot::Snapshot;

/// Names the decision in every answer.
pub const DECISION: HeaderName = HeaderName::from_static("portcullis-decision-id");
/// What is left (draft-ietf-httpapi-ratelimit-headers).
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// What is allowed.
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Headers that end at this hop (RFC 9110 section 7.6.1).
static HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What the caller is told about its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateFields {
    policy: Option<HeaderValue>,
    left: Option<HeaderValue>,
}

/// The fields for what a permit took.
#[must_use]
pub fn rate_fields(permit: &Permit, snapshot: &Snapshot) -> RateFields {
    let (mut policies, mut lefts) = (String::new(), String::new());
    for (limit, taken) in permit.taken() {
        let rule = snapshot.declaration.limits.get(limit).map(|limit| limit.rule);
        let (Some(LimitRule::Rate { burst, amount, window }), Taken::Admitted { remaining, reset }) =
            (rule, taken)
        else {
            continue;
        };
        let (window, reset) = (whole_secs(window).max(1), whole_secs(*reset));
        let most = u64::from(amount.max(burst).get());
        member(&mut policies, limit, [(";q=", most), (";w=", window)]);
        member(&mut lefts, limit, [(";r=", u64::from(*remaining)), (";t=", reset)]);
    }
    if lefts.is_empty() {
        return RateFields::default();
    }
    let field = |text: &str| HeaderValue::from_str(text).ok();
    RateFields { policy: field(&policies), left: field(&lefts) }
}

/// One limit more, as a member of a list (RFC 9651 section 3.1).
fn member(list: &mut String, limit: &LimitId, parameters: [(&str, u64); 2]) {
    let before = if list.is_empty() { "\"" } else { ", \"" };
    for part in [before, limit.as_str(), "\""] {
        list.push_str(part);
    }
    for (name, value) in parameters {
        list.push_str(name);
        written::number(list, value);
    }
}

/// The headers of the answer that the caller sees.
#[must_use]
pub fn headers(
    mut headers: HeaderMap,
    id: &RecordId,
    rate: &RateFields,
    snapshot: &Snapshot,
) -> HeaderMap {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let ends = |name: &&HeaderName| {
        HOP_BY_HOP.contains(name) || named.contains(name) || snapshot.owned.strips(name.as_str())
    };
    let ending: Vec<HeaderName> = headers.keys().filter(ends).cloned().collect();
    for name in &ending {
        headers.remove(name);
    }
    decision(&mut headers, id);
    for (name, value) in [(RATE_LIMIT_POLICY, &rate.policy), (RATE_LIMIT, &rate.left)] {
        if let Some(value) = value {
            headers.insert(name, value.clone());
        }
    }
    headers
}

/// Names the decision.
pub fn decision(headers: &mut HeaderMap, id: &RecordId) {
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(DECISION, value);
    }
}

/// Whole seconds, rounded up.
fn whole_secs(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}
