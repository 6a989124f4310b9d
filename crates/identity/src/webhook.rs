//! Is this webhook from the integration that it says? The code over the exact bytes of its body, in
//! the scheme of the sender, by one of the secrets that are shared with it.
//!
//! What can be judged without the body (form and time) is judged before it is read.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use portcullis_model::{CredentialKind, ProviderId, Reason, Timestamp};

use crate::authenticated::{Authenticated, Refused};
use crate::holder::Holder;
use crate::secrets::Secrets;

/// How a sender writes its codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `X-Hub-Signature-256: sha256=…` over the body; says no time.
    Github,
    /// `X-Slack-Signature: v0=…` over `v0:`, `X-Slack-Request-Timestamp`, `:` and the body.
    Slack,
    /// `webhook-signature: v1,…` over `webhook-id`, `.`, `webhook-timestamp`, `.` and the body
    /// (Standard Webhooks).
    Standard,
    /// `Stripe-Signature: t=…,v1=…` over the time, `.` and the body.
    Stripe,
}

/// What a provider's webhooks must be.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The provider.
    pub provider: ProviderId,
    /// How they are written.
    pub scheme: Scheme,
    /// Who sends them.
    pub holder: Holder,
    /// How far their time may be from now; and how long one is remembered that says none.
    pub tolerance: Duration,
}

/// What a message says of its code; nothing of it is verified.
#[derive(Debug)]
pub struct Unverified {
    /// What is signed before the body.
    before: String,
    codes: Vec<Vec<u8>>,
    at: Option<Timestamp>,
}

/// A webhook that was verified.
#[derive(Debug)]
pub struct Verified {
    /// Who sent it.
    pub caller: Authenticated,
    /// What names it among all webhooks: no other of this name may pass.
    pub name: [u8; 16],
    /// When it has ended by itself.
    pub until: Timestamp,
}

/// Most codes in one message: a sender that changes its secret sends two.
const CODES_MAX: usize = 8;

/// Longest id of a message in bytes.
const ID_BYTES_MAX: usize = 256;

const CODE_BYTES: usize = 32;
const SLACK_TIME: HeaderName = HeaderName::from_static("x-slack-request-timestamp");
const STANDARD_ID: HeaderName = HeaderName::from_static("webhook-id");
const STANDARD_TIME: HeaderName = HeaderName::from_static("webhook-timestamp");

impl Scheme {
    /// The header that carries the code.
    #[must_use]
    pub const fn header(self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::Github => "x-hub-signature-256",
            Self::Slack => "x-slack-signature",
            Self::Standard => "webhook-signature",
            Self::Stripe => "stripe-signature",
        })
    }

    /// The bytes of a secret as the sender hands it out.
    ///
    /// # Errors
    /// When it is not written as this scheme writes them.
    pub fn secret(self, text: &str) -> Result<Vec<u8>, &'static str> {
        let text = text.trim();
        match (self, text.strip_prefix("whsec_")) {
            (Self::Standard, Some(rest)) => {
                STANDARD.decode(rest).map_err(|_| "after `whsec_` it is not base64")
            }
            (Self::Standard, None) => Err("it does not begin with `whsec_`"),
            (Self::Github | Self::Slack | Self::Stripe, _) => Ok(text.as_bytes().to_vec()),
        }
    }

    /// Reads what a message says of its code, which stands in one header.
    ///
    /// # Errors
    /// `identify.webhook_refused`.
    pub fn parse(self, headers: &HeaderMap) -> Result<Unverified, Refused> {
        let text = only(headers, &self.header())?;
        let read = match self {
            Self::Github => {
                let code = text.strip_prefix("sha256=").ok_or_else(|| refused("`sha256=`"))?;
                Unverified { before: String::new(), codes: vec![hex(code)?], at: None }
            }
            Self::Slack => {
                let time = only(headers, &SLACK_TIME)?;
                let code = text.strip_prefix("v0=").ok_or_else(|| refused("`v0=`"))?;
                let codes = vec![hex(code)?];
                Unverified { before: format!("v0:{time}:"), codes, at: Some(secs(time)?) }
            }
            Self::Standard => {
                let (id, time) = (only(headers, &STANDARD_ID)?, only(headers, &STANDARD_TIME)?);
                // a dot would let the end of the id pass for a time
                if id.is_empty() || id.len() > ID_BYTES_MAX || id.contains('.') {
                    return Err(refused("`webhook-id` is empty, too long, or has a dot"));
                }
                let listed = text.split(' ').filter_map(|one| one.strip_prefix("v1,"));
                let codes = listed.map(base64).collect::<Result<Vec<_>, _>>()?;
                Unverified { before: format!("{id}.{time}."), codes, at: Some(secs(time)?) }
            }
            Self::Stripe => stripe(text)?,
        };
        if read.codes.is_empty() || read.codes.len() > CODES_MAX {
            return Err(refused("there is no code, or too many"));
        }
        Ok(read)
    }
}

