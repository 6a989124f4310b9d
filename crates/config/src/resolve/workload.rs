//! Which programs of which platform are meant, and are no others let in by mistake? A preset becomes a
//! provider of signed tokens; what is commonly got wrong with its platform is said here.

mod platform;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::check;
use crate::declaration::{
    AttributeClaim, AttributeKind, Claims, Grant, JwtPrincipal, JwtProvider, KeySource,
};
use crate::document::Workload;
use crate::problems::{Problems, Rule};
use crate::resolve::keys;

use self::platform::Known;

const EVERYBODYS: Rule = Rule {
    code: "PC0195",
    why: "tokens for this audience are made for the platform itself or for anybody, so that whoever receives one could show it here",
    fix: "use an audience of your own, such as the URL of the API, and have programs ask for it",
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Keys of platforms are asked for again after this,
const FRESH_FOR: Duration = Duration::from_secs(300);

/// and served without an answer until this.
const STALE_UNTIL: Duration = Duration::from_secs(3600);

/// What is tolerated between clocks.
const SKEW: Duration = Duration::from_secs(30);

/// Audiences that platforms use themselves.
const TAKEN: [&str; 9] = [
    "00000003-0000-0000-c000-000000000000",
    "api://AzureADTokenExchange",
    "https://graph.microsoft.com",
    "https://kubernetes.default.svc",
    "https://kubernetes.default.svc.cluster.local",
    "https://management.azure.com",
    "kubernetes",
    "sts.amazonaws.com",
    "https://gitlab.com",
];

/// Signatures that platforms use; each key is pinned to one.
const ALGORITHMS: [&str; 5] = ["ES256", "ES384", "PS256", "RS256", "RS384"];

/// The issuer of a platform, which no other provider may have.
pub(super) fn issuer(written: &Workload) -> String {
    platform::known(&written.from).issuer
}

pub(super) fn provider(name: &str, written: &Workload, problems: &mut Problems<'_>) -> JwtProvider {
    let at = |key| ["providers", name, "workload", key];
    let known = platform::known(&written.from);
    platform::judge(name, &written.from, problems);
    let audiences = check::set(&written.audiences, &at("audiences"), problems);
    for audience in &audiences {
        let bare = audience.trim_end_matches('/');
        let owner = bare.strip_prefix("https://github.com/").is_some_and(|one| !one.contains('/'));
        if TAKEN.contains(&bare) || bare == known.issuer.trim_end_matches('/') || owner {
            let message = format!("`{audience}` is an audience that the platform uses itself");
            problems.error(EVERYBODYS, &at("audiences"), message);
        }
    }
    let keys = keys_of(name, written, &known, problems);
    let max_lifetime = match &written.max_lifetime {
        None => known.lifetime,
        Some(text) => check::duration(text, (SECOND, DAY), &at("max_lifetime"), problems),
    };
    let attributes = known.attributes.iter().map(|(attribute, claim)| {
        let claim = (*claim).to_owned();
        let rule = AttributeClaim { claim, kind: AttributeKind::Text, required: false };
        (format!("workload_{attribute}"), rule)
    });
    let claims = Claims { attributes: attributes.collect(), ..Claims::default() };
    let mut workload = known.rule;
    workload.grant = Grant {
        tenant: written.grant.tenant.clone(),
        scopes: written.grant.scopes.iter().cloned().collect(),
        roles: written.grant.roles.iter().cloned().collect(),
    };
    JwtProvider {
        issuer: known.issuer,
        audiences,
        single_audience: true,
        keys,
        algorithms: ALGORITHMS.iter().map(|one| (*one).to_owned()).collect(),
        relaxed: BTreeSet::new(),
        types: known.types.iter().map(|one| (*one).to_owned()).collect(),
        clock_skew: SKEW,
        max_lifetime,
        actors: BTreeSet::new(),
        claims,
        principal: JwtPrincipal::Workload,
        workload: Some(workload),
    }
}

fn keys_of(
    name: &str,
    written: &Workload,
    known: &Known,
    problems: &mut Problems<'_>,
) -> KeySource {
    let Some(keys) = &written.keys else {
        if !keys::is_safe_url(&known.keys) {
            let message = format!("keys cannot be fetched safely from `{}`", known.keys);
            problems.error(keys::UNSAFE_URL, &["providers", name, "workload", "from"], message);
        }
        return KeySource::Url {
            url: known.keys.clone(),
            fresh_for: FRESH_FOR,
            stale_until: STALE_UNTIL,
            allow_addresses: Vec::new(),
        };
    };
    keys::source(name, &known.issuer, keys, problems)
}
