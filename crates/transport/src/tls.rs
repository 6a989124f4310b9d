//! How does a listener speak TLS? Inbound only, by rustls and aws-lc-rs: TLS 1.2 and 1.3, suites with
//! forward secrecy and authenticated encryption, no renegotiation, no early data, no compression.
//!
//! [`Material`] is what a listener was given, [`Server`] what it speaks with: immutable, replaced as
//! a whole when files or declaration change, while open connections keep theirs. Client certificates
//! are verified by `identity::certificate`; here they are taken from the handshake ([`Peer`]) and
//! looked at again while their connection lives.
//!
//! Left out: reading files (`runtime::tls_files`), and what a certificate allows (`core::identify`).

mod accept;
mod challenges;
mod identity;
mod names;
mod peer;
mod server;
mod verifier;

pub use accept::{Accepted, HandshakeError, accept};
pub use challenges::{ACME, Challenges};
pub use identity::{Identity, Unusable};
pub use names::{NameTwice, Named};
pub use peer::Peer;
pub use server::{Client, Material, Server};

pub use rustls::pki_types::pem;
pub use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
