//! Do the rules of an upstream fit each other, and does each have an effect?

use std::time::Duration;

use super::address::are_fixed;
use crate::check;
use crate::declaration::{Balance, Circuit, Dns, Health, HostPort, Outlier, Retries};
use crate::document;
use crate::problems::{Problems, Rule};

/// Times that contradict each other.
pub(super) const TIMES: Rule = Rule {
    code: "PC0143",
    why: "the shorter of the two times would decide, and the other one would say nothing",
    fix: "make the part shorter than the whole",
};
const IDLE: Rule = Rule {
    code: "PC0142",
    why: "a rule without effect is one that readers think is enforced",
    fix: "remove it, or declare what it is meant for",
};
const STATUSES: Rule = Rule {
    code: "PC0144",
    why: "any other answer is the upstream's own, and it may have acted on the request",
    fix: "use 502, 503 and 504 only",
};

const REFRESH: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));
const KEEP: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));
const CHECKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(600));
const EJECTED: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3600));

pub(super) fn dns(
    name: &str,
    written: &document::Upstream,
    addresses: &[HostPort],
    problems: &mut Problems<'_>,
) -> Dns {
    let at = |key| ["upstreams", name, "dns", key];
    if written.dns.is_some() && are_fixed(addresses) {
        let message = "there is no name to look up";
        problems.error(IDLE, &["upstreams", name, "dns"], message);
    }
    let default = document::Dns::default();
    let written = written.dns.as_ref().unwrap_or(&default);
    let refresh = check::duration(&written.refresh, REFRESH, &at("refresh"), problems);
    let keep_for = check::duration(&written.keep_for, KEEP, &at("keep_for"), problems);
    if keep_for < refresh {
        let message = "an answer counts for less time than until the next lookup";
        problems.error(TIMES, &at("keep_for"), message);
    }
    Dns { refresh, keep_for }
}

pub(super) fn balance(
    name: &str,
    written: &document::Upstream,
    addresses: &[HostPort],
    problems: &mut Problems<'_>,
) -> Balance {
    let balance = match written.balance {
        document::Balance::ByPrincipal => Balance::ByPrincipal,
        document::Balance::ByTenant => Balance::ByTenant,
        document::Balance::LeastRequest => Balance::LeastRequest,
    };
    if balance != Balance::LeastRequest && addresses.len() == 1 && are_fixed(addresses) {
        let message = "there is one address, and nothing to choose";
        problems.error(IDLE, &["upstreams", name, "balance"], message);
    }
    balance
}

pub(super) fn health(
    name: &str,
    written: &document::Upstream,
    problems: &mut Problems<'_>,
) -> Option<Health> {
    let written = written.health.as_ref()?;
    let at = |key| ["upstreams", name, "health", key];
    let visible = |b: u8| b.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&b);
    if !written.path.starts_with('/') || !written.path.bytes().all(visible) {
        let message = format!("`{}` is not a path such as `/healthz`", written.path);
        problems.error(check::VALUE, &at("path"), message);
    }
    let interval = check::duration(&written.interval, CHECKS, &at("interval"), problems);
    let timeout = check::duration(&written.timeout, CHECKS, &at("timeout"), problems);
    if timeout > interval {
        let message = "an answer may take longer than until the next question";
        problems.error(TIMES, &at("timeout"), message);
    }
    let good = |status: &u16| (200..600).contains(status);
    if written.statuses.is_empty() || !written.statuses.iter().all(good) {
        let message = "at least one status from 200 to 599, and none else";
        problems.error(check::VALUE, &at("statuses"), message);
    }
    Some(Health {
        path: written.path.clone(),
        interval,
        timeout,
        unhealthy_after: written.unhealthy_after,
        healthy_after: written.healthy_after,
        statuses: written.statuses.clone(),
    })
}

pub(super) fn outlier(
    name: &str,
    written: &document::Upstream,
    addresses: &[HostPort],
    problems: &mut Problems<'_>,
) -> Option<Outlier> {
    let written = written.outlier.as_ref()?;
    let at = |key| ["upstreams", name, "outlier", key];
    let share = addresses.len().saturating_mul(usize::from(written.ejected_percent_max)) / 100;
    if are_fixed(addresses) && share.min(addresses.len().saturating_sub(1)) == 0 {
        let message = format!(
            "{} % of {} addresses, and never the last, is none",
            written.ejected_percent_max,
            addresses.len()
        );
        problems.error(IDLE, &["upstreams", name, "outlier"], message);
    }
    let eject_for = check::duration(&written.eject_for, EJECTED, &at("eject_for"), problems);
    let eject_for_max =
        check::duration(&written.eject_for_max, EJECTED, &at("eject_for_max"), problems);
    if eject_for_max < eject_for {
        let message = "the longest ejection is shorter than the first";
        problems.error(TIMES, &at("eject_for_max"), message);
    }
    Some(Outlier {
        consecutive_failures: written.consecutive_failures,
        eject_for,
        eject_for_max,
        ejected_percent_max: written.ejected_percent_max,
    })
}

pub(super) const fn circuit(written: &document::Upstream) -> Circuit {
    Circuit {
        requests_max: written.circuit.requests_max,
        pending_max: written.circuit.pending_max,
        retries_max: written.circuit.retries_max,
    }
}

pub(super) fn retries(
    name: &str,
    upstream: &document::Upstream,
    problems: &mut Problems<'_>,
) -> Retries {
    let written = &upstream.retries;
    let at = ["upstreams", name, "retries", "statuses"];
    for status in &written.statuses {
        if !(502..=504).contains(status) {
            problems.error(STATUSES, &at, format!("{status} is an answer"));
        }
    }
    if written.attempts_max == 0 && !written.statuses.is_empty() {
        problems.error(IDLE, &at, "nothing is sent again");
    }
    if written.attempts_max == 0 && upstream.try_timeout.is_some() {
        let message = "there is one try only, and `response_timeout` is its time";
        problems.error(IDLE, &["upstreams", name, "try_timeout"], message);
    }
    Retries {
        attempts_max: written.attempts_max,
        statuses: written.statuses.clone(),
        budget_percent: written.budget_percent,
    }
}
