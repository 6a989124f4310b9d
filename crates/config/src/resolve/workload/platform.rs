//! What is known of each platform: its issuer, its keys, the form of its tokens, and the claims by which
//! its programs are told apart. Sources: the platforms' own descriptions of these claims.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portcullis_model::spiffe::is_trust_domain;

use crate::declaration::WorkloadRule;
use crate::document::Platform;
use crate::problems::{Problems, Rule};

const NOBODY: Rule = Rule {
    code: "PC0194",
    why: "everybody who uses the platform gets tokens of the same issuer; who is not named in full is anybody",
    fix: "list each program by the whole name that the platform gives it, without wildcards",
};
const LOOSE: Rule = Rule {
    code: "PC0196",
    why: "whoever may push a branch, or open a pull request, decides what such a job does",
    fix: "list `refs` or `environments` that are protected, and leave pull requests out",
};
const DIRECTORY: Rule = Rule {
    code: "PC0197",
    why: "an issuer for many directories lets programs of any organisation in",
    fix: "give the id of your own directory, a UUID",
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What is known of a platform.
pub(super) struct Known {
    pub(super) issuer: String,
    pub(super) keys: String,
    pub(super) types: &'static [&'static str],
    pub(super) lifetime: Duration,
    pub(super) attributes: &'static [(&'static str, &'static str)],
    pub(super) rule: WorkloadRule,
}

fn only<const N: usize>(
    claims: [(&str, BTreeSet<String>); N],
) -> BTreeMap<String, BTreeSet<String>> {
    let some = claims.into_iter().filter(|(_, values)| !values.is_empty());
    some.map(|(name, values)| (name.to_owned(), values)).collect()
}

fn texts(written: &[String]) -> BTreeSet<String> {
    written.iter().cloned().collect()
}

fn one(text: &str) -> BTreeSet<String> {
    BTreeSet::from([text.to_owned()])
}

fn with(issuer: &str, keys: &str, types: &'static [&'static str], lifetime: Duration) -> Known {
    let issuer = issuer.to_owned();
    let keys = format!("{}{keys}", issuer.trim_end_matches('/'));
    Known { issuer, keys, types, lifetime, attributes: &[], rule: WorkloadRule::default() }
}

/// What is known of a platform, with the programs that are meant.
pub(super) fn known(platform: &Platform) -> Known {
    match platform {
        Platform::GithubActions(_) | Platform::Gitlab(_) => forge(platform),
        Platform::Kubernetes(cluster) => {
            let mut known = with(&cluster.issuer, "/openid/v1/jwks", &["", "jwt"], HOUR * 2);
            let subject =
                |one: &String| format!("system:serviceaccount:{}", one.replacen('/', ":", 1));
            known.rule.only =
                only([("sub", cluster.service_accounts.iter().map(subject).collect())]);
            known.attributes = &[
                ("namespace", "/kubernetes.io/namespace"),
                ("service_account", "/kubernetes.io/serviceaccount/name"),
            ];
            known
        }
        Platform::Gcp(gcp) => {
            let mut known = with("https://accounts.google.com", "", &["jwt"], HOUR + MINUTE);
            known.keys = "https://www.googleapis.com/oauth2/v3/certs".to_owned();
            known.rule.only =
                only([("email", texts(&gcp.service_accounts)), ("email_verified", one("true"))]);
            known.attributes = &[("service_account", "email")];
            known
        }
        Platform::Azure(azure) => {
            let base = format!("https://login.microsoftonline.com/{}", azure.directory);
            let mut known = with(&format!("{base}/v2.0"), "", &["jwt"], HOUR * 25);
            known.keys = format!("{base}/discovery/v2.0/keys");
            known.rule.only = only([
                ("azp", texts(&azure.applications)),
                ("tid", one(&azure.directory)),
                ("ver", one("2.0")),
            ]);
            known.attributes = &[("application", "azp")];
            known
        }
        Platform::Aws(aws) => {
            let mut known = with(&aws.issuer, "/.well-known/jwks.json", &["", "jwt"], HOUR);
            known.rule.only = only([("sub", texts(&aws.roles))]);
            known.attributes = &[("account", "/https:~1~1sts.amazonaws.com~1/aws_account")];
            known
        }
        Platform::Spiffe(spiffe) => {
            let mut known = with(&spiffe.issuer, "/keys", &["", "jose", "jwt"], HOUR);
            known.rule.trust_domain = Some(spiffe.trust_domain.clone());
            known
        }
    }
}

