//! Who is it by a token that only its issuer can read? The issuer is asked, or was a moment ago; its
//! answer is judged here for every request.

use std::sync::Arc;

use portcullis_identity::introspection::OpaqueToken;
use portcullis_identity::jwt::Rules;
use portcullis_identity::{Authenticated, Refused};
use portcullis_model::Reason;
use portcullis_model::Timestamp;

use crate::facts::{Facts, Need, TokenStatus};

/// Who it is, or what has to be asked first.
pub(super) type Told = Result<Result<Arc<Authenticated>, Refused>, Need>;

/// Establishes the caller by what the issuer says.
pub(super) fn settle(text: &str, rules: &Rules, facts: &Facts, now: Timestamp) -> Told {
    let token = match OpaqueToken::new(text) {
        Ok(token) => token,
        Err(refused) => return Ok(Err(refused)),
    };
    match &facts.token_status {
        None => Err(Need::TokenStatus { provider: rules.provider.clone(), token }),
        Some(TokenStatus::Known { answer, .. }) => {
            Ok(answer.judge(&token, rules, now).map(Arc::new))
        }
        Some(TokenStatus::Invalid) => {
            let detail = "the issuer's answer is not to be believed";
            Ok(Err(Refused::new(Reason::IntrospectionInvalid, detail)))
        }
        Some(TokenStatus::Unavailable) => {
            let detail = "the issuer does not say";
            Ok(Err(Refused::new(Reason::IntrospectionUnavailable, detail)))
        }
    }
}

/// Whether a token has the form of a signed one: three parts.
pub(super) fn is_signed(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}
