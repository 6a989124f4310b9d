//! Where are an issuer's keys, and can nobody on the way change them?

use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use ipnet::IpNet;

use crate::check;
use crate::declaration::{KeySource, MetadataDocument};
use crate::document;
use crate::problems::{Problems, Rule};

pub(super) const UNSAFE_URL: Rule = Rule {
    code: "PC0116",
    why: "whoever can change the answer on its way can sign as anybody",
    fix: "use `https://`; `http://` only to a loopback address",
};
const STALE: Rule = Rule {
    code: "PC0119",
    why: "keys must not be refused before they are asked for again",
    fix: "make `stale_until` longer than `fresh_for`",
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn source(
    name: &str,
    issuer: &str,
    written: &document::KeySource,
    problems: &mut Problems<'_>,
) -> KeySource {
    match written {
        document::KeySource::File(file) => {
            let path = ["providers", name, "jwt", "keys", "file", "path"];
            check::filled(&file.path, &path, problems);
            KeySource::File { path: file.path.clone() }
        }
        document::KeySource::Url(written) => {
            if !is_safe_url(&written.url) {
                let message = format!("keys cannot be fetched safely from `{}`", written.url);
                let path = ["providers", name, "jwt", "keys", "url", "url"];
                problems.error(UNSAFE_URL, &path, message);
            }
            let times = (written.fresh_for.as_str(), written.stale_until.as_str());
            let allowed = &written.allow_addresses;
            let (fresh_for, stale_until, allow_addresses) =
                bounds((name, "url"), times, allowed, problems);
            KeySource::Url { url: written.url.clone(), fresh_for, stale_until, allow_addresses }
        }
        document::KeySource::Discovery(written) => {
            if !is_safe_url(issuer) || issuer.contains(['?', '#']) {
                let message =
                    format!("`{issuer}` is no issuer whose metadata can be fetched safely");
                problems.error(UNSAFE_URL, &["providers", name, "jwt", "issuer"], message);
            }
            let times = (written.fresh_for.as_str(), written.stale_until.as_str());
            let allowed = &written.allow_addresses;
            let (fresh_for, stale_until, allow_addresses) =
                bounds((name, "discovery"), times, allowed, problems);
            let document = match written.document {
                document::MetadataDocument::OauthAuthorizationServer => {
                    MetadataDocument::AuthorizationServer
                }
                document::MetadataDocument::OpenidConfiguration => {
                    MetadataDocument::OpenIdConfiguration
                }
            };
            KeySource::Discovery { document, fresh_for, stale_until, allow_addresses }
        }
    }
}

fn bounds(
    (name, kind): (&str, &str),
    (fresh_for, stale_until): (&str, &str),
    allowed: &[String],
    problems: &mut Problems<'_>,
) -> (Duration, Duration, Vec<IpNet>) {
    let at = |key| ["providers", name, "jwt", "keys", kind, key];
    let fresh_for = check::duration(fresh_for, (SECOND, DAY), &at("fresh_for"), problems);
    let longest = DAY.saturating_mul(7);
    let stale_until = check::duration(stale_until, (SECOND, longest), &at("stale_until"), problems);
    if stale_until <= fresh_for {
        problems.error(STALE, &at("stale_until"), "it is not longer than `fresh_for`");
    }
    let networks = check::networks(allowed, &at("allow_addresses"), problems);
    (fresh_for, stale_until, networks)
}

/// Whether nobody on the way can read or change what is exchanged with the URL.
pub(super) fn is_safe_url(text: &str) -> bool {
    let Ok(url) = text.parse::<Uri>() else { return false };
    let Some(host) = url.host().filter(|host| !host.is_empty()) else { return false };
    let bare = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    match url.scheme_str() {
        Some("https") => bare,
        Some("http") => {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            bare && address.is_ok_and(|address| address.is_loopback())
        }
        Some(_) | None => false,
    }
}
