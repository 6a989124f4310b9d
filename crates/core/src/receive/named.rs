//! Is this the connection for the host that is asked for? A client names a server in its handshake
//! (SNI, RFC 6066 section 3) and was shown that server's certificate; a request for a host that the
//! certificate does not cover came by a connection that was opened for something else, and is
//! answered 421 (RFC 9110 section 15.5.20).
//!
//! Who names no server was told which one it reached by the certificate, and checks that itself.
//! Left out: which hosts there are, which the router knows.

use std::sync::Arc;

use portcullis_model::Reason;
use portcullis_reading::host::Host;
use serde::Serialize;

use crate::refusal::Refusal;
use crate::trace::Trace;

/// The server that a connection was opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerName {
    /// The name that the client asked for, in lower case.
    pub asked: String,
    /// The DNS names of the certificate that it was shown, in lower case; `*.` stands for one label.
    pub certificate: Arc<[String]>,
}

impl ServerName {
    /// The name of the certificate that covers a host, if one does.
    #[must_use]
    pub fn covers(&self, host: &str) -> Option<&str> {
        let rest = host.split_once('.').map(|(_, rest)| rest);
        let fits = |name: &&String| match name.strip_prefix("*.") {
            Some(covered) => rest == Some(covered),
            None => name.as_str() == host,
        };
        self.certificate.iter().find(fits).map(String::as_str)
    }
}

/// Whether a host may be asked for over this connection. Where it is the one that the connection was
/// opened for, there is nothing to note.
pub(super) fn judge(
    named: Option<&ServerName>,
    host: &Host,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    let Some(named) = named.filter(|named| named.asked != host.as_str()) else { return Ok(()) };
    let covered_by = named.covers(host.as_str());
    trace.fact("server_name", &ServerNameFact { asked: &named.asked, covered_by });
    if covered_by.is_some() {
        return Ok(());
    }
    let detail = format!("the connection was opened for `{}`", named.asked);
    Err(Refusal::new(Reason::Misdirected, detail))
}

/// One name is enough to decide it again.
#[derive(Serialize)]
struct ServerNameFact<'a> {
    asked: &'a str,
    covered_by: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::ServerName;

    #[test]
    fn a_certificate_covers_its_names_and_one_label_for_a_star() {
        let certificate = ["a.example".to_owned(), "*.b.example".to_owned()].into();
        let named = ServerName { asked: "a.example".to_owned(), certificate };
        for (host, covered_by) in [
            ("a.example", Some("a.example")),
            ("x.b.example", Some("*.b.example")),
            ("b.example", None),
            ("x.y.b.example", None),
            ("x.a.example", None),
            ("example", None),
            ("*.b.example", Some("*.b.example")),
            ("[::1]", None),
        ] {
            assert_eq!(named.covers(host), covered_by, "{host}");
        }
    }
}
