//! Programs with the token of their platform: which are let in, and which of the same issuer are not.
//! Tokens have the claims that each platform documents.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use portcullis_testkit::issuer::{Token, now};
use portcullis_testkit::shop::get;
use portcullis_testkit::{Issuer, Shop};
use serde_json::{Value, json};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const POLICY: &str = "@id(\"workloads-read-orders\")\npermit (principal is Orders::Workload, action == Orders::Action::\"listOrders\", resource);\n";

/// A shop that lets programs of a platform in, and the platform.
fn shop(from: &str) -> (Shop, Issuer) {
    let platform = Issuer::new("platform-1");
    let provider = format!(
        "  platform:\n    workload:\n      from: {from}\n      audiences: [https://api.shop.example]\n      keys: {{file: {{path: platform.json}}}}\n      grant: {{tenant: acme, scopes: [\"orders:read\"]}}\n  shop-idp:\n"
    );
    let changes = [
        ("  shop-idp:\n", provider.as_str()),
        ("providers: [shop-idp]", "providers: [shop-idp, platform]"),
    ];
    let files = [("platform.json", platform.jwks()), ("policies/w.cedar", POLICY.to_owned())];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let shop = Shop::open_with(GATEWAY, &changes, &files);
    (shop, platform)
}

/// A token of these claims, with the times of a fresh one; no `typ` where that is so.
fn token(platform: &Issuer, kind: Option<&str>, claims: &Value) -> Token {
    let mut token = platform.draft("x");
    token.header.as_object_mut().unwrap().remove("typ");
    if let Some(kind) = kind {
        token = token.header("typ", kind.into());
    }
    token.claims = claims.clone();
    token.claim("iat", now().into()).claim("exp", (now() + 300).into())
}

/// The good one crosses as this subject; each changed one is refused.
fn cases(
    from: &str,
    kind: Option<&str>,
    claims: &Value,
    subject: &str,
    bad: &[(&str, Value, &str)],
) {
    let (shop, platform) = shop(from);
    let good = token(&platform, kind, claims);
    let seen = shop.crosses(from, get(ORDERS, &platform.sign(&good)));
    assert_eq!(seen.values("x-portcullis-principal"), [format!("platform|{subject}")]);
    for (claim, value, reason) in bad {
        let changed = match value {
            Value::Null => good.clone().without(claim),
            other => good.clone().claim(claim, other.clone()),
        };
        let case = format!("{from}: {claim}: {value}");
        shop.refuses(&case, get(ORDERS, &platform.sign(&changed)), reason);
    }
}

const OTHER: &str = "identify.workload_refused";
const AUDIENCE: &str = "identify.audience_refused";
const ISSUER: &str = "identify.issuer_refused";

#[test]
fn jobs_of_github_actions_of_this_repository_and_branch_and_no_others() {
    let subject = "repo:shop/deploy:ref:refs/heads/main";
    let claims = json!({
        "jti": "example-id", "sub": subject, "aud": "https://api.shop.example",
        "ref": "refs/heads/main", "sha": "example-sha", "repository": "shop/deploy",
        "repository_owner": "shop", "actor_id": "12", "repository_visibility": "private",
        "repository_id": "74", "repository_owner_id": "65", "run_id": "1", "run_number": "10",
        "run_attempt": "2", "runner_environment": "github-hosted", "actor": "octocat",
        "workflow": "deploy", "head_ref": "", "base_ref": "", "event_name": "push",
        "ref_type": "branch", "job_workflow_ref": "shop/deploy/.github/workflows/d.yml@refs/heads/main",
        "iss": "https://token.actions.githubusercontent.com",
    });
    cases(
        "{github_actions: {repositories: [shop/deploy], refs: [refs/heads/main]}}",
        Some("JWT"),
        &claims,
        "repo:shop%2Fdeploy:ref:refs%2Fheads%2Fmain".replace("%2F", "/").as_str(),
        &[
            ("repository", json!("mallory/deploy"), OTHER),
            ("repository", Value::Null, OTHER),
            ("repository", json!(["shop/deploy"]), OTHER),
            ("ref", json!("refs/heads/feature"), OTHER),
            ("ref", json!("refs/pull/1/merge"), OTHER),
            ("event_name", json!("pull_request"), OTHER),
            ("event_name", json!("pull_request_target"), OTHER),
            ("event_name", json!(["pull_request"]), OTHER),
            ("aud", json!("https://github.com/shop"), AUDIENCE),
            ("aud", json!(["https://api.shop.example", "https://other"]), AUDIENCE),
            ("iss", json!("https://token.actions.githubusercontent.com/"), ISSUER),
        ],
    );
}

