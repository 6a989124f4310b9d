//! What do answers say of TLS? Only over a listener that has it, and never in the upstream's words.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use http::HeaderMap;
use portcullis_core::profile::complete;
use portcullis_core::trace::Trace;
use portcullis_model::{RecordId, Timestamp};
use portcullis_testkit::walk::World;

fn said(world: &World, listener: &str) -> Option<String> {
    let mut trace = Trace::new(RecordId::new("r"), Timestamp::from_secs(1), listener.into());
    trace.crossing.boundary = Some("web-to-services".into());
    let mut headers = HeaderMap::new();
    headers.insert("strict-transport-security", "max-age=1".parse().unwrap());
    complete(&mut headers, &trace, &world.snapshot);
    let value = headers.get("strict-transport-security")?;
    Some(value.to_str().unwrap().to_owned())
}

#[test]
fn browsers_are_told_to_come_over_tls_only_where_there_is_tls() {
    let tls = (
        "zone: public}\n  partner",
        "zone: public, tls: {certificates: [{certificate: a.pem, key: {file: a.key}}]}}\n  partner",
    );
    let limits = "    limits: [per-caller, at-once]";
    let declared = format!("{limits}\n    answers: {{hsts: {{max_age: 2d, subdomains: true}}}}");
    let plain = World::shop();
    assert_eq!(said(&plain, "web"), None);
    let usual = World::changed(&[tls]);
    assert_eq!(said(&usual, "web").as_deref(), Some("max-age=31536000"));
    assert_eq!(said(&usual, "partner"), None);
    let longer = World::changed(&[tls, (limits, &declared)]);
    assert_eq!(said(&longer, "web").as_deref(), Some("max-age=172800; includeSubDomains"));
}
