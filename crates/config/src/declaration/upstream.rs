//! Where are requests carried?

use std::time::Duration;

/// Where requests are carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Host and port; an IP address or a name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest time from the request's last byte to the response's head.
    pub response_timeout: Duration,
    /// Longest silence between two parts of a body.
    pub idle_timeout: Duration,
    /// Most connections per worker.
    pub connections_max: u32,
}