fn stripe(text: &str) -> Result<Unverified, Refused> {
    let (mut time, mut codes) = (None, Vec::new());
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("t", value)) if time.is_none() => time = Some(value),
            Some(("t", _)) | None => return Err(refused("a part is malformed or stands twice")),
            Some(("v1", value)) => codes.push(hex(value)?),
            Some((_, _)) => {}
        }
    }
    let time = time.ok_or_else(|| refused("there is no time"))?;
    Ok(Unverified { before: format!("{time}."), codes, at: Some(secs(time)?) })
}

impl Unverified {
    /// Judges its time, without the body.
    ///
    /// # Errors
    /// `identify.webhook_refused`.
    pub fn check_time(&self, rules: &Rules, now: Timestamp) -> Result<(), Refused> {
        let Some(at) = self.at else { return Ok(()) };
        if at > now.plus(rules.tolerance) || now >= at.plus(rules.tolerance) {
            return Err(refused("its time is outside the tolerance"));
        }
        Ok(())
    }

    /// Verifies it over the body as it was received.
    ///
    /// # Errors
    /// `identify.webhook_refused`.
    pub fn verify(
        &self,
        rules: &Rules,
        secrets: &Secrets,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, Refused> {
        self.check_time(rules, now)?;
        let message = [self.before.as_bytes(), body];
        let mut good = false;
        for code in &self.codes {
            good |= secrets.verifies("", &message, code);
        }
        if !good {
            return Err(refused("no declared secret makes this code"));
        }
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [b"webhook", rules.provider.as_str().as_bytes(), message[0], message[1]] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        let mut name = [0; 16];
        for (to, from) in name.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        let kind = CredentialKind::Webhook;
        let handle = rules.provider.as_str();
        Ok(Verified {
            caller: rules.holder.authenticated(&rules.provider, kind, handle, self.at),
            name,
            until: self.at.unwrap_or(now).plus(rules.tolerance),
        })
    }
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Refused> {
    let mut values = headers.get_all(name).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(text), None) => Ok(text),
        _ => Err(refused(format!("there must be exactly one `{name}`"))),
    }
}

fn hex(text: &str) -> Result<Vec<u8>, Refused> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some((digit(high)? << 4) | digit(low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
    sized(bytes.unwrap_or_default())
}

fn base64(text: &str) -> Result<Vec<u8>, Refused> {
    sized(STANDARD.decode(text).unwrap_or_default())
}

fn sized(bytes: Vec<u8>) -> Result<Vec<u8>, Refused> {
    if bytes.len() == CODE_BYTES { Ok(bytes) } else { Err(refused("a code is malformed")) }
}

/// A whole number of seconds, as it is signed: digits without a zero in front.
fn secs(text: &str) -> Result<Timestamp, Refused> {
    let plain = !text.starts_with('0')
        && (1..=12).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit());
    let secs = text.parse().ok().filter(|_| plain);
    secs.map(Timestamp::from_secs).ok_or_else(|| refused("its time is malformed"))
}

fn refused(detail: impl Into<String>) -> Refused {
    Refused::new(Reason::WebhookRefused, detail)
}

#[cfg(test)]
mod tests;
