//! Where do operators ask, and who of them may from elsewhere?

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::tls::Tls;

/// The admin door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Path of its Unix socket, relative to the estate.
    pub socket: String,
    /// An address for operators elsewhere.
    pub remote: Option<Remote>,
}

/// An address for operators who prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it is.
    pub address: SocketAddr,
    /// TLS 1.3 alone; client certificates are required.
    pub tls: Tls,
    /// SPIFFE IDs and DNS names of those who are answered; at least one.
    pub operators: BTreeSet<String>,
}
