//! Which credential was shown? At most one, in a place where credentials belong (RFC 6750
//! section 2): two of a role cannot be told apart, and one in the query ends up in logs.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_model::Reason;

use crate::authenticated::Refused;

/// What was shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    /// An API key.
    ApiKey(String),
    /// A bearer token.
    Bearer(String),
    /// A token with a proof that its sender may use it (RFC 9449 section 7.1).
    Dpop(String),
    /// No credential.
    Nothing,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ApiKey(_) => "ApiKey(..)",
            Self::Bearer(_) => "Bearer(..)",
            Self::Dpop(_) => "Dpop(..)",
            Self::Nothing => "Nothing",
        })
    }
}

/// Names under which credentials are seen in queries.
const QUERY_NAMES: &[&str] =
    &["access_token", "api-key", "api_key", "apikey", "auth_token", "id_token", "token"];

/// Finds the one credential of a request.
///
/// # Errors
/// More than one, one in the query, or one in a form that is not accepted.
pub fn extract(
    headers: &HeaderMap,
    query: &[(String, String)],
    key_headers: &[&HeaderName],
) -> Result<Shown, Refused> {
    for (name, _) in query {
        let lower = name.to_ascii_lowercase();
        if QUERY_NAMES.contains(&lower.as_str())
            || key_headers.iter().any(|key| key.as_str() == lower)
        {
            return Err(Refused::new(Reason::CredentialInQuery, "a query parameter"));
        }
    }
    let mut shown = Shown::Nothing;
    let names = std::iter::once(&AUTHORIZATION).chain(key_headers.iter().copied());
    for name in names {
        for value in headers.get_all(name) {
            let credential =
                if name == AUTHORIZATION { token(value)? } else { Shown::ApiKey(plain(value)?) };
            if shown != Shown::Nothing {
                return Err(Refused::new(
                    Reason::SeveralCredentials,
                    format!("`{name}` and another"),
                ));
            }
            shown = credential;
        }
    }
    Ok(shown)
}

fn token(value: &HeaderValue) -> Result<Shown, Refused> {
    let text = plain(value)?;
    let Some((scheme, token)) = text.split_once(' ') else {
        return Err(Refused::new(Reason::CredentialMalformed, "`Authorization` has no scheme"));
    };
    let shown: fn(String) -> Shown = if scheme.eq_ignore_ascii_case("bearer") {
        Shown::Bearer
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Shown::Dpop
    } else {
        let detail = "the scheme of `Authorization` is neither `Bearer` nor `DPoP`";
        return Err(Refused::new(Reason::CredentialNotAccepted, detail));
    };
    if token.contains(',') {
        return Err(Refused::new(Reason::SeveralCredentials, "`Authorization` is a list"));
    }
    // b64token of RFC 6750 section 2.1
    let ok = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(ok) {
        return Err(Refused::new(Reason::CredentialMalformed, "the token has a stray character"));
    }
    Ok(shown(token.to_owned()))
}

fn plain(value: &HeaderValue) -> Result<String, Refused> {
    value
        .to_str()
        .map(str::to_owned)
        .map_err(|_| Refused::new(Reason::CredentialMalformed, "the credential is not ASCII"))
}

#[cfg(test)]
mod tests {
    use super::{Shown, extract};
    use http::{HeaderMap, HeaderName, HeaderValue};
    use portcullis_model::Reason;

    fn shown(headers: &[(&str, &str)], query: &[(&str, &str)]) -> Result<Shown, Reason> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let query: Vec<_> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let key = HeaderName::from_static("x-api-key");
        extract(&map, &query, &[&key]).map_err(|refused| refused.reason)
    }

    #[test]
    fn t58_and_e08_only_one_credential() {
        let both = [("authorization", "Bearer a"), ("x-api-key", "k")];
        assert_eq!(shown(&both, &[]), Err(Reason::SeveralCredentials));
        let twice = [("authorization", "Bearer a"), ("authorization", "Bearer a")];
        assert_eq!(shown(&twice, &[]), Err(Reason::SeveralCredentials));
        assert_eq!(shown(&[], &[("access_token", "a")]), Err(Reason::CredentialInQuery));
    }

    #[test]
    fn t59_case_of_the_scheme_and_tricks() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let header = format!("{scheme} abc");
            assert_eq!(shown(&[("authorization", &header)], &[]), Ok(Shown::Bearer("abc".into())));
        }
        for (value, reason) in [
            ("Bearer\tabc", Reason::CredentialMalformed),
            ("Bearer abc, Bearer def", Reason::SeveralCredentials),
            ("Bearer  abc", Reason::CredentialMalformed),
            ("Basic abc", Reason::CredentialNotAccepted),
        ] {
            assert_eq!(shown(&[("authorization", value)], &[]), Err(reason), "{value:?}");
        }
    }

    #[test]
    fn t60_keys_in_the_query_are_refused() {
        assert_eq!(shown(&[], &[("X-Api-Key", "k")]), Err(Reason::CredentialInQuery));
        assert_eq!(shown(&[("x-api-key", "k")], &[]), Ok(Shown::ApiKey("k".into())));
        assert_eq!(shown(&[], &[]), Ok(Shown::Nothing));
    }
}
