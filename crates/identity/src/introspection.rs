//! What does an issuer say of a token that only it can read (RFC 7662)? Its answer is read strictly and
//! judged anew for every request: that it was kept never makes a token good for longer.
//!
//! An answer is about one provider's tokens, by the rules of that provider; asking and keeping are
//! the business of others.

use std::fmt;

use portcullis_model::{CredentialKind, CredentialRef, Reason, Timestamp};
use portcullis_reading::json;
use serde_json::{Map, Value};

use crate::authenticated::{Authenticated, Refused, hex, token_digest};
use crate::jwt::Rules;
use crate::jwt::claims;

/// Longest opaque token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// Largest answer, in bytes.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Deepest nesting of an answer.
const DEPTH_MAX: u16 = 8;

/// A token that only its issuer can read. Its text shows in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct OpaqueToken {
    text: String,
    digest: [u8; 32],
}

impl OpaqueToken {
    /// A token, if it is one in length.
    ///
    /// # Errors
    /// `identify.credential_malformed` where it is longer than any.
    pub fn new(text: &str) -> Result<Self, Refused> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(Refused::new(Reason::CredentialMalformed, "the token exceeds its bound"));
        }
        Ok(Self { text: text.to_owned(), digest: token_digest(text) })
    }

    /// The token itself, to be shown to its issuer and nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the token: its name in caches.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl fmt::Debug for OpaqueToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueToken(..)")
    }
}

/// What an issuer answered about a token. It is no caller before it is judged.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    active: bool,
    claims: Map<String, Value>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("active", &self.active).finish_non_exhaustive()
    }
}

/// Reads an answer.
///
/// # Errors
/// Says why it is not strict JSON with a truth value in `active` (RFC 7662 section 2.2).
pub fn read(bytes: &[u8]) -> Result<Answer, String> {
    let bounds = json::Bounds::new(DEPTH_MAX, ANSWER_BYTES_MAX);
    match json::parse(bytes, &bounds).map_err(|error| error.to_string())? {
        Value::Object(claims) => match claims.get("active") {
            Some(Value::Bool(active)) => Ok(Answer { active: *active, claims }),
            Some(_) | None => Err("`active` is no truth value".to_owned()),
        },
        _ => Err("it is no JSON object".to_owned()),
    }
}

impl Answer {
    /// Whether the issuer says that the token is good.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.active
    }

    /// Judges it here and now.
    ///
    /// # Errors
    /// `identify.token_inactive`, or the first rule that it breaks.
    pub fn judge(
        &self,
        token: &OpaqueToken,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Authenticated, Refused> {
        if !self.active {
            return Err(Refused::new(Reason::TokenInactive, "the issuer says so"));
        }
        let claims = &self.claims;
        match claims::text(claims, "iss")? {
            Some(issuer) if issuer == rules.issuer => {}
            None if !rules.required.contains("iss") => {}
            Some(_) | None => {
                let detail = "`iss` of the answer is not the declared issuer";
                return Err(Refused::new(Reason::IssuerRefused, detail));
            }
        }
        claims::audience(claims, rules)?;
        kind(claims)?;
        let credential = CredentialRef {
            kind: CredentialKind::OpaqueToken,
            handle: hex(token.digest.get(..16).unwrap_or_default()),
            issued_at: claims::time(claims, "iat")?,
            expires_at: Some(expiry(claims, rules, now)?),
        };
        let is_named = rules.required.contains("sub") || claims.contains_key("sub");
        let subject = if is_named { "sub" } else { "client_id" };
        let principal = claims::named(claims, subject, credential, rules)?;
        Ok(Authenticated::bound(principal, claims::bound_to(claims)?))
    }
}

/// What is not a token of access is none, whatever it is good for.
fn kind(claims: &Map<String, Value>) -> Result<(), Refused> {
    match claims::text(claims, "token_type")? {
        None => Ok(()),
        Some(kind) if ["bearer", "dpop"].iter().any(|known| kind.eq_ignore_ascii_case(known)) => {
            Ok(())
        }
        Some(_) => Err(Refused::new(Reason::TokenTypeRefused, "`token_type` of the answer")),
    }
}

fn expiry(
    claims: &Map<String, Value>,
    rules: &Rules,
    now: Timestamp,
) -> Result<Timestamp, Refused> {
    let expires_at = claims::time(claims, "exp")?.ok_or_else(|| claims::invalid("exp"))?;
    if now >= expires_at.plus(rules.clock_skew) {
        return Err(Refused::new(Reason::TokenExpired, "`exp` has passed"));
    }
    for name in ["iat", "nbf"] {
        let begins = claims::time(claims, name)?;
        if begins.is_some_and(|begins| begins > now.plus(rules.clock_skew)) {
            return Err(Refused::new(Reason::TokenNotYetValid, "`iat` or `nbf` lies ahead"));
        }
    }
    Ok(expires_at)
}

