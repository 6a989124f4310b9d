//! Is everything wrong with a declaration said, each with its code at its place?

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::time::Duration;

use portcullis_config::declaration::{Audit, LimitRule, Provider};
use portcullis_config::{Declaration, json_schema, read};
use portcullis_diagnostics::{Finding, SourceId, Sources};

const SHOP: &str = include_str!("../../../examples/shop/portcullis.yaml");

fn reading(text: &str) -> (Option<Declaration>, Vec<Finding>) {
    read(&SourceId::new("portcullis.yaml"), text)
}

/// Changes the shop's declaration; every finding as `code line: message`.
fn findings(from: &str, to: &str) -> Vec<String> {
    let text = SHOP.replacen(from, to, 1);
    assert_ne!(text, SHOP, "{from} does not stand in the shop's declaration");
    let (declaration, findings) = reading(&text);
    assert_eq!(declaration.is_some(), !findings.iter().any(Finding::is_error));
    let mut sources = Sources::default();
    sources.insert(SourceId::new("portcullis.yaml"), text.as_str());
    let say = |finding: &Finding| {
        let line = finding.span.as_ref().and_then(|span| sources.line_column(span)).unwrap().0;
        let words = text.lines().nth(line - 1).unwrap().trim();
        assert!(!finding.why.is_empty() && !finding.fix.is_empty(), "{finding:?}");
        format!("{} {} | {words}", finding.code, finding.fix)
    };
    findings.iter().map(say).collect()
}

#[test]
fn the_shop_is_read_as_it_is_written() {
    let (declaration, findings) = reading(SHOP);
    assert!(findings.is_empty(), "{findings:#?}");
    let shop = declaration.unwrap();
    assert_eq!(shop.zones.len(), 3);
    let web = shop.boundaries.get(&"web-to-services".into()).unwrap();
    assert_eq!(web.audit, Audit::Required);
    assert_eq!(web.inspection.body_bytes_max, 16 * 1024);
    let Some(Provider::Jwt(idp)) = shop.providers.get(&"shop-idp".into()) else { panic!() };
    assert_eq!(idp.clock_skew, Duration::from_secs(30));
    assert!(idp.algorithms.contains("ES256") && idp.algorithms.len() == 1);
    let limit = shop.limits.get(&"per-caller".into()).unwrap();
    assert!(matches!(limit.rule, LimitRule::Rate { burst, .. } if burst.get() == 20));
}

#[test]
fn a_listener_that_is_not_understood_was_written_all_the_same() {
    let text = SHOP.replace("\"127.0.0.1:8080\"", "nowhere").replace("\"127.0.0.1:8081\"", "there");
    let (_, found) = reading(&text);
    let said: Vec<_> = found.iter().map(|one| one.message.as_str()).collect();
    assert!(said.contains(&"`nowhere` is not an IP address with a port"), "{said:?}");
    assert!(!said.contains(&"there is no listener"), "{said:?}");
}

#[test]
fn a_tab_is_shown_where_it_stands() {
    assert_eq!(
        findings("  shop-idp:", "\tshop-idp:"),
        ["PC0100 correct the YAML; `portcullis init` writes one to begin with | shop-idp:"]
    );
}

#[test]
fn unknown_and_repeated_keys_are_said_with_what_was_meant() {
    assert_eq!(
        findings("boundaries:", "boundries:"),
        ["PC0101 did you mean `boundaries`? | boundries:"]
    );
    assert_eq!(
        findings("estate: shop", "estate: shop\nestate: other"),
        ["PC0102 keep one | estate: other"]
    );
    assert_eq!(
        findings("    audit: required", "    audit: requierd"),
        ["PC0104 did you mean `required`? | audit: requierd"]
    );
    assert_eq!(
        findings("algorithms: [ES256]", "algorithms: [HS256]"),
        ["PC0104 did you mean `ES256`? | algorithms: [HS256]"]
    );
    assert_eq!(findings("estate: shop", "estate: 5"), ["PC0104 put it in quotes | estate: 5"]);
    let wrong = findings("api_keys: {", "api_kyes: {");
    assert!(wrong[0].starts_with("PC0101 did you mean `api_keys`?"), "{wrong:?}");
    let both = findings("pepper: {file: state/pepper}", "pepper: {file: a, env: B}");
    assert!(both[0].starts_with("PC0105"), "{both:?}");
    let yaml = findings("zones:", "zones: [");
    assert!(yaml[0].starts_with("PC0100"), "{yaml:?}");
    assert!(findings("burst: 20", "burst: 0")[0].starts_with("PC0104"));
    assert!(findings("burst: 20", "burst: 4294967296")[0].starts_with("PC0104"));
}

