//! Real counterparts for tests: raw clients, upstreams that misbehave by switch, token issuers.
