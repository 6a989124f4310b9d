//! What is asked for? The form of an exchange (RFC 8693 section 2.1), each parameter once; what is not
//! known is refused, because it may have been meant to narrow what is given.

use portcullis_model::Reason;
use portcullis_reading::form;

use crate::refusal::Refusal;

/// The one grant that is supported.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Types of tokens (RFC 8693 section 3).
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// How a client shows a token of its own (RFC 7523 section 2.2).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A form.
#[derive(Debug, Default)]
pub(super) struct Form {
    grant_type: Option<String>,
    pub(super) subject_token: String,
    subject_token_type: Option<String>,
    pub(super) actor_token: Option<String>,
    actor_token_type: Option<String>,
    requested_token_type: Option<String>,
    pub(super) client_assertion: Option<String>,
    client_assertion_type: Option<String>,
    client_id: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) scope: Option<String>,
}

impl Form {
    /// Reads a form.
    ///
    /// # Errors
    /// `receive.exchange_malformed`, `receive.exchange_grant_refused`.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let pairs = form::pairs(body).map_err(|violation| malformed(&violation.detail))?;
        let mut form = Self::default();
        let mut subject = None;
        for (name, value) in pairs {
            let place = match &*name {
                "grant_type" => &mut form.grant_type,
                "subject_token" => &mut subject,
                "subject_token_type" => &mut form.subject_token_type,
                "actor_token" => &mut form.actor_token,
                "actor_token_type" => &mut form.actor_token_type,
                "requested_token_type" => &mut form.requested_token_type,
                "client_assertion" => &mut form.client_assertion,
                "client_assertion_type" => &mut form.client_assertion_type,
                "client_id" => &mut form.client_id,
                "audience" => &mut form.audience,
                "resource" => &mut form.resource,
                "scope" => &mut form.scope,
                _ => return Err(malformed("a parameter is not supported")),
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(malformed("a parameter stands twice"));
            }
        }
        if form.grant_type.as_deref() != Some(GRANT) {
            let detail = "`grant_type` is not that of an exchange";
            return Err(Refusal::new(Reason::ExchangeGrantRefused, detail));
        }
        form.subject_token = subject.ok_or_else(|| malformed("there is no `subject_token`"))?;
        form.check_types()?;
        Ok(form)
    }

    fn check_types(&self) -> Result<(), Refusal> {
        let is_token = |kind: &str| kind == ACCESS_TOKEN || kind == JWT;
        if !self.subject_token_type.as_deref().is_some_and(is_token) {
            return Err(malformed("`subject_token_type` is not that of an access token or JWT"));
        }
        if !self.requested_token_type.as_deref().is_none_or(is_token) {
            return Err(malformed("`requested_token_type` is not that of an access token or JWT"));
        }
        let pairs = [
            (&self.actor_token, &self.actor_token_type, [ACCESS_TOKEN, JWT]),
            (&self.client_assertion, &self.client_assertion_type, [ASSERTION, ASSERTION]),
        ];
        for (token, kind, known) in pairs {
            let fits = match (token, kind) {
                (None, None) => true,
                (Some(_), Some(kind)) => known.contains(&kind.as_str()),
                (Some(_), None) | (None, Some(_)) => false,
            };
            if !fits {
                return Err(malformed("a token and its type do not belong together"));
            }
        }
        Ok(())
    }

    /// The client's own name for itself must not contradict who it proved to be.
    pub(super) fn names(&self, client: &str, subject: &str) -> bool {
        self.client_id.as_deref().is_none_or(|id| id == client || id == subject)
    }
}

fn malformed(detail: &str) -> Refusal {
    Refusal::new(Reason::ExchangeMalformed, detail)
}