#[test]
fn names_that_stand_for_nothing_and_things_without_effect() {
    assert_eq!(
        findings("providers: [shop-idp]", "providers: [shop-ipd]"),
        ["PC0110 did you mean `shop-idp`? | identity: {providers: [shop-ipd], anonymous: true}"]
    );
    let unused = findings("limits: [per-caller, at-once]", "limits: [at-once]");
    assert!(unused.len() == 1 && unused[0].starts_with("PC0113"), "{unused:?}");
    let zone = findings("    to: services", "    to: partners");
    assert!(zone[0].starts_with("PC0111") && zone[0].ends_with("to: partners"), "{zone:?}");
    let twice = findings("from: partners", "from: public");
    assert!(twice.iter().any(|one| one.starts_with("PC0114")), "{twice:?}");
    let nobody = findings("{providers: [shop-idp], anonymous: true}", "{}");
    assert!(nobody.iter().any(|one| one.starts_with("PC0115")), "{nobody:?}");
}

#[test]
fn values_outside_what_is_safe() {
    let cases = [
        ("\"http://127.0.0.1:8090/jwks.json\"", "\"http://id.shop.example/jwks.json\"", "PC0116"),
        ("\"http://127.0.0.1:8090/jwks.json\"", "\"http://127.0.0.1@evil.example/\"", "PC0116"),
        ("stale_until: 1h", "stale_until: 1m", "PC0119"),
        ("clock_skew: 30s", "clock_skew: 1h", "PC0119"),
        ("clock_skew: 30s", "clock_skew: 30", "PC0104"),
        ("max_lifetime: 1h", "max_lifetime: soon", "PC0107"),
        (
            "\"127.0.0.1:8080\", zone: public",
            "\"127.0.0.1:8080\", zone: public, trusted_hops: 1",
            "PC0116",
        ),
        ("\"127.0.0.1:8081\"", "\"127.0.0.1:8080\"", "PC0118"),
        ("\"127.0.0.1:8080\"", "\"localhost:8080\"", "PC0107"),
        ("[api.shop.example, 127", "[\"api.shop.example:80\", 127", "PC0107"),
        ("[api.shop.example, 127", "[API.shop.example, 127", "PC0107"),
        ("base_path: /v1", "base_path: /v1/", "PC0107"),
        ("contracts/orders.yaml", "../orders.yaml", "PC0122"),
        ("header: x-api-key", "header: authorization", "PC0107"),
        ("header: x-api-key", "header: x-portcullis-tenant", "PC0107"),
        ("plan: {claim", "tenant: {claim", "PC0121"),
        (
            "per-caller: {per: principal, rate:",
            "per-caller: {per: principal, concurrent: 3, rate:",
            "PC0105",
        ),
        ("body_bytes_max: 16KiB", "body_bytes_max: 16KB", "PC0107"),
        ("  shop-idp:", "  Shop_IdP:", "PC0106"),
    ];
    for (from, to, code) in cases {
        let found = findings(from, to);
        assert!(found.iter().any(|one| one.starts_with(code)), "{to}: {found:?}");
    }
}

/// Several changes at once; every finding as `code: message`.
fn all(changes: &[(&str, &str)]) -> Vec<String> {
    let mut text = SHOP.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let (declaration, findings) = reading(&text);
    assert!(declaration.is_none());
    findings.iter().map(|one| format!("{}: {}", one.code, one.message)).collect()
}

