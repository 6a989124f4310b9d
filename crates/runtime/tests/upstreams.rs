//! Are files of upstreams that cannot be used said when the estate is checked, and addresses that may
//! not be connected to?

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use portcullis_diagnostics::SourceId;
use portcullis_runtime::upstreams::{survey, target};
use portcullis_testkit::Authority;

const SHOP: &str = include_str!("../../../examples/shop/portcullis.yaml");
const ORDERS: &str = "orders: {address: \"127.0.0.1:8091\", ";

/// What is said, and whether a process could connect.
fn said(folder: &std::path::Path, orders: &str) -> (Vec<&'static str>, bool) {
    let text = SHOP.replacen(ORDERS, &format!("orders: {{{orders}, "), 1);
    let (declaration, findings) = portcullis_config::read(&SourceId::new("portcullis.yaml"), &text);
    assert!(findings.is_empty(), "{findings:#?}");
    let declaration = declaration.unwrap();
    let codes = survey(&declaration, folder).iter().map(|finding| finding.code).collect();
    let upstream = declaration.upstreams.get(&"orders".into()).unwrap();
    (codes, target(upstream, folder).is_ok())
}

#[test]
fn certificates_and_keys_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    let authority = Authority::root("ours");
    let (us, other) = (authority.certify("us"), authority.certify("other"));
    write("ca.pem", &authority.pem(), 0o644);
    write("us.pem", &us.chain, 0o644);
    write("us.key", &us.key, 0o640);
    write("open.key", &us.key, 0o644);
    write("other.key", &other.key, 0o600);
    write("garbage.pem", "no certificate", 0o644);
    let client = |certificate: &str, key: &str| {
        format!(
            "address: \"10.0.0.1:1\", tls: {{client: {{certificate: {certificate}, key: {{file: {key}}}}}}}"
        )
    };
    let roots = |file: &str| format!("address: \"10.0.0.1:1\", tls: {{roots: {file}}}");
    let cases: [(String, &[&str], bool); 8] = [
        (roots("ca.pem"), &[], true),
        (roots("missing.pem"), &["PC0145"], false),
        (roots("garbage.pem"), &["PC0145"], false),
        (client("us.pem", "us.key"), &[], true),
        (client("garbage.pem", "us.key"), &["PC0145"], false),
        (client("us.pem", "open.key"), &["PC0145"], false),
        // a key need not be where an estate is checked, and must be where it runs
        (client("us.pem", "missing.key"), &[], false),
        (client("us.pem", "other.key"), &[], false),
    ];
    for (orders, codes, usable) in cases {
        assert_eq!(said(folder.path(), &orders), (codes.to_vec(), usable), "{orders}");
    }
}

#[test]
fn e14_addresses_that_may_not_be_connected_to() {
    let folder = tempfile::tempdir().unwrap();
    for (orders, codes) in [
        ("address: \"169.254.169.254:80\"", &["PC0141"][..]),
        ("address: \"[::ffff:169.254.169.254]:80\"", &["PC0141"]),
        ("address: \"10.0.0.1:80\", address_class: public", &["PC0141"]),
        ("addresses: [\"10.0.0.1:80\", \"8.8.8.8:80\"], address_class: private", &["PC0141"]),
        ("address: \"10.0.0.1:80\", allow_networks: [10.1.0.0/16]", &["PC0141"]),
        ("address: \"10.0.0.1:80\", address_class: private", &[]),
        ("address: \"orders.internal:80\", address_class: private", &[]),
    ] {
        assert_eq!(said(folder.path(), orders).0, codes, "{orders}");
    }
}
