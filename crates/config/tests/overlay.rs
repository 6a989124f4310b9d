//! Does an overlay change what it says and nothing else, and is everything wrong with it said in
//! the file that it stands in?

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use portcullis_config::declaration::{KeySource, LimitRule, Provider};
use portcullis_config::{Declaration, overlay_json_schema, read_overlaid_as_meant};
use portcullis_diagnostics::{Finding, SourceId, Sources};

const SHOP: &str = include_str!("../../../examples/shop/portcullis.yaml");
const STAGING: &str = include_str!("../../../examples/shop/overlays/staging.yaml");

fn reading(base: &str, overlay: &str) -> (Option<Declaration>, Vec<Finding>) {
    let (one, two) = (SourceId::new("portcullis.yaml"), SourceId::new("overlays/x.yaml"));
    read_overlaid_as_meant((&one, base), (&two, overlay))
}

/// Every finding as `code file:line fix | line of text`.
fn said(base: &str, overlay: &str) -> Vec<String> {
    let (_, findings) = reading(base, overlay);
    let mut sources = Sources::default();
    sources.insert(SourceId::new("portcullis.yaml"), base);
    sources.insert(SourceId::new("overlays/x.yaml"), overlay);
    let say = |finding: &Finding| {
        let span = finding.span.as_ref().unwrap();
        let line = sources.line_column(span).unwrap().0;
        let words = sources.text(&span.source).unwrap().lines().nth(line - 1).unwrap().trim();
        assert!(!finding.why.is_empty() && !finding.fix.is_empty(), "{finding:?}");
        let file = if span.source.as_str() == "portcullis.yaml" { "base" } else { "overlay" };
        format!("{} {file} {} | {words}", finding.code, finding.fix)
    };
    findings.iter().map(say).collect()
}

/// What is said of an overlay with these lines.
fn overlaid(lines: &str) -> Vec<String> {
    said(SHOP, &format!("apiVersion: portcullis/v1\n{lines}\n"))
}

#[test]
fn the_staging_overlay_changes_adds_and_removes() {
    let (declaration, findings) = reading(SHOP, STAGING);
    assert!(findings.is_empty(), "{findings:#?}");
    let staging = declaration.unwrap();
    assert_eq!(staging.estate, "shop-staging");
    let stock = &staging.upstreams[&"stock".into()];
    assert_eq!(
        (stock.addresses[0].host.as_str(), stock.response_timeout.as_secs()),
        ("10.20.0.12", 5)
    );
    assert_eq!(stock.idle_timeout.as_secs(), 2, "what is not said stays");
    let Provider::Jwt(idp) = &staging.providers[&"shop-idp".into()] else { panic!() };
    assert!(matches!(&idp.keys, KeySource::File { path } if path == "state/staging-keys.json"));
    assert!(idp.audiences.contains("https://api.shop.example"));
    let web = &staging.boundaries[&"web-to-services".into()];
    assert_eq!((web.inspection.body_bytes_max, web.inspection.json_depth_max), (8 * 1024, 16));
    assert_eq!(web.limits, ["per-tester".into(), "at-once".into()]);
    assert_eq!((staging.listeners.len(), staging.zones.len(), staging.limits.len()), (1, 2, 2));
}

#[test]
fn what_is_not_there_is_not_changed_and_not_removed() {
    assert_eq!(
        overlaid("upstreams:\n  ordres: {response_timeout: 5s}"),
        ["PC0165 overlay did you mean `orders`? | ordres: {response_timeout: 5s}"]
    );
    let cases = [
        ("remove: {listeners: [partnr]}", "PC0165 overlay did you mean `partner`?"),
        ("remove: {boundaries: [x]}\nestate: other", "PC0165 overlay remove it"),
        ("boundaries:\n  nobody: {audit: required}", "PC0165 overlay what is new belongs"),
    ];
    for (lines, start) in cases {
        let found = overlaid(lines);
        assert!(found[0].starts_with(start), "{lines}: {found:?}");
    }
    let gone = "remove: {limits: [at-once]}\nlimits: {at-once: {concurrent: 5}}";
    assert!(overlaid(gone).iter().any(|one| one.starts_with("PC0165")), "{:?}", overlaid(gone));
}

#[test]
fn what_changes_nothing_is_said() {
    let cases = [
        "upstreams: {orders: {response_timeout: 2s}}",
        "estate: shop",
        "guards: {connections_max: 10000}",
        "apis: {orders: {lifecycle: active}}",
        "boundaries:\n  web-to-services: {limits: [per-caller, at-once]}",
        "boundaries:\n  web-to-services: {}",
        "remove: {limits: []}",
        "add: {}",
        "",
        "remove: {limits: [at-once]}\nadd: {limits: {at-once: {per: tenant, concurrent: 32}}}",
    ];
    for lines in cases {
        let found = overlaid(lines);
        assert!(found.iter().any(|one| one.starts_with("PC0166 overlay")), "{lines}: {found:?}");
    }
    assert!(overlaid("guards: {connections_max: 9000}").is_empty());
}