#[test]
fn errors_of_form_hide_no_others() {
    let found = all(&[
        ("boundaries:", "boundries:"),
        ("clock_skew: 30s", "clock_skew: 30"),
        ("max_lifetime: 1h", "max_lifetime: soon"),
        ("    audit: required", "    audit: always"),
        ("providers: [shop-idp]", "providers: [shop-ipd]"),
        ("burst: 20", "burst: 0"),
        ("body_bytes_max: 16KiB", "body_bytes_max: 16KB"),
        ("estate: shop", "estate: shop\nestate: shop\ncolour: red"),
    ]);
    assert_eq!(
        found,
        [
            "PC0102: `estate` stands twice",
            "PC0101: the declaration has no key `colour`",
            "PC0104: `clock_skew` is a number, and should be a text",
            "PC0107: `soon` does not begin with a whole number",
            "PC0104: `burst` must be a whole number from 1 to 4294967295",
            "PC0101: the declaration has no key `boundries`",
            "PC0110: there is no provider `shop-ipd`",
            "PC0107: `16KB` is not a size such as `512B`, `64KiB`, `1MiB`",
            "PC0104: `audit` must be one of: best_effort, required",
        ]
    );
}

#[test]
fn nothing_is_said_that_only_follows_from_something_said() {
    let unit = findings("clock_skew: 30s", "clock_skew: 30");
    assert_eq!(unit, ["PC0104 write it with its unit, such as `30s` | clock_skew: 30"]);
    let unit = findings("window: 1m", "window: 1");
    assert!(unit.len() == 1 && unit[0].starts_with("PC0104 write it with its unit"), "{unit:?}");
    for (from, to, code) in [
        ("    from: public\n", "", "PC0103"),
        ("apiVersion: portcullis/v1", "", "PC0103"),
        ("estate: shop", "", "PC0103"),
        ("    owner: ", "    onwer: ", "PC0101"),
        ("    identity: {providers: [shop-idp], anonymous: true}", "    identity:", "PC0104"),
        (
            "{providers: [shop-idp], anonymous: true}",
            "{providers: {a: b}, anonymous: true}",
            "PC0104",
        ),
        ("pepper: {file: state/pepper}", "pepper: state/pepper", "PC0104"),
        ("limits: [per-caller, at-once]", "limits: [5, per-caller, at-once]", "PC0104"),
        (
            "limits: [per-caller, at-once]",
            "limits: []\n    limtis: [per-caller, at-once]",
            "PC0101",
        ),
    ] {
        let found = findings(from, to);
        assert!(found.len() == 1 && found[0].starts_with(code), "{to}: {found:?}");
    }
}

#[test]
fn the_schema_describes_every_key() {
    fn described(schema: &serde_json::Value, path: &str) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let named = property.get("description").is_some() || property.get("$ref").is_some();
            assert!(named, "{path}.{key} has no description");
            described(property, &format!("{path}.{key}"));
        }
    }
    let schema = json_schema();
    described(&schema, "");
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        described(definition, name);
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(cut in 0..SHOP.len(), noise in "\\PC{0,12}") {
        let mut text = SHOP.to_owned();
        if text.is_char_boundary(cut) {
            text.insert_str(cut, &noise);
            let (declaration, findings) = reading(&text);
            assert_eq!(declaration.is_some(), !findings.iter().any(Finding::is_error));
        }
    }
}

#[test]
fn claims_have_the_form_that_they_can_have() {
    for (to, code) in [
        ("tenant: exp", Some("PC0125")),
        ("tenant: \"\"", Some("PC0125")),
        ("tenant: tenant\n        groups: amr\n        amr: amr", None),
        ("tenant: tenant\n        auth_time: sub", Some("PC0125")),
        ("tenant: tenant\n        acr: amr", Some("PC0125")),
        ("tenant: tenant\n        auth_time: tenant", Some("PC0125")),
        ("tenant: /org/tenant\n        groups: /org/groups\n        auth_time: auth_time", None),
    ] {
        let said = findings("tenant: tenant", to);
        let codes: Vec<&str> = said.iter().filter_map(|one| one.get(..6)).collect();
        assert_eq!(codes, code.into_iter().collect::<Vec<_>>(), "{to}: {said:#?}");
    }
    for name in ["acr", "amr", "auth_time", "groups"] {
        let said = findings(
            "plan: {claim: plan, type: text}",
            &format!("{name}: {{claim: x, type: text}}"),
        );
        assert!(said[0].starts_with("PC0121"), "{said:?}");
    }
}
