//! What is asked, and what comes back? Plain data on both sides of [`crate::Engine`].

use std::net::IpAddr;

use portcullis_diagnostics::SourceId;
use portcullis_model::{
    ApiId, Decision, Method, OperationId, Principal, Reason, StepUp, Timestamp,
};

/// One request for a decision.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// Of which API.
    pub api: &'a ApiId,
    /// Which operation: the Cedar action.
    pub operation: &'a OperationId,
    /// On what.
    pub resource: Resource<'a>,
    /// Under which circumstances.
    pub context: Context<'a>,
}

/// What an operation acts on.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// Entity type without namespace, as in `spec::ResourceRule::entity`.
    pub entity: &'a str,
    /// Its id: the path parameter's decoded value, or empty for collections.
    pub id: &'a str,
    /// Its tenant, where one is known. Without one, the guarded tenant policy forbids.
    pub tenant: Option<&'a str>,
}

/// The circumstances of a request; Cedar's `context` record.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Client address, as the boundary established it.
    pub address: IpAddr,
    /// Zone that the request came from.
    pub zone: &'a str,
    /// Time of the decision.
    pub now: Timestamp,
    /// Seconds since the credential was issued, where it says so.
    pub token_age_secs: Option<u64>,
    /// Seconds since the caller signed in, where the credential says when.
    pub auth_age_secs: Option<u64>,
    /// Request method.
    pub method: Method,
}

/// What the policies came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Allow only if a policy permits, none forbids and none failed to evaluate.
    pub decision: Decision,
    /// Policies that decided, sorted by file and line; empty when nothing permits.
    pub determining: Vec<PolicyRef>,
    /// Why not; `None` when allowed.
    pub reason: Option<Reason>,
    /// What went wrong during evaluation. Not empty only with a denial.
    pub errors: Vec<String>,
}

/// Names a policy and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyRef {
    /// In which file.
    pub source: SourceId,
    /// On which line, from 1.
    pub line: usize,
    /// `@id`, or file and position.
    pub id: String,
    /// `@challenge`: the sign-in with which it would not forbid.
    pub step_up: Option<StepUp>,
}
