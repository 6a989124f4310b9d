//! Which programs may come with the token that their platform gives them?

use schemars::JsonSchema;
use serde::Deserialize;

use super::provider::{Grant, KeySource};

/// Tokens that platforms give to the programs that run on them. Issuer, form and claims are known by
/// `from`; which programs are meant must be said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workload {
    /// Which platform, and which of its programs.
    pub(crate) from: Platform,
    /// Accepted `aud`; a token must name one of them. Never one that the platform uses itself.
    pub(crate) audiences: Vec<String>,
    /// Where the platform's keys are, where they are not where the platform has them for everybody.
    pub(crate) keys: Option<KeySource>,
    /// Longest accepted time from `iat` to `exp`, where the platform's is not meant.
    pub(crate) max_lifetime: Option<String>,
    /// What these programs are granted; their tokens say nothing of tenants and scopes.
    #[serde(default)]
    pub(crate) grant: Grant,
}

/// A platform, and the programs on it that are meant: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Platform {
    /// Jobs of GitHub Actions.
    GithubActions(GithubActions),
    /// Jobs of GitLab CI.
    Gitlab(Gitlab),
    /// Pods with a projected service-account token.
    Kubernetes(Kubernetes),
    /// Programs with an identity token of Google Cloud.
    Gcp(Gcp),
    /// Programs with an access token (v2.0) of Microsoft Entra.
    Azure(Azure),
    /// Programs with a token of AWS IAM outbound identity federation.
    Aws(Aws),
    /// Programs with a JWT-SVID.
    Spiffe(Spiffe),
}

/// Jobs of GitHub Actions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GithubActions {
    /// `owner/name` of each repository.
    pub(crate) repositories: Vec<String>,
    /// Full refs such as `refs/heads/main`; any if absent.
    #[serde(default)]
    pub(crate) refs: Vec<String>,
    /// Deployment environments; any or none if absent.
    #[serde(default)]
    pub(crate) environments: Vec<String>,
    /// Whether jobs that a pull request started may come.
    #[serde(default)]
    pub(crate) pull_requests: bool,
    /// The issuer of an enterprise with one of its own.
    pub(crate) issuer: Option<String>,
}

/// Jobs of GitLab CI.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gitlab {
    /// `group/project` of each project.
    pub(crate) projects: Vec<String>,
    /// Branches or tags; any if absent.
    #[serde(default)]
    pub(crate) refs: Vec<String>,
    /// Whether jobs of refs that are not protected may come.
    #[serde(default)]
    pub(crate) unprotected: bool,
    /// The issuer of an installation of one's own.
    pub(crate) issuer: Option<String>,
}

/// Pods with a projected service-account token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kubernetes {
    /// The cluster's issuer.
    pub(crate) issuer: String,
    /// `namespace/name` of each service account.
    pub(crate) service_accounts: Vec<String>,
}

/// Programs with an identity token of Google Cloud.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gcp {
    /// Addresses of the service accounts.
    pub(crate) service_accounts: Vec<String>,
}

/// Programs with an access token (v2.0) of Microsoft Entra.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Azure {
    /// Id of the one directory (tenant).
    pub(crate) directory: String,
    /// Client ids of the applications or managed identities.
    pub(crate) applications: Vec<String>,
}

/// Programs with a token of AWS IAM outbound identity federation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Aws {
    /// The account's issuer.
    pub(crate) issuer: String,
    /// ARNs of the roles.
    pub(crate) roles: Vec<String>,
}

/// Programs with a JWT-SVID.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spiffe {
    /// The `iss` that the server is configured to write.
    pub(crate) issuer: String,
    /// The one trust domain.
    pub(crate) trust_domain: String,
}