#[test]
fn jobs_of_gitlab_of_protected_refs_of_this_project() {
    let subject = "project_path:shop/deploy:ref_type:branch:ref:main";
    let claims = json!({
        "namespace_id": "72", "namespace_path": "shop", "project_id": "20",
        "project_path": "shop/deploy", "user_id": "1", "user_login": "sample", "pipeline_id": "574",
        "pipeline_source": "push", "job_id": "302", "ref": "main", "ref_type": "branch",
        "ref_path": "refs/heads/main", "ref_protected": "true", "runner_environment": "self-hosted",
        "iss": "https://gitlab.com", "jti": "235", "sub": subject, "aud": "https://api.shop.example",
    });
    cases(
        "{gitlab: {projects: [shop/deploy], refs: [main]}}",
        Some("JWT"),
        &claims,
        subject,
        &[
            ("project_path", json!("mallory/deploy"), OTHER),
            ("ref", json!("feature"), OTHER),
            ("ref_protected", json!("false"), OTHER),
            ("ref_protected", Value::Null, OTHER),
            ("aud", json!("https://gitlab.com"), AUDIENCE),
        ],
    );
}

#[test]
fn pods_with_this_service_account() {
    let subject = "system:serviceaccount:shop:billing";
    let claims = json!({
        "aud": ["https://api.shop.example"], "iss": "https://cluster.shop.example", "jti": "0a",
        "kubernetes.io": {
            "namespace": "shop", "node": {"name": "n1", "uid": "1"},
            "pod": {"name": "billing-1", "uid": "2"},
            "serviceaccount": {"name": "billing", "uid": "3"},
        },
        "nbf": now() - 1, "sub": subject,
    });
    cases(
        "{kubernetes: {issuer: \"https://cluster.shop.example\", service_accounts: [shop/billing]}}",
        None,
        &claims,
        subject,
        &[
            ("sub", json!("system:serviceaccount:shop:other"), OTHER),
            ("sub", json!("system:serviceaccount:other:billing"), OTHER),
            ("aud", json!(["https://kubernetes.default.svc"]), AUDIENCE),
            ("exp", json!(now() + 365 * 86_400), "identify.token_lifetime_too_long"),
        ],
    );
}

#[test]
fn programs_of_clouds() {
    let claims = json!({
        "aud": "https://api.shop.example", "azp": "113", "email": "billing@shop.iam.gserviceaccount.com",
        "email_verified": true, "iss": "https://accounts.google.com", "sub": "113774264463038321964",
    });
    cases(
        "{gcp: {service_accounts: [billing@shop.iam.gserviceaccount.com]}}",
        Some("JWT"),
        &claims,
        "113774264463038321964",
        &[
            ("email", json!("other@shop.iam.gserviceaccount.com"), OTHER),
            ("email_verified", json!(false), OTHER),
            ("email_verified", Value::Null, OTHER),
        ],
    );
    let (directory, application) =
        ("72f988bf-86f1-41af-91ab-2d7cd011db47", "6e74172b-be56-4843-9ff4-e66a39bb12e3");
    let claims = json!({
        "aud": "https://api.shop.example", "azp": application, "azpacr": "2", "oid": "690", "rh": "0.",
        "iss": format!("https://login.microsoftonline.com/{directory}/v2.0"), "sub": "690222be",
        "tid": directory, "uti": "u", "ver": "2.0",
    });
    cases(
        &format!("{{azure: {{directory: {directory}, applications: [{application}]}}}}"),
        Some("JWT"),
        &claims,
        "690222be",
        &[
            ("azp", json!("00000000-0000-0000-0000-000000000000"), OTHER),
            ("tid", json!("9188040d-6c67-4c5b-b112-36a304b66dad"), OTHER),
            ("iss", json!("https://login.microsoftonline.com/common/v2.0"), ISSUER),
        ],
    );
    let role = "arn:aws:iam::123456789012:role/billing";
    let claims = json!({
        "aud": "https://api.shop.example", "sub": role, "jti": "j",
        "iss": "https://a1b2.tokens.sts.global.api.aws",
        "https://sts.amazonaws.com/": {"aws_account": "123456789012", "source_region": "eu-west-1"},
    });
    cases(
        &format!(
            "{{aws: {{issuer: \"https://a1b2.tokens.sts.global.api.aws\", roles: [\"{role}\"]}}}}"
        ),
        Some("JWT"),
        &claims,
        role,
        &[("sub", json!("arn:aws:iam::123456789012:role/other"), OTHER)],
    );
}

#[test]
fn t51_t55_t56_a_jwt_svid_of_the_trust_domain_for_us() {
    let subject = "spiffe://prod.shop.example/billing";
    let claims = json!({
        "aud": ["https://api.shop.example"], "sub": subject, "iss": "https://spire.shop.example",
    });
    for kind in [None, Some("JWT"), Some("JOSE")] {
        cases(
            "{spiffe: {issuer: \"https://spire.shop.example\", trust_domain: prod.shop.example}}",
            kind,
            &claims,
            subject,
            &[
                ("sub", json!("spiffe://test.shop.example/billing"), OTHER),
                ("sub", json!("spiffe://prod.shop.example.evil/billing"), OTHER),
                ("sub", json!("spiffe://PROD.shop.example/billing"), OTHER),
                ("sub", json!("spiffe://prod.shop.example/../billing"), OTHER),
                ("sub", json!("billing"), OTHER),
                ("aud", Value::Null, AUDIENCE),
                ("aud", json!(["spiffe://prod.shop.example/other"]), AUDIENCE),
                ("exp", Value::Null, "identify.claim_invalid"),
            ],
        );
    }
}
