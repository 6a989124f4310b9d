//! Where is an API in its life? Dates that contradict each other, or that nothing would tell anybody,
//! are found here.

use std::time::Duration;

use http::Uri;
use portcullis_model::Timestamp;

use crate::check;
use crate::declaration::{Life, Lifecycle, Maintenance};
use crate::document;
use crate::problems::{Problems, Rule};

const CONTRADICTION: Rule = Rule {
    code: "PC0150",
    why: "callers plan by these dates; what contradicts itself tells them nothing",
    fix: "give `deprecated` its `deprecated_since` and a later `sunset`, and `active` none of them",
};

const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));

/// Longest message to clients, in bytes.
const MESSAGE_BYTES_MAX: usize = 500;

/// Resolves where an API is in its life.
pub(super) fn life(name: &str, written: &document::Api, problems: &mut Problems<'_>) -> Life {
    let at = |key| ["apis", name, key];
    let mut date =
        |text: Option<&String>, key| text.and_then(|text| moment(text, &at(key), problems));
    let deprecated_since = date(written.deprecated_since.as_ref(), "deprecated_since");
    let sunset = date(written.sunset.as_ref(), "sunset");
    let link = written.link.as_ref().filter(|link| {
        let ok = link.parse::<Uri>().is_ok_and(|url| {
            url.scheme_str() == Some("https") && url.host().is_some_and(|host| !host.is_empty())
        });
        if !ok {
            let message = format!("`{link}` is not the `https` address of a page");
            problems.error(check::VALUE, &at("link"), message);
        }
        ok
    });
    let stage = match written.lifecycle {
        document::Lifecycle::Active => Lifecycle::Active,
        document::Lifecycle::Deprecated => Lifecycle::Deprecated,
        document::Lifecycle::Retired => Lifecycle::Retired,
    };
    contradictions(name, written, problems);
    if let (Some(since), Some(sunset)) = (deprecated_since, sunset)
        && sunset <= since
    {
        let message = format!("API `{name}` ends before it is deprecated");
        problems.error(CONTRADICTION, &at("sunset"), message);
    }
    let maintenance = written.maintenance.as_ref().map(|one| maintenance(name, one, problems));
    Life { stage, deprecated_since, sunset, link: link.cloned(), maintenance }
}

fn contradictions(name: &str, written: &document::Api, problems: &mut Problems<'_>) {
    let at = |key| ["apis", name, key];
    let dates = [
        ("deprecated_since", written.deprecated_since.is_some()),
        ("sunset", written.sunset.is_some()),
        ("link", written.link.is_some()),
    ];
    match written.lifecycle {
        document::Lifecycle::Active => {
            for (key, _) in dates.into_iter().filter(|(_, given)| *given) {
                let message = format!("API `{name}` is active, and has `{key}`");
                problems.error(CONTRADICTION, &at(key), message);
            }
        }
        document::Lifecycle::Deprecated => {
            if written.deprecated_since.is_none() {
                let message = format!("it is not said since when API `{name}` is deprecated");
                problems.error(CONTRADICTION, &at("lifecycle"), message);
            } else if written.sunset.is_none() {
                let message = format!("it is not said when deprecated API `{name}` ends");
                problems.warning(CONTRADICTION, &at("lifecycle"), message);
            }
        }
        document::Lifecycle::Retired => {
            if written.maintenance.is_some() {
                let message = format!("API `{name}` is retired, and is maintained");
                problems.error(CONTRADICTION, &at("maintenance"), message);
            }
        }
    }
}

fn maintenance(
    api: &str,
    written: &document::Maintenance,
    problems: &mut Problems<'_>,
) -> Maintenance {
    let at = |key| ["apis", api, "maintenance", key];
    if let Some(message) = &written.message
        && (message.trim().is_empty() || message.len() > MESSAGE_BYTES_MAX)
    {
        let message = format!("it must have 1 to {MESSAGE_BYTES_MAX} bytes");
        problems.error(check::VALUE, &at("message"), message);
    }
    Maintenance {
        until: written.until.as_ref().and_then(|text| moment(text, &at("until"), problems)),
        retry_after: check::duration(&written.retry_after, RETRY, &at("retry_after"), problems),
        message: written.message.clone(),
    }
}

fn moment(text: &str, path: &[&str], problems: &mut Problems<'_>) -> Option<Timestamp> {
    let read = Timestamp::parse(text);
    if read.is_none() {
        let message =
            format!("`{text}` is not a date such as `2026-12-31` or `2026-12-31T06:00:00Z`");
        problems.error(check::VALUE, path, message);
    }
    read
}
