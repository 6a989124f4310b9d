//! Real counterparts for tests: a client that sends exactly its bytes, upstreams that misbehave by
//! switch, token issuers, the gateway as a process of its own, and what the binary says of itself. And
//! for properties, the shop without a process: its snapshot, generated requests, and a walk that
//! chooses every fact.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]
#![allow(clippy::missing_panics_doc, reason = "whatever goes wrong here fails the test")]

pub mod acme;
pub mod asked;
pub mod certificates;
pub mod collector;
pub mod countries;
pub mod fuzz;
pub mod gateway;
pub mod h2raw;
pub mod holder;
pub mod issuer;
pub mod manual;
pub mod mesh;
pub mod multiplexed;
pub mod provider;
pub mod raw;
pub mod secure;
pub mod shop;
pub mod signer;
pub mod upstream;
pub mod walk;

pub use asked::Asked;
pub use certificates::Authority;
pub use gateway::Gateway;
pub use holder::Holder;
pub use issuer::{Issuer, Token};
pub use mesh::Mesh;
pub use multiplexed::Http2Upstream;
pub use provider::Provider;
pub use raw::Answer;
pub use secure::Dialer;
pub use shop::Shop;
pub use signer::{Signed, Signer};
pub use upstream::{Behaviour, Upstream};
pub use walk::World;
