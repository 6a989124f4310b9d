//! What may cross from where to where, and how often?

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use portcullis_model::{BoundaryId, LimitId, ProviderId, ZoneId};

use super::telemetry;
use crate::check;
use crate::declaration::{Audit, Boundary, IdentityRule, Inspection, Limit, LimitPer, LimitRule};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};
use crate::resolve::addresses::addresses;
use crate::resolve::assurance::assurance;
use crate::resolve::headers;
use crate::resolve::sender;

const SAME_PAIR: Rule = Rule {
    code: "PC0114",
    why: "one crossing has one set of rules; which would apply would be chance",
    fix: "merge the two boundaries",
};
const NOBODY: Rule = Rule {
    code: "PC0115",
    why: "nobody can ever cross",
    fix: "name `providers`, or set `anonymous: true` for operations that need no credential",
};
const ONE_RULE: Rule =
    Rule { code: "PC0105", why: "what is meant cannot be known", fix: "keep exactly one of them" };

const WINDOWS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(7 * 86_400));

pub(super) fn boundaries(
    document: &Document,
    problems: &mut Problems<'_>,
) -> BTreeMap<BoundaryId, Boundary> {
    let mut boundaries: BTreeMap<BoundaryId, Boundary> = BTreeMap::new();
    for (name, written) in &document.boundaries {
        let at = |key| ["boundaries", name.as_str(), key];
        for (key, zone) in [("from", &written.from), ("to", &written.to)] {
            if !document.zones.contains_key(zone) {
                let known = document.zones.keys().map(String::as_str);
                problems.dangling(&at(key), "zone", zone, known);
            }
        }
        let (from, to) = (ZoneId::new(&written.from), ZoneId::new(&written.to));
        if let Some((other, _)) =
            boundaries.iter().find(|(_, other)| other.from == from && other.to == to)
        {
            let message = format!("`{name}` and `{other}` both lead from `{from}` to `{to}`");
            problems.error(SAME_PAIR, &["boundaries", name], message);
            problems.related(&["boundaries", other.as_str()], "the other one");
        }
        let boundary = Boundary {
            from,
            to,
            identity: identity(document, name, &written.identity, problems),
            limits: limit_names(document, name, &written.limits, problems),
            inspection: inspection(name, &written.inspection, problems),
            addresses: addresses(
                written.addresses.as_ref(),
                &at("addresses"),
                document.countries.is_some(),
                problems,
            ),
            answers: headers::answers(document, name, &written.from, &written.answers, problems),
            audit: match written.audit {
                document::Audit::BestEffort => Audit::BestEffort,
                document::Audit::Required => Audit::Required,
            },
            trace: telemetry::tracing(name, &written.trace, problems),
            span: problems.span(&["boundaries", name]),
        };
        boundaries.insert(BoundaryId::new(name), boundary);
    }
    boundaries
}

fn identity(
    document: &Document,
    boundary: &str,
    written: &document::Identity,
    problems: &mut Problems<'_>,
) -> IdentityRule {
    for (index, provider) in written.providers.iter().enumerate() {
        if !document.providers.contains_key(provider) {
            let path = ["boundaries", boundary, "identity", "providers", &index.to_string()];
            let known = document.providers.keys().map(String::as_str);
            problems.dangling(&path, "provider", provider, known);
        }
    }
    if written.providers.is_empty() && !written.anonymous {
        let message = format!("boundary `{boundary}` accepts nobody");
        problems.error(NOBODY, &["boundaries", boundary, "identity"], message);
    }
    IdentityRule {
        providers: written.providers.iter().map(|name| ProviderId::new(name)).collect(),
        anonymous: written.anonymous,
        sender: sender::sender(document, boundary, written, problems),
        assurance: written
            .assurance
            .as_ref()
            .map(|written| assurance(document, boundary, written, problems)),
    }
}

fn limit_names(
    document: &Document,
    boundary: &str,
    written: &[String],
    problems: &mut Problems<'_>,
) -> Vec<LimitId> {
    for (index, limit) in written.iter().enumerate() {
        let index_text = index.to_string();
        let path = ["boundaries", boundary, "limits", &index_text];
        if !document.limits.contains_key(limit) {
            problems.dangling(&path, "limit", limit, document.limits.keys().map(String::as_str));
        }
        if written.iter().take(index).any(|earlier| earlier == limit) {
            problems.error(check::VALUE, &path, format!("limit `{limit}` stands twice"));
        }
    }
    written.iter().map(|name| LimitId::new(name)).collect()
}

fn inspection(
    boundary: &str,
    written: &document::Inspection,
    problems: &mut Problems<'_>,
) -> Inspection {
    let path = ["boundaries", boundary, "inspection", "body_bytes_max"];
    Inspection {
        body_bytes_max: check::size(&written.body_bytes_max, (1, 1 << 30), &path, problems),
        json_depth_max: written.json_depth_max,
        expansion_max: written.expansion_max,
    }
}

pub(super) fn limits(
    written: &BTreeMap<String, document::Limit>,
    problems: &mut Problems<'_>,
) -> BTreeMap<LimitId, Limit> {
    let mut limits = BTreeMap::new();
    for (name, written) in written {
        let rule = match (&written.rate, written.concurrent.and_then(NonZeroU32::new)) {
            (Some(rate), None) => rate_rule(name, rate, problems),
            (None, Some(concurrent)) => LimitRule::Concurrent(concurrent),
            (Some(_), Some(_)) | (None, None) => {
                let message =
                    format!("limit `{name}` must have exactly one of `rate` and `concurrent`");
                problems.error(ONE_RULE, &["limits", name], message);
                continue;
            }
        };
        let per = match written.per {
            document::LimitPer::Address => LimitPer::Address,
            document::LimitPer::Operation => LimitPer::Operation,
            document::LimitPer::Principal => LimitPer::Principal,
            document::LimitPer::Tenant => LimitPer::Tenant,
        };
        limits.insert(LimitId::new(name), Limit { per, rule });
    }
    limits
}

fn rate_rule(name: &str, written: &document::Rate, problems: &mut Problems<'_>) -> LimitRule {
    let path = ["limits", name, "rate", "window"];
    let window = check::duration(&written.window, WINDOWS, &path, problems);
    // the shape has refused zero
    let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    LimitRule::Rate {
        amount: positive(written.amount),
        window,
        burst: positive(written.burst.unwrap_or(written.amount)),
    }
}
