//! Do the claims of a verified token hold here and now, and whom do they name? Types are exact:
//! a number is a whole number, a text is a text, an audience is texts only.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_model::{Attribute, CredentialKind, CredentialRef, Principal, Reason, Timestamp};
use serde_json::{Map, Value};

use super::rules::{AttributeKind, Rules};
use super::{actors, workload};
use crate::authenticated::{Binding, Refused, hex};

/// Longest `sub`, `client_id` and `jti` in bytes.
const TEXT_BYTES_MAX: usize = 255;

/// Latest accepted time, in seconds since the epoch: the year 9999.
const SECS_MAX: u64 = 253_402_300_799;

/// Length of a SHA-256.
const DIGEST_BYTES: usize = 32;

type Claims = Map<String, Value>;

/// What a token is bound to (RFC 8705 section 3.1, RFC 9449 section 6.1). A binding of another kind is
/// one that no proof here shows.
pub(crate) fn bound_to(claims: &Claims) -> Result<Binding, Refused> {
    let mut binding = Binding::default();
    let Some(confirmation) = claims.get("cnf") else { return Ok(binding) };
    let members = confirmation.as_object().filter(|members| !members.is_empty());
    for (name, value) in members.ok_or_else(unprovable)? {
        let text = value.as_str().ok_or_else(unprovable)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unprovable())?;
        if bytes.len() != DIGEST_BYTES {
            return Err(unprovable());
        }
        match name.as_str() {
            "jkt" => binding.key = Some(text.to_owned()),
            "x5t#S256" => binding.certificate = Some(hex(&bytes)),
            _ => return Err(unprovable()),
        }
    }
    Ok(binding)
}

fn unprovable() -> Refused {
    let detail = "the token is bound to its sender in a way that no proof here shows";
    Refused::new(Reason::CredentialNotAccepted, detail)
}

/// Judges the claims of a token whose signature was verified.
pub(super) fn judge(
    claims: &Claims,
    handle: &str,
    rules: &Rules,
    now: Timestamp,
) -> Result<Principal, Refused> {
    audience(claims, rules)?;
    let (issued_at, expires_at) = times(claims, rules, now)?;
    let credential = CredentialRef {
        kind: CredentialKind::Jwt,
        handle: handle.to_owned(),
        issued_at: Some(issued_at),
        expires_at: Some(expires_at),
    };
    named(claims, "sub", credential, rules)
}

/// The principal of claims that hold; its subject is in this one.
pub(crate) fn named(
    claims: &Claims,
    subject: &str,
    credential: CredentialRef,
    rules: &Rules,
) -> Result<Principal, Refused> {
    let mut principal = Principal {
        kind: rules.kind,
        provider: Some(rules.provider.clone()),
        subject: filled(claims, subject)?,
        credential: Some(credential),
        ..Principal::anonymous()
    };
    if let Some(name) = &rules.tenant {
        principal.tenant = text(claims, name)?;
    }
    if let Some(name) = &rules.scopes {
        principal.scopes = scopes(claims, name)?;
    }
    if let Some(name) = &rules.roles {
        principal.roles = text_or_texts(claims, name)?.unwrap_or_default();
    }
    if let Some(rule) = &rules.workload {
        workload::judge(|name| find(claims, name), rule, &mut principal)?;
    }
    principal.actors = actors::chain(claims, &rules.actors)?;
    principal.may_act = actors::may_act(claims)?;
    for (attribute, rule) in &rules.attributes {
        match value(claims, &rule.claim, rule.kind)? {
            Some(value) => {
                principal.attributes.insert(attribute.clone(), value);
            }
            None if rule.required => return Err(invalid(&rule.claim)),
            None => {}
        }
    }
    Ok(principal)
}

/// Judges what RFC 9068 section 2.2 requires of an access token besides what every token must say.
pub(super) fn profile(claims: &Claims, rules: &Rules) -> Result<(), Refused> {
    rules.required.iter().try_for_each(|name| filled(claims, name).map(|_| ()))
}

/// A text that is there and not too long.
fn filled(claims: &Claims, name: &str) -> Result<String, Refused> {
    let text = text(claims, name)?.ok_or_else(|| invalid(name))?;
    if text.is_empty() || text.len() > TEXT_BYTES_MAX { Err(invalid(name)) } else { Ok(text) }
}

/// A claim by its name, or by a JSON Pointer (RFC 6901).
fn find<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    let Some(pointer) = name.strip_prefix('/') else { return claims.get(name) };
    let (first, rest) = match pointer.split_once('/') {
        Some((first, _)) => (first, pointer.strip_prefix(first).unwrap_or_default()),
        None => (pointer, ""),
    };
    claims.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
}

