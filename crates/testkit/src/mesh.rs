//! The example shop with TLS: people and workloads come over one listener, workloads with
//! certificates of a trust domain.

use std::net::SocketAddr;

use crate::certificates::{Authority, Issued, Leaf};
use crate::secure::Dialer;
use crate::shop::Shop;

/// Who may call, beside users.
const POLICY: &str = r#"
@id("workloads-read-orders")
permit (principal is Orders::Workload, action == Orders::Action::"listOrders", resource);
"#;

const WEB: &str = r#"web: {address: "127.0.0.1:8080", zone: public}"#;
/// Who vouches for people.
pub const PROVIDERS: &str = "providers: [shop-idp]";
const PARTNERS: &str = "  partner-keys:\n    api_keys:";

/// The one workload that is granted anything.
pub const BILLING: &str = "spiffe://prod.shop.example/billing";

/// Its provider, as it stands in the declaration.
pub const MESH: &str = "  mesh:\n    certificates:\n      subject: {spiffe: {trust_domain: prod.shop.example}}\n      grants:\n        \"spiffe://prod.shop.example/billing\": {tenant: acme, scopes: [\"orders:read\"]}\n";

/// A shop with TLS.
#[derive(Debug)]
pub struct Mesh {
    /// The shop; its web listener has the name `api.shop.example`.
    pub shop: Shop,
    /// Vouches for the shop.
    pub public: Authority,
    /// Vouches for clients, by way of the next.
    pub root: Authority,
    /// Vouches for clients.
    pub clients: Authority,
}

impl Mesh {
    /// Opens the shop; `client` are further keys of `tls.client`, and `changes` are as for a shop.
    #[must_use]
    pub fn open(binary: &str, client: &str, changes: &[(&str, &str)]) -> Self {
        let (public, root) = (Authority::root("public"), Authority::root("clients"));
        let clients = root.below("clients below", &[]);
        let own = public.issue(&Leaf::server(&["api.shop.example", "*.shops.example"]));
        let web = format!(
            "web: {{address: \"127.0.0.1:8080\", zone: public, tls: {{certificates: [{{certificate: web.pem, key: {{file: web.key}}}}], client: {{roots: clients.pem, crls: [root.crl.pem, clients.crl.pem]{client}}}}}}}"
        );
        let mesh = format!("{MESH}{PARTNERS}");
        let mut all = vec![
            (WEB, web.as_str()),
            (PROVIDERS, "providers: [shop-idp, mesh]"),
            (PARTNERS, mesh.as_str()),
        ];
        all.extend_from_slice(changes);
        let files = [
            ("web.pem", own.chain),
            ("web.key", own.key),
            ("clients.pem", root.pem()),
            ("root.crl.pem", root.list(&[], 3600)),
            ("clients.crl.pem", clients.list(&[], 3600)),
            ("policies/mesh.cedar", POLICY.to_owned()),
        ];
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let shop = Shop::open_with(binary, &all, &files);
        Self { shop, public, root, clients }
    }

    /// Where its web listener is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shop.gateway.address("web")
    }

    /// A client of the shop with a certificate of its own or without.
    #[must_use]
    pub fn dialer(&self, own: Option<&Issued>) -> Dialer {
        Dialer::new(&self.public.pem(), own)
    }

    /// A certificate of the workload that may call.
    #[must_use]
    pub fn billing(&self) -> Issued {
        self.clients.issue(&Leaf::workload(&[BILLING]))
    }

    /// Replaces a file of its folder; nothing is read before a reload.
    pub fn replace(&self, name: &str, text: &str) {
        std::fs::write(self.shop.folder().join(name), text).unwrap();
    }

    /// Has the estate read anew, which must succeed.
    pub fn reload(&mut self) {
        let (taken, said) = self.shop.gateway.reload();
        assert!(taken, "{said}");
    }
}
