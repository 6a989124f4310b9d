//! Who may vouch for a caller, and how is it verified?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use portcullis_model::ProviderId;

use crate::check;
use crate::declaration::{
    ApiKeyProvider, AttributeClaim, AttributeKind, Claims, JwtPrincipal, JwtProvider, KeySource,
    Provider,
};
use crate::document;
use crate::problems::{Problems, Rule};
use crate::resolve::secret::secret;
use crate::resolve::{certificate, signed};

const UNSAFE_URL: Rule = Rule {
    code: "PC0116",
    why: "whoever can change the answer on its way can sign as anybody",
    fix: "use `https://`; `http://` only to a loopback address",
};
const STALE: Rule = Rule {
    code: "PC0119",
    why: "keys must not be refused before they are asked for again",
    fix: "make `stale_until` longer than `fresh_for`",
};
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
const ATTRIBUTE: Rule = Rule {
    code: "PC0121",
    why: "policies read the attribute by its name, with one type for all providers",
    fix: "use lower case letters, digits and `_`, a name that is not built in, and the same type everywhere",
};

/// Attributes that every principal has; policies could not tell a claim from them.
const BUILT_IN: [&str; 6] = ["kind", "provider", "roles", "scopes", "subject", "tenant"];

/// Attributes of callers with a certificate begin like this.
const OF_CERTIFICATES: &str = "certificate_";

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
    let mut seen: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, written) in written {
        let mut alone = |key, value, path: [&str; 4]| {
            if let Some(other) = seen.insert((key, value), name) {
                let message = format!("providers `{name}` and `{other}` have the same {key}");
                problems.error(SHARED, &path, message);
            }
        };
        let provider = match written {
            document::Provider::Jwt(jwt) => {
                alone("issuer", &jwt.issuer, ["providers", name, "jwt", "issuer"]);
                same_types(name, jwt, &mut types, problems);
                Provider::Jwt(Box::new(jwt_provider(name, jwt, problems)))
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

fn same_types<'a>(
    name: &str,
    jwt: &'a document::Jwt,
    types: &mut BTreeMap<&'a str, &'static str>,
    problems: &mut Problems<'_>,
) {
    for (attribute, written) in &jwt.claims.attributes {
        let kind = match written.kind {
            document::AttributeKind::Flag => "flag",
            document::AttributeKind::Number => "number",
            document::AttributeKind::Text => "text",
            document::AttributeKind::Texts => "texts",
        };
        let path = ["providers", name, "jwt", "claims", "attributes", attribute];
        if let Some(other) = types.insert(attribute, kind).filter(|other| *other != kind) {
            let message =
                format!("`{attribute}` is a {kind} here and a {other} in another provider");
            problems.error(ATTRIBUTE, &path, message);
        }
        let ok = attribute.starts_with(|first: char| first.is_ascii_lowercase())
            && attribute.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let taken =
            BUILT_IN.contains(&attribute.as_str()) || attribute.starts_with(OF_CERTIFICATES);
        if !ok || taken {
            problems.error(
                ATTRIBUTE,
                &path,
                format!("`{attribute}` cannot be the name of an attribute"),
            );
        }
    }
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
        keys: key_source(name, &written.keys, problems),
        algorithms: written.algorithms.iter().map(|one| format!("{one:?}")).collect(),
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
        claims: claims(&written.claims),
        principal: match written.principal {
            document::PrincipalKind::User => JwtPrincipal::User,
            document::PrincipalKind::Workload => JwtPrincipal::Workload,
        },
    }
}

fn claims(written: &document::Claims) -> Claims {
    let attributes = written.attributes.iter().map(|(name, attribute)| {
        let kind = match attribute.kind {
            document::AttributeKind::Flag => AttributeKind::Flag,
            document::AttributeKind::Number => AttributeKind::Number,
            document::AttributeKind::Text => AttributeKind::Text,
            document::AttributeKind::Texts => AttributeKind::Texts,
        };
        let claim = attribute.claim.clone();
        (name.clone(), AttributeClaim { claim, kind, required: attribute.required })
    });
    Claims {
        tenant: written.tenant.clone(),
        scopes: written.scopes.clone(),
        roles: written.roles.clone(),
        attributes: attributes.collect(),
    }
}

fn key_source(name: &str, written: &document::KeySource, problems: &mut Problems<'_>) -> KeySource {
    match written {
        document::KeySource::File(file) => {
            let path = ["providers", name, "jwt", "keys", "file", "path"];
            check::filled(&file.path, &path, problems);
            KeySource::File { path: file.path.clone() }
        }
        document::KeySource::Url(written) => {
            let at = |key| ["providers", name, "jwt", "keys", "url", key];
            if !is_safe_url(&written.url) {
                let message = format!("keys cannot be fetched safely from `{}`", written.url);
                problems.error(UNSAFE_URL, &at("url"), message);
            }
            let fresh_for =
                check::duration(&written.fresh_for, (SECOND, DAY), &at("fresh_for"), problems);
            let longest = DAY.saturating_mul(7);
            let stale_until = check::duration(
                &written.stale_until,
                (SECOND, longest),
                &at("stale_until"),
                problems,
            );
            if stale_until <= fresh_for {
                problems.error(STALE, &at("stale_until"), "it is not longer than `fresh_for`");
            }
            KeySource::Url {
                url: written.url.clone(),
                fresh_for,
                stale_until,
                allow_addresses: check::networks(
                    &written.allow_addresses,
                    &at("allow_addresses"),
                    problems,
                ),
            }
        }
    }
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