#[test]
fn what_is_added_is_new() {
    let cases = [
        ("add: {limits: {at-once: {per: tenant, concurrent: 5}}}", "PC0167"),
        ("add: {estate: other}", "PC0167"),
        ("add: {guards: {connections_max: 5}}", "PC0167"),
        ("add: [limits]", "PC0168"),
        ("add: {limitts: {x: {per: tenant, concurrent: 5}}}", "PC0101"),
        ("add: {limits: {idle: {per: tenant, concurrent: 5}}}", "PC0113"),
    ];
    for (lines, code) in cases {
        let found = overlaid(lines);
        assert!(found.iter().any(|one| one.starts_with(code)), "{lines}: {found:?}");
        assert!(found.iter().all(|one| one.contains(" overlay ")), "{lines}: {found:?}");
    }
    let claims = "claims: {attributes: {team: {claim: team, type: text}}}";
    assert!(
        overlaid(&format!("add: {{providers: {{shop-idp: {{jwt: {{{claims}}}}}}}}}")).is_empty()
    );
    // as a whole, a thing may be another one
    let anew = "remove: {limits: [at-once]}\nadd:\n  limits:\n    at-once: {per: tenant, rate: {amount: 5, window: 1s}}";
    assert!(overlaid(anew).is_empty(), "{:?}", overlaid(anew));
    let (declaration, _) = reading(SHOP, &format!("apiVersion: portcullis/v1\n{anew}\n"));
    let rule = declaration.unwrap().limits[&"at-once".into()].rule;
    assert!(matches!(rule, LimitRule::Rate { amount, .. } if amount.get() == 5));
}

#[test]
fn findings_stand_in_the_file_that_they_are_about() {
    let found = overlaid("estate: Shop\nboundaries:\n  web-to-services: {audti: best_effort}");
    assert_eq!(
        found,
        [
            "PC0106 overlay use up to 63 of `a-z`, `0-9` and `-`, beginning with a letter | estate: Shop",
            "PC0101 overlay did you mean `audit`? | web-to-services: {audti: best_effort}",
        ]
    );
    // removing what is referred to is said where it is referred to
    let found = overlaid("remove: {limits: [per-caller]}");
    assert_eq!(
        found,
        [
            "PC0110 base declare it, or use one of: at-once, per-partner | limits: [per-caller, at-once]"
        ]
    );
    let both = said(
        &SHOP.replace("estate: shop", "estate: Shop"),
        "apiVersion: portcullis/v1\nupstreams: {stock: {connections_max: 0}}\n",
    );
    assert!(
        both[0].starts_with("PC0106 base") && both[1].starts_with("PC0104 overlay"),
        "{both:?}"
    );
    let broken = said("zones: [", "zones: [");
    assert!(
        broken[0].starts_with("PC0100 base") && broken[1].starts_with("PC0100 overlay"),
        "{broken:?}"
    );
}

#[test]
fn the_form_of_an_overlay_is_held() {
    let cases = [
        ("[]", "PC0168"),
        ("estate: other", "PC0168"),
        ("apiVersion: portcullis/v2\nestate: other", "PC0168"),
        ("apiVersion: portcullis/v1\nestate: other\nestate: third", "PC0102"),
        ("apiVersion: portcullis/v1\nremove: [limits]", "PC0168"),
        ("apiVersion: portcullis/v1\nremove: {records: [x]}", "PC0168"),
        ("apiVersion: portcullis/v1\nremove: {limits: at-once}", "PC0168"),
        ("apiVersion: portcullis/v1\nremove: {limits: [5]}", "PC0168"),
        ("apiVersion: portcullis/v1\nlimits: {at-once: null}", "PC0104"),
        ("apiVersion: portcullis/v1\nlimitts: {at-once: {concurrent: 5}}", "PC0101"),
    ];
    for (overlay, code) in cases {
        let found = said(SHOP, overlay);
        assert!(found.iter().any(|one| one.starts_with(code)), "{overlay}: {found:?}");
    }
}

#[test]
fn the_schema_of_overlays_is_that_of_declarations_without_requirements() {
    let schema = overlay_json_schema();
    assert_eq!(schema["required"], serde_json::json!(["apiVersion"]));
    assert!(schema["$defs"]["Upstream"].get("required").is_none());
    assert!(schema["properties"]["guards"].get("default").is_none());
    assert!(schema["properties"]["add"]["properties"]["limits"].is_object());
    assert!(schema["properties"]["add"]["properties"].get("guards").is_none());
    assert!(schema["properties"]["remove"]["properties"]["listeners"].is_object());
    let forms = schema["$defs"]["KeySource"]["oneOf"].as_array().unwrap();
    assert!(forms.iter().all(|form| form["required"].is_array()), "{forms:?}");
}

proptest::proptest! {
    #[test]
    fn no_overlay_makes_the_reader_panic(cut in 0..STAGING.len(), noise in "\\PC{0,12}") {
        let mut text = STAGING.to_owned();
        if text.is_char_boundary(cut) {
            text.insert_str(cut, &noise);
            let (_, findings) = reading(SHOP, &text);
            for finding in findings {
                let span = finding.span.unwrap();
                let whole = if span.source.as_str() == "portcullis.yaml" { SHOP } else { &text };
                assert!(whole.get(span.start..span.end).is_some(), "{:?}", span);
            }
        }
    }
}
