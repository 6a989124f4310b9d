//! How is it stopping? A watched word that every listener and connection looks at.

use std::time::Duration;

/// How long a kept connection without a request stays open after another process has taken over: its
/// client may be about to send one, and would not know whether it was taken.
pub(crate) const LINGER: Duration = Duration::from_secs(5);

/// How it is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Not at all.
    Serving,
    /// Takes no connection any more; the next answer on a kept one is its last.
    Lingering,
    /// Ends what is idle at once, and the rest after its request.
    Now,
}