fn forge(platform: &Platform) -> Known {
    match platform {
        Platform::GithubActions(github) => {
            let issuer = "https://token.actions.githubusercontent.com";
            let issuer = github.issuer.as_deref().unwrap_or(issuer);
            let mut known = with(issuer, "/.well-known/jwks", &["jwt"], MINUTE * 20);
            known.rule.only = only([
                ("repository", texts(&github.repositories)),
                ("ref", texts(&github.refs)),
                ("environment", texts(&github.environments)),
            ]);
            if !github.pull_requests {
                let events = ["pull_request", "pull_request_target"].map(str::to_owned);
                known.rule.never = only([("event_name", events.into())]);
            }
            known.attributes = &[
                ("environment", "environment"),
                ("ref", "ref"),
                ("repository", "repository"),
                ("workflow", "job_workflow_ref"),
            ];
            known
        }
        Platform::Gitlab(gitlab) => {
            let issuer = gitlab.issuer.as_deref().unwrap_or("https://gitlab.com");
            let mut known = with(issuer, "/oauth/discovery/keys", &["jwt"], HOUR);
            known.rule.only =
                only([("project_path", texts(&gitlab.projects)), ("ref", texts(&gitlab.refs))]);
            if !gitlab.unprotected {
                known.rule.only.insert("ref_protected".to_owned(), one("true"));
            }
            known.attributes =
                &[("environment", "environment"), ("ref", "ref"), ("repository", "project_path")];
            known
        }
        Platform::Kubernetes(_)
        | Platform::Gcp(_)
        | Platform::Azure(_)
        | Platform::Aws(_)
        | Platform::Spiffe(_) => with("", "", &[], MINUTE),
    }
}

/// Says what is commonly got wrong.
pub(super) fn judge(name: &str, platform: &Platform, problems: &mut Problems<'_>) {
    let plain = |one: &str| !one.is_empty() && !one.contains(['*', ' ', '?']);
    let halves = |one: &str, cut: char| {
        one.split_once(cut).is_some_and(|(left, right)| plain(left) && plain(right))
    };
    let (kind, key, bad) = match platform {
        Platform::GithubActions(github) => {
            loose(name, platform, problems);
            let bad = listed(&github.repositories, |one| halves(one, '/'));
            ("github_actions", "repositories", bad)
        }
        Platform::Gitlab(gitlab) => {
            loose(name, platform, problems);
            ("gitlab", "projects", listed(&gitlab.projects, |one| halves(one, '/')))
        }
        Platform::Kubernetes(cluster) => {
            let bad = listed(&cluster.service_accounts, |one| halves(one, '/'));
            ("kubernetes", "service_accounts", bad)
        }
        Platform::Gcp(gcp) => {
            ("gcp", "service_accounts", listed(&gcp.service_accounts, |one| halves(one, '@')))
        }
        Platform::Azure(azure) => {
            if !is_uuid(&azure.directory) {
                let message = format!("`{}` is not one directory", azure.directory);
                let at = ["providers", name, "workload", "from", "azure", "directory"];
                problems.error(DIRECTORY, &at, message);
            }
            ("azure", "applications", listed(&azure.applications, is_uuid))
        }
        Platform::Aws(aws) => {
            let role =
                |one: &str| one.starts_with("arn:aws") && one.contains(":role/") && plain(one);
            ("aws", "roles", listed(&aws.roles, role))
        }
        Platform::Spiffe(spiffe) => {
            let bad = listed(std::slice::from_ref(&spiffe.trust_domain), is_trust_domain);
            ("spiffe", "trust_domain", bad)
        }
    };
    if let Some(message) = bad {
        problems.error(NOBODY, &["providers", name, "workload", "from", kind, key], message);
    }
}

fn listed(names: &[String], is_whole: impl Fn(&str) -> bool) -> Option<String> {
    if names.is_empty() {
        return Some("no program is named".to_owned());
    }
    let bad = names.iter().find(|one| !is_whole(one))?;
    Some(format!("`{bad}` is not the whole name of a program"))
}

/// Jobs whose code others decide.
fn loose(name: &str, platform: &Platform, problems: &mut Problems<'_>) {
    let (kind, what) = match platform {
        Platform::GithubActions(one) if one.pull_requests => {
            ("github_actions", "jobs that pull requests start may come")
        }
        Platform::GithubActions(one) if one.refs.is_empty() && one.environments.is_empty() => {
            ("github_actions", "jobs of any branch may come")
        }
        Platform::Gitlab(one) if one.unprotected => {
            ("gitlab", "jobs of refs that are not protected may come")
        }
        Platform::GithubActions(_)
        | Platform::Gitlab(_)
        | Platform::Kubernetes(_)
        | Platform::Gcp(_)
        | Platform::Azure(_)
        | Platform::Aws(_)
        | Platform::Spiffe(_) => return,
    };
    problems.warning(LOOSE, &["providers", name, "workload", "from", kind], what);
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}
