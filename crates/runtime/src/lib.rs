//! Where facts come from: the driver, and the stores it asks.
//!
//! This is the only floor on which a decision meets the world. Each store states how stale its
//! answers may be and what happens when it cannot answer; none of them ever answers "allow".

pub mod acme;
pub mod api_keys;
pub mod archive;
pub mod clock;
pub mod countries;
pub mod discovery;
pub mod driver;
pub mod estate;
pub mod export;
pub mod introspection;
pub mod key_sets;
pub mod limits;
pub mod minting;
pub mod offline;
pub mod private;
pub mod proofs;
pub mod records;
pub mod replay;
pub mod seal;
pub mod secrets;
pub mod signing;
pub mod simulate;
pub mod stores;
pub mod tls_files;
pub mod tokens;
pub mod upstreams;

pub use driver::{Decided, Driver};
pub use stores::Stores;
