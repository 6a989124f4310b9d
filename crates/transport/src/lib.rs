//! Listeners, the guarded stream, and the HTTP client towards upstreams.
