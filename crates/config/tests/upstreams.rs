//! Is everything said that an upstream declares and that could not be kept?

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use portcullis_config::declaration::{AddressClass, Balance, UpstreamProtocol};
use portcullis_config::read;
use portcullis_diagnostics::{Finding, SourceId};

const SHOP: &str = include_str!("../../../examples/shop/portcullis.yaml");
const ORDERS: &str = "  orders: {address: \"127.0.0.1:8091\", connect_timeout: 1s, response_timeout: 2s, idle_timeout: 2s}";

fn findings(orders: &str) -> Vec<&'static str> {
    let text = SHOP.replacen(ORDERS, &format!("  orders: {{{orders}}}"), 1);
    assert_ne!(text, SHOP);
    let (declaration, findings) = read(&SourceId::new("portcullis.yaml"), &text);
    assert_eq!(declaration.is_some(), !findings.iter().any(Finding::is_error), "{findings:#?}");
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn rules_that_cannot_be_kept_are_said() {
    let one = "address: \"10.0.0.1:80\"";
    let two = "addresses: [\"10.0.0.1:80\", \"10.0.0.2:80\"]";
    let name = "address: \"orders.internal:80\"";
    let cases: [(String, &[&str]); 37] = [
        (one.to_owned(), &[]),
        (two.to_owned(), &[]),
        (name.to_owned(), &[]),
        (format!("{two}, balance: by_principal"), &[]),
        (format!("{name}, balance: by_tenant, outlier: {{}}, dns: {{}}"), &[]),
        (format!("{two}, outlier: {{}}, health: {{path: /healthz}}"), &[]),
        (format!("{one}, protocol: auto, tls: {{}}"), &[]),
        (format!("{one}, protocol: http2"), &[]),
        (format!("{one}, try_timeout: 1s, overall_timeout: 1m"), &[]),
        (format!("{one}, address_class: private"), &[]),
        (format!("{one}, allow_networks: [10.0.0.0/8]"), &[]),
        (format!("{one}, tls: {{server_name: orders.internal, versions: {{min: \"1.3\"}}}}"), &[]),
        (String::new(), &["PC0140"]),
        ("addresses: []".to_owned(), &["PC0140"]),
        (format!("{one}, {two}"), &["PC0140"]),
        ("addresses: [\"a:1\", \"a:1\"]".to_owned(), &["PC0140"]),
        (format!("{one}, address_class: public, allow_networks: [10.0.0.0/8]"), &["PC0141"]),
        (format!("{one}, allow_networks: [ten]"), &["PC0107"]),
        (format!("{one}, address_class: inner"), &["PC0104"]),
        (format!("{one}, balance: by_tenant"), &["PC0142"]),
        (format!("{one}, outlier: {{}}"), &["PC0142"]),
        (format!("{two}, outlier: {{ejected_percent_max: 40}}"), &["PC0142"]),
        (format!("{two}, dns: {{}}"), &["PC0142"]),
        (format!("{one}, try_timeout: 1s, retries: {{attempts_max: 0}}"), &["PC0142"]),
        (format!("{one}, retries: {{attempts_max: 0, statuses: [503]}}"), &["PC0142"]),
        (format!("{one}, try_timeout: 10s"), &["PC0143"]),
        (format!("{one}, overall_timeout: 5s"), &["PC0143"]),
        (format!("{one}, health: {{path: /, interval: 1s, timeout: 2s}}"), &["PC0143"]),
        (format!("{two}, outlier: {{eject_for: 10m}}"), &["PC0143"]),
        (format!("{name}, dns: {{refresh: 1m, keep_for: 30s}}"), &["PC0143"]),
        (format!("{one}, retries: {{statuses: [500]}}"), &["PC0144"]),
        (format!("{one}, protocol: auto"), &["PC0146"]),
        (format!("{one}, health: {{path: healthz}}"), &["PC0107"]),
        (format!("{one}, health: {{path: /, statuses: [100]}}"), &["PC0107"]),
        (format!("{one}, trailers: [content-length]"), &["PC0107"]),
        (format!("{one}, tls: {{server_name: \"a b\"}}"), &["PC0107"]),
        (format!("{one}, tls: {{roots: ../ca.pem}}"), &["PC0122"]),
    ];
    for (orders, codes) in cases {
        assert_eq!(findings(&orders), codes, "{orders}");
    }
}

#[test]
fn what_stands_is_what_is_meant() {
    let orders = "{addresses: [\"[::1]:80\", \"orders.internal:81\"], balance: by_tenant, protocol: http2, allow_networks: [10.0.0.0/8, \"::1\"]}";
    let text = SHOP.replacen(ORDERS, &format!("  orders: {orders}"), 1);
    let declaration = read(&SourceId::new("portcullis.yaml"), &text).0.unwrap();
    let upstream = declaration.upstreams.get(&"orders".into()).unwrap();
    let addresses: Vec<_> =
        upstream.addresses.iter().map(|one| (one.host.as_str(), one.port)).collect();
    assert_eq!(addresses, [("::1", 80), ("orders.internal", 81)]);
    assert_eq!(upstream.balance, Balance::ByTenant);
    assert_eq!(upstream.protocol, UpstreamProtocol::Http2);
    let AddressClass::Networks(networks) = &upstream.class else { panic!() };
    assert_eq!(networks.len(), 2);
}
