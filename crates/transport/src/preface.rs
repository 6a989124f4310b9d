//! Which protocol does a client speak that did not negotiate any? HTTP/2 with prior knowledge
//! begins with a preface that no request of HTTP/1 begins with (RFC 9113 section 3.3). It is looked
//! at and left where it is, for the guard of that protocol.

use std::io;
use std::time::Duration;

use portcullis_reading::http2::frames::PREFACE;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// A part of the preface is looked at again after this.
const AGAIN: Duration = Duration::from_millis(5);

/// Whether the connection begins with the preface of HTTP/2. What begins otherwise is left to the
/// guard of HTTP/1, which says what is wrong with it.
///
/// # Errors
/// When the client says nothing within `idle`, or has gone. What it says it must say within `head`.
pub async fn is_http2(stream: &TcpStream, idle: Duration, head: Duration) -> io::Result<bool> {
    timeout(idle, stream.peek(&mut [0])).await??;
    let (begun, patience) = (Instant::now(), head);
    let mut first = [0; PREFACE.len()];
    loop {
        let left = patience.saturating_sub(begun.elapsed());
        let count = timeout(left, stream.peek(&mut first)).await??;
        let seen = first.get(..count).unwrap_or_default();
        if count == 0 || !PREFACE.starts_with(seen) {
            return Ok(false);
        }
        if count == PREFACE.len() {
            return Ok(true);
        }
        if begun.elapsed() >= patience {
            return Ok(false);
        }
        sleep(AGAIN).await;
    }
}
