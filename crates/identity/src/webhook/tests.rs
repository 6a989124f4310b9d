//! Vectors that the senders publish, and every way to get a webhook wrong (E22).

use super::{Rules, Scheme, Verified};
use crate::holder::Holder;
use crate::secrets::Secrets;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_model::{Reason, Timestamp};
use std::time::Duration;

fn judge(
    scheme: Scheme,
    secrets: &[&str],
    fields: &[(&str, &str)],
    body: &str,
    now: u64,
) -> Result<Verified, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let mut shared = Secrets::default();
    for secret in secrets {
        shared.add("", &scheme.secret(secret).unwrap()).unwrap();
    }
    let holder = Holder { subject: "sender".to_owned(), ..Holder::default() };
    let tolerance = Duration::from_secs(300);
    let rules = Rules { provider: "hooks".into(), scheme, holder, tolerance };
    let now = Timestamp::from_secs(now);
    let verified =
        scheme.parse(&headers).and_then(|hook| hook.verify(&rules, &shared, body.as_bytes(), now));
    verified.map_err(|refused| {
        assert_eq!(refused.reason, Reason::WebhookRefused);
        refused.detail
    })
}

const GITHUB: (&str, &str) = (
    "x-hub-signature-256",
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
);
const GITHUB_SECRET: &str = "It's a Secret to Everybody";

#[test]
fn the_vector_of_github() {
    let judge = |field: (&str, &str), secrets: &[&str], body: &str| {
        judge(Scheme::Github, secrets, &[field], body, 1_000)
    };
    let first = judge(GITHUB, &[GITHUB_SECRET], "Hello, World!").unwrap();
    assert_eq!(first.until.as_secs(), 1_300);
    // an old secret beside the new one
    let both = judge(GITHUB, &["the one that comes after", GITHUB_SECRET], "Hello, World!");
    assert_eq!(both.unwrap().name, first.name);
    assert!(judge(GITHUB, &[GITHUB_SECRET], "Hello, World").is_err());
    assert!(judge(GITHUB, &["It's a Secret to Nobody at all"], "Hello, World!").is_err());
    assert!(judge(GITHUB, &[], "Hello, World!").is_err());
    for wrong in [
        "",
        "sha256=",
        &GITHUB.1.replace("sha256", "sha1"),
        &GITHUB.1.to_uppercase(),
        GITHUB.1.trim_end_matches('7'),
    ] {
        assert!(judge((GITHUB.0, wrong), &[GITHUB_SECRET], "Hello, World!").is_err(), "{wrong}");
    }
}

const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

#[test]
fn e22_the_vector_of_slack_and_its_time() {
    let at = |now: u64| {
        let fields = [
            (
                "x-slack-signature",
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
            ("x-slack-request-timestamp", "1531420618"),
        ];
        judge(Scheme::Slack, &[SLACK_SECRET], &fields, SLACK_BODY, now)
    };
    let when = 1_531_420_618;
    for (now, good) in
        [(when - 301, false), (when - 300, true), (when + 299, true), (when + 300, false)]
    {
        assert_eq!(at(now).is_ok(), good, "{now}");
    }
    for fields in [
        vec![(
            "x-slack-signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        )],
        vec![
            (
                "x-slack-signature",
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
            ("x-slack-request-timestamp", "1531420619"),
        ],
        vec![
            (
                "x-slack-signature",
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
            ("x-slack-request-timestamp", "01531420618"),
        ],
        vec![("x-slack-request-timestamp", "1531420618")],
    ] {
        assert!(
            judge(Scheme::Slack, &[SLACK_SECRET], &fields, SLACK_BODY, when).is_err(),
            "{fields:?}"
        );
    }
}

#[test]
fn e22_the_vector_of_standard_webhooks() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = "{\"test\": 2432232314}";
    let with = |id: &str, time: &str, code: &str| {
        let fields = [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", code)];
        judge(Scheme::Standard, &[secret], &fields, body, 1_614_265_330)
    };
    let (id, time, code) = (
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
    assert!(with(id, time, code).is_ok());
    assert!(
        with(id, time, &format!("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1a,x {code}"))
            .is_ok()
    );
    assert!(with("msg_other", time, code).is_err());
    assert!(with(id, "1614265331", code).is_err());
    assert!(with(id, time, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=").is_err());
    assert!(with(id, time, &[code; 9].join(" ")).is_err());
    assert!(with("a.b", time, code).is_err());
    assert!(Scheme::Standard.secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_err());
}

#[test]
fn e22_stripe_signs_its_time() {
    let secret = "whsec_test_secret_of_stripe";
    let signed = |time: &str, body: &str| {
        use aws_lc_rs::hmac;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
        crate::authenticated::hex(tag.as_ref())
    };
    let with =
        |field: &str| judge(Scheme::Stripe, &[secret], &[("stripe-signature", field)], "{}", 1_000);
    let code = signed("1000", "{}");
    let good = with(&format!("t=1000,v1={code}")).unwrap();
    assert_eq!(good.until.as_secs(), 1_300);
    assert!(with(&format!("t=1000,v1={},v1={code},v0=x", "0".repeat(64))).is_ok());
    for wrong in [
        format!("v1={code}"),
        "t=1000".to_owned(),
        format!("t=1000,t=1000,v1={code}"),
        format!("t=1001,v1={code}"),
        format!("t=1000,v1={}", signed("1000", "{ }")),
        format!("t=699,v1={}", signed("699", "{}")),
        format!("t=1000,v0={code}"),
        format!("t=1000 ,v1={code}"),
    ] {
        assert!(with(&wrong).is_err(), "{wrong}");
    }
    // sent again later, it is another message
    assert_ne!(with(&format!("t=1010,v1={}", signed("1010", "{}"))).unwrap().name, good.name);
}