/// Scopes are a text with spaces between them, or an array of texts without.
fn scopes(claims: &Claims, name: &str) -> Result<BTreeSet<String>, Refused> {
    if let Some(Value::Array(_)) = find(claims, name) {
        let scopes = texts(claims, name)?.unwrap_or_default();
        let plain = |scope: &String| !scope.is_empty() && !scope.contains(' ');
        return if scopes.iter().all(plain) { Ok(scopes) } else { Err(invalid(name)) };
    }
    let scopes = text(claims, name)?.unwrap_or_default();
    Ok(scopes.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
}

/// Whether we are meant.
pub(crate) fn audience(claims: &Claims, rules: &Rules) -> Result<(), Refused> {
    let refused = |detail: &str| Refused::new(Reason::AudienceRefused, detail);
    let named: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => {
            let texts: Option<Vec<&str>> = many.iter().map(Value::as_str).collect();
            texts.ok_or_else(|| refused("`aud` holds something that is no text"))?
        }
        Some(_) | None => return Err(refused("`aud` is missing or no text")),
    };
    let ours = named.iter().filter(|one| rules.audiences.contains(**one)).count();
    if ours == 0 {
        return Err(refused("`aud` names none of ours"));
    }
    if rules.single_audience && named.len() > ours {
        return Err(refused("`aud` names others too"));
    }
    Ok(())
}

fn times(
    claims: &Claims,
    rules: &Rules,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), Refused> {
    let expires_at = time(claims, "exp")?.ok_or_else(|| invalid("exp"))?;
    let issued_at = time(claims, "iat")?.ok_or_else(|| invalid("iat"))?;
    let not_before = time(claims, "nbf")?.unwrap_or(issued_at);
    if now >= expires_at.plus(rules.clock_skew) {
        return Err(Refused::new(Reason::TokenExpired, "`exp` has passed"));
    }
    if issued_at > now.plus(rules.clock_skew) || not_before > now.plus(rules.clock_skew) {
        return Err(Refused::new(Reason::TokenNotYetValid, "`iat` or `nbf` lies ahead"));
    }
    if expires_at.since(issued_at) > rules.max_lifetime {
        return Err(Refused::new(Reason::TokenLifetimeTooLong, "from `iat` to `exp`"));
    }
    Ok((issued_at, expires_at))
}

/// A whole number of seconds, written as such.
pub(crate) fn time(claims: &Claims, name: &str) -> Result<Option<Timestamp>, Refused> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_u64().filter(|secs| *secs <= SECS_MAX) {
            Some(secs) => Ok(Some(Timestamp::from_secs(secs))),
            None => Err(invalid(name)),
        },
    }
}

/// A text, where there is one.
pub(crate) fn text(claims: &Claims, name: &str) -> Result<Option<String>, Refused> {
    match find(claims, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid(name)),
    }
}

fn texts(claims: &Claims, name: &str) -> Result<Option<BTreeSet<String>>, Refused> {
    let Some(value) = find(claims, name) else { return Ok(None) };
    let items = value.as_array().ok_or_else(|| invalid(name))?;
    let texts: Option<BTreeSet<String>> =
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
    texts.map(Some).ok_or_else(|| invalid(name))
}

/// One text is as good as an array of it alone.
fn text_or_texts(claims: &Claims, name: &str) -> Result<Option<BTreeSet<String>>, Refused> {
    match find(claims, name) {
        Some(Value::String(one)) => Ok(Some(BTreeSet::from([one.clone()]))),
        Some(_) | None => texts(claims, name),
    }
}

fn value(claims: &Claims, name: &str, kind: AttributeKind) -> Result<Option<Attribute>, Refused> {
    let Some(value) = find(claims, name) else { return Ok(None) };
    let read = match kind {
        AttributeKind::Flag => value.as_bool().map(Attribute::Flag),
        AttributeKind::Number => value.as_i64().map(Attribute::Number),
        AttributeKind::Text => text(claims, name)?.map(Attribute::Text),
        AttributeKind::Texts => texts(claims, name)?.map(Attribute::Texts),
        AttributeKind::TextOrTexts => text_or_texts(claims, name)?.map(Attribute::Texts),
    };
    read.map(Some).ok_or_else(|| invalid(name))
}

/// The claim is missing or has the wrong form.
pub(crate) fn invalid(name: &str) -> Refused {
    Refused::new(Reason::ClaimInvalid, format!("claim `{name}` is missing or has the wrong form"))
}
