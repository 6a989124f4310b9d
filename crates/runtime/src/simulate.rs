//! What would happen to these requests? Decided by the chain of the gateway under a given caller,
//! without network, counters or records.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use portcullis_core::facts::{BodyFact, Country, Facts, Guarded, LimitsFact, TokenFact};
use portcullis_core::receive::Arrival;
use portcullis_core::sender::Sender;
use portcullis_core::trace::Trace;
use portcullis_core::{Allowed, Refusal, Snapshot};
use portcullis_identity::Authenticated;
use portcullis_model::principal::{Attribute, CredentialKind, CredentialRef};
use portcullis_model::{Principal, PrincipalKind, RecordId, Stage, Timestamp};
use serde::{Deserialize, Serialize};

use crate::offline;

/// One request, as it stands in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulated {
    /// What it shows, in words.
    #[serde(default)]
    pub name: String,
    /// Listener that it arrives on.
    pub listener: String,
    /// Method.
    pub method: String,
    /// Host.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body.
    #[serde(default)]
    pub body: String,
    /// Address of the client; loopback where it is not said.
    pub address: Option<IpAddr>,
    /// Country of the client, such as `DE`; not known where it is not said.
    pub country: Option<String>,
    /// The caller, as if verified; nobody where it is not said.
    #[serde(rename = "as")]
    pub caller: Option<Caller>,
    /// `allow`, `answer` where the boundary answers itself, or the code of the reason.
    pub expect: Option<String>,
}

/// A caller, as if verified.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// What kind of caller.
    pub kind: PrincipalKind,
    /// Provider that vouches.
    pub provider: String,
    /// Subject.
    pub subject: String,
    /// Tenant.
    pub tenant: Option<String>,
    /// Scopes.
    #[serde(default)]
    pub scopes: BTreeSet<String>,
    /// Roles.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// How it is proved that the credential is its own: `dpop` or `mtls`.
    pub sender: Option<Proof>,
    /// Further attributes, as texts.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// How a sender is proved.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// By a DPoP proof.
    Dpop,
    /// By a client certificate.
    Mtls,
}

/// What would happen.
#[derive(Clone, Debug, Serialize)]
pub struct Simulation {
    /// Its name, or method and path.
    pub name: String,
    /// `allow`, `answer` where the boundary answers itself, or the code of the reason.
    pub got: String,
    /// What was expected.
    pub expect: Option<String>,
    /// What stages said.
    pub said: Vec<String>,
}

impl Simulation {
    /// Whether it is as expected; where nothing was expected, it is.
    #[must_use]
    pub fn as_expected(&self) -> bool {
        self.expect.as_ref().is_none_or(|expected| *expected == self.got)
    }
}

/// Decides one request.
///
/// # Errors
/// Says what of the request cannot be one.
pub fn simulate(
    one: &Simulated,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Simulation, String> {
    if one.path.contains('#') {
        return Err("a target has no fragment".to_owned());
    }
    let mut request =
        Request::builder().method(one.method.as_str()).uri(&one.path).header("host", &one.host);
    for (name, value) in &one.headers {
        request = request.header(name, value);
    }
    if !one.body.is_empty()
        && !one.headers.keys().any(|name| name.eq_ignore_ascii_case("content-length"))
    {
        request = request.header("content-length", one.body.len());
    }
    let (parts, ()) = request.body(()).map_err(|error| error.to_string())?.into_parts();
    let peer = one.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let listener = one.listener.as_str().into();
    if !snapshot.declaration.listeners.contains_key(&listener) {
        return Err(format!("there is no listener `{listener}`"));
    }
    let mut trace = Trace::new(RecordId::new("simulated"), now, listener.clone());
    let arrival = Arrival { parts, peer, listener, certificate: None, server_name: None };
    let facts = facts(one, now);
    let decided = offline::decide(arrival, &facts, snapshot, now, &mut trace);
    let mut said: Vec<String> =
        trace.said.iter().map(|(stage, said)| format!("{stage}: {said}")).collect();
    said.extend(decided.as_ref().err().map(last_word));
    Ok(Simulation {
        name: if one.name.is_empty() {
            format!("{} {}", one.method, one.path)
        } else {
            one.name.clone()
        },
        got: match decided {
            Ok(Allowed::Permitted(_)) => "allow".to_owned(),
            Ok(Allowed::Answered(_)) => "answer".to_owned(),
            Err(refusal) => refusal.reason.to_string(),
        },
        expect: one.expect.clone(),
        said,
    })
}

fn last_word(refusal: &Refusal) -> String {
    let stage: Stage = refusal.stage;
    format!("{stage}: refused: {}: {}", refusal.reason, refusal.detail)
}

fn facts(one: &Simulated, now: Timestamp) -> Facts {
    let principal = one.caller.as_ref().map_or_else(Principal::anonymous, |caller| Principal {
        kind: caller.kind,
        provider: Some(caller.provider.as_str().into()),
        subject: caller.subject.clone(),
        tenant: caller.tenant.clone(),
        scopes: caller.scopes.clone(),
        roles: caller.roles.clone(),
        attributes: caller
            .attributes
            .iter()
            .map(|(name, value)| (name.clone(), Attribute::Text(value.clone())))
            .collect(),
        actors: Vec::new(),
        may_act: None,
        credential: Some(CredentialRef {
            kind: match caller.kind {
                PrincipalKind::ApiKey => CredentialKind::ApiKey,
                PrincipalKind::Anonymous | PrincipalKind::User | PrincipalKind::Workload => {
                    CredentialKind::Jwt
                }
            },
            handle: "simulated".to_owned(),
            issued_at: Some(now),
            expires_at: None,
        }),
    });
    let proof = one.caller.as_ref().and_then(|caller| caller.sender);
    let of = "simulated".to_owned();
    Facts {
        sender: Some(match proof {
            None => Sender::None,
            Some(Proof::Dpop) => Sender::Dpop(of),
            Some(Proof::Mtls) => Sender::Mtls(of),
        }),
        guard: Some(Guarded { admitted: true, failures_left: true, retry_after_secs: 0 }),
        identity: Some(Ok(Arc::new(Authenticated::from_record(principal)))),
        country: Some(one.country.clone().map_or(Country::Unknown, Country::Known)),
        body: Some(BodyFact::Whole(Bytes::from(one.body.clone()))),
        limits: Some(LimitsFact::Taken(Vec::new())),
        token: Some(TokenFact::AsRecorded),
        public_keys: Some(Bytes::new()),
        intent_durable: Some(true),
        ..Facts::default()
    }
}
