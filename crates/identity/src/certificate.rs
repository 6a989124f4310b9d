//! Is the client certificate of a connection a credential, and whose?
//!
//! Three steps, each a type: [`Facts`] are what a certificate says of itself and prove nothing;
//! [`Trust`] verifies a chain at a given time and makes a [`Certificate`]; [`Rules`] of a provider
//! make a principal of it. That the client holds the key is proven in the handshake, before.
//!
//! A certificate proves the connection, not the request. It counts as the credential of a request
//! only where the boundary accepts a provider of certificates; elsewhere it is a fact about the
//! channel and stands beside a bearer token without being a second credential.

mod facts;
mod named;
mod rules;
mod trust;

pub use facts::{Facts, Strength, expiry_of_list};
pub use named::Named;
pub use rules::{Granted, Rules};
pub use trust::{Certificate, Distrust, Trust};

/// What came of a connection's client certificate: verified at this moment, or why not.
pub type Shown = Result<std::sync::Arc<Certificate>, crate::Refused>;