#[cfg(test)]
mod tests {
    use super::{OpaqueToken, TOKEN_BYTES_MAX, read};
    use crate::jwt::Rules;
    use portcullis_model::{PrincipalKind, Reason, Timestamp};
    use serde_json::{Value, json};
    use std::time::Duration;

    const NOW: u64 = 1_800_000_000;

    fn rules(required: &[&str]) -> Rules {
        Rules {
            provider: "opaque".into(),
            issuer: "https://id.example".into(),
            audiences: ["api".to_owned()].into(),
            single_audience: false,
            algorithms: Default::default(),
            required: required.iter().map(|name| (*name).to_owned()).collect(),
            types: Default::default(),
            clock_skew: Duration::from_secs(30),
            max_lifetime: Duration::ZERO,
            kind: PrincipalKind::User,
            tenant: Some("tenant".into()),
            scopes: Some("scope".into()),
            roles: None,
            actors: Default::default(),
            workload: None,
            attributes: Default::default(),
        }
    }

    /// Null removes a member.
    fn judged(changes: &Value, required: &[&str]) -> Result<String, Reason> {
        let mut answer = json!({"active": true, "iss": "https://id.example", "aud": "api",
            "sub": "ann", "exp": NOW + 60, "iat": NOW - 60, "tenant": "acme", "scope": "a b",
            "client_id": "app", "token_type": "Bearer"});
        for (name, value) in changes.as_object().unwrap() {
            answer[name] = value.clone();
            if value.is_null() {
                answer.as_object_mut().unwrap().remove(name);
            }
        }
        let token = OpaqueToken::new("abc").unwrap();
        let answer = read(answer.to_string().as_bytes()).unwrap();
        let judged = answer.judge(&token, &rules(required), Timestamp::from_secs(NOW));
        judged.map(|caller| caller.principal().subject.clone()).map_err(|refused| refused.reason)
    }

    #[test]
    fn t66_answers_are_judged_strictly() {
        let all = ["iss", "sub"];
        assert_eq!(judged(&json!({}), &all), Ok("ann".to_owned()));
        for (changes, reason) in [
            (json!({"active": false}), Reason::TokenInactive),
            (json!({"exp": null}), Reason::ClaimInvalid),
            (json!({"exp": "1900000000"}), Reason::ClaimInvalid),
            (json!({"exp": NOW - 31}), Reason::TokenExpired),
            (json!({"nbf": NOW + 31}), Reason::TokenNotYetValid),
            (json!({"iat": NOW + 31}), Reason::TokenNotYetValid),
            (json!({"aud": "other"}), Reason::AudienceRefused),
            (json!({"aud": null}), Reason::AudienceRefused),
            (json!({"iss": "https://id.example/"}), Reason::IssuerRefused),
            (json!({"iss": null}), Reason::IssuerRefused),
            (json!({"sub": null}), Reason::ClaimInvalid),
            (json!({"sub": ""}), Reason::ClaimInvalid),
            (json!({"token_type": "refresh_token"}), Reason::TokenTypeRefused),
            (json!({"cnf": {"unknown": "x"}}), Reason::CredentialNotAccepted),
            (json!({"scope": 7}), Reason::ClaimInvalid),
        ] {
            assert_eq!(judged(&changes, &all), Err(reason), "{changes}");
        }
        assert_eq!(judged(&json!({"iss": null, "sub": null}), &[]), Ok("app".to_owned()));
        assert_eq!(judged(&json!({"iss": "x"}), &[]), Err(Reason::IssuerRefused));
    }

    #[test]
    fn t66_an_answer_is_strict_json_with_a_truth_value() {
        for bytes in [
            &b"{}"[..],
            br#"{"active":"true"}"#,
            br#"{"active":1}"#,
            br#"{"active":null}"#,
            br#"{"active":false,"active":true}"#,
            br#"[{"active":true}]"#,
            br#"{"active":true"#,
            b"",
            b"eyJhbGciOiJFUzI1NiJ9.e30.AAAA",
        ] {
            assert!(read(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        assert!(OpaqueToken::new(&"a".repeat(TOKEN_BYTES_MAX + 1)).is_err());
        assert_eq!(format!("{:?}", OpaqueToken::new("secret").unwrap()), "OpaqueToken(..)");
    }
}
