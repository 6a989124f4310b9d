//! Who may vouch for a caller, and how is it verified?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portcullis_model::ProviderId;

use crate::check;
use crate::declaration::{ApiKeyProvider, JwtPrincipal, JwtProvider, Provider};
use crate::document;
use crate::problems::{Problems, Rule};
use crate::resolve::secret::secret;
use crate::resolve::{certificate, claims, introspection, keys, profile, signed, workload};

const HEADER: Rule = Rule {
    code: "PC0107",
    why: "a header with another meaning cannot carry keys",
    fix: "use a name of its own in lower case, such as `x-api-key`",
};
const SHARED: Rule = Rule {
    code: "PC0117",
    why: "which provider vouches for a caller would be chance",
    fix: "give each provider its own",
};
/// Headers that mean something else.
const TAKEN: [&str; 12] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "origin",
    "proxy-authorization",
    "te",
    "transfer-encoding",
];

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn providers(
    written: &BTreeMap<String, document::Provider>,
    problems: &mut Problems<'_>,
) -> BTreeMap<ProviderId, Provider> {
    let mut providers = BTreeMap::new();
    let mut seen: BTreeMap<(&str, String), &str> = BTreeMap::new();
    let mut types = claims::Types::default();
    for (name, written) in written {
        let mut alone = |key, value: &str, path: [&str; 4]| {
            if let Some(other) = seen.insert((key, value.to_owned()), name) {
                let message = format!("providers `{name}` and `{other}` have the same {key}");
                problems.error(SHARED, &path, message);
            }
        };
        let provider = match written {
            document::Provider::Jwt(jwt) => {
                alone("issuer", &jwt.issuer, ["providers", name, "jwt", "issuer"]);
                types.note([name, "jwt"], &jwt.claims, problems);
                profile::judge(name, jwt, problems);
                Provider::Jwt(Box::new(jwt_provider(name, jwt, problems)))
            }
            document::Provider::Introspection(written) => {
                let path = ["providers", name, "introspection", "endpoint"];
                alone("endpoint", &written.endpoint, path);
                types.note([name, "introspection"], &written.claims, problems);
                let provider = introspection::provider(name, written, problems);
                Provider::Introspection(Box::new(provider))
            }
            document::Provider::Workload(written) => {
                let path = ["providers", name.as_str(), "workload", "from"];
                let issuer = workload::issuer(written);
                alone("issuer", &issuer, path);
                Provider::Jwt(Box::new(workload::provider(name, written, problems)))
            }
            document::Provider::ApiKeys(keys) => {
                alone("header", &keys.header, ["providers", name, "api_keys", "header"]);
                Provider::ApiKeys(api_key_provider(name, keys, problems))
            }
            document::Provider::Certificates(written) => {
                Provider::Certificates(certificate::provider(name, written, problems))
            }
            document::Provider::Signatures(written) => {
                Provider::Signatures(signed::signatures(name, written, problems))
            }
            document::Provider::Webhook(written) => {
                Provider::Webhook(signed::webhook(name, written, problems))
            }
        };
        providers.insert(ProviderId::new(name), provider);
    }
    providers
}

fn jwt_provider(name: &str, written: &document::Jwt, problems: &mut Problems<'_>) -> JwtProvider {
    let at = |key| ["providers", name, "jwt", key];
    check::filled(&written.issuer, &at("issuer"), problems);
    if written.algorithms.is_empty() {
        problems.error(check::VALUE, &at("algorithms"), "there is no algorithm");
    }
    let types = check::set(&written.types, &at("types"), problems);
    for kind in &types {
        if kind.starts_with("application/") || *kind != kind.to_ascii_lowercase() {
            let message = format!("`{kind}` must be lower case, without `application/`");
            problems.error(check::VALUE, &at("types"), message);
        }
    }
    JwtProvider {
        issuer: written.issuer.clone(),
        audiences: check::set(&written.audiences, &at("audiences"), problems),
        single_audience: written.single_audience,
        keys: keys::source(name, &written.issuer, &written.keys, problems),
        algorithms: written.algorithms.iter().map(|one| format!("{one:?}")).collect(),
        relaxed: profile::relaxed(&written.relaxed),
        types,
        clock_skew: check::duration(
            &written.clock_skew,
            (Duration::ZERO, SECOND.saturating_mul(300)),
            &at("clock_skew"),
            problems,
        ),
        max_lifetime: check::duration(
            &written.max_lifetime,
            (SECOND, DAY.saturating_mul(30)),
            &at("max_lifetime"),
            problems,
        ),
        actors: actors(name, &written.actors, problems),
        claims: claims::resolved([name, "jwt"], &written.claims, problems),
        principal: match written.principal {
            document::PrincipalKind::User => JwtPrincipal::User,
            document::PrincipalKind::Workload => JwtPrincipal::Workload,
        },
        workload: None,
    }
}

fn actors(name: &str, written: &[String], problems: &mut Problems<'_>) -> BTreeSet<String> {
    match written {
        [] => BTreeSet::new(),
        some => check::set(some, &["providers", name, "jwt", "actors"], problems),
    }
}

fn api_key_provider(
    name: &str,
    written: &document::ApiKeys,
    problems: &mut Problems<'_>,
) -> ApiKeyProvider {
    let at = |key| ["providers", name, "api_keys", key];
    let token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let header = &written.header;
    let ours = header.starts_with("x-portcullis-") || header.starts_with("x-forwarded-");
    if header.is_empty() || !header.bytes().all(token) || TAKEN.contains(&header.as_str()) || ours {
        problems.error(HEADER, &at("header"), format!("`{header}` cannot carry API keys"));
    }
    check::filled(&written.store, &at("store"), problems);
    let pepper = secret(&written.pepper);
    ApiKeyProvider { header: header.clone(), store: written.store.clone(), pepper }
}
