//! How are the addresses of an upstream chosen, watched and spared?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When names are looked up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dns {
    /// How often.
    #[serde(default = "default_refresh")]
    pub(crate) refresh: String,
    /// How long the last good answer counts when there is no new one.
    #[serde(default = "default_keep_for")]
    pub(crate) keep_for: String,
}

impl Default for Dns {
    fn default() -> Self {
        Self { refresh: default_refresh(), keep_for: default_keep_for() }
    }
}

/// How an address is chosen.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Balance {
    /// Every principal has its address; anonymous callers have one by client address.
    ByPrincipal,
    /// Every tenant has its address; principals without one count by themselves.
    ByTenant,
    /// Of two that chance picks, the one with fewer requests under way.
    #[default]
    LeastRequest,
}

/// How addresses are asked for their health.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Health {
    /// Path of the question.
    pub(crate) path: String,
    /// How often.
    #[serde(default = "default_interval")]
    pub(crate) interval: String,
    /// Longest time for an answer.
    #[serde(default = "default_timeout")]
    pub(crate) timeout: String,
    /// Bad answers one after another until an address takes no more requests.
    #[serde(default = "default_unhealthy_after")]
    #[schemars(range(min = 1, max = 100))]
    pub(crate) unhealthy_after: u32,
    /// Good answers one after another until it takes requests again.
    #[serde(default = "default_healthy_after")]
    #[schemars(range(min = 1, max = 100))]
    pub(crate) healthy_after: u32,
    /// Good answers.
    #[serde(default = "default_statuses")]
    pub(crate) statuses: Vec<u16>,
}

/// When an address that answers badly rests.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Outlier {
    /// Failures one after another: no answer, an invalid one, or 502, 503, 504.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) consecutive_failures: u32,
    /// How long for the first time; twice as long each further time.
    pub(crate) eject_for: String,
    /// How long at most.
    pub(crate) eject_for_max: String,
    /// Largest share of the addresses that rests at once; never all.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) ejected_percent_max: u8,
}

impl Default for Outlier {
    fn default() -> Self {
        Self {
            consecutive_failures: 5,
            eject_for: "10s".to_owned(),
            eject_for_max: "5m".to_owned(),
            ejected_percent_max: 50,
        }
    }
}

/// Most of everything at once, over all workers. At a bound a request is refused at once.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Circuit {
    /// Requests under way.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) requests_max: u32,
    /// Requests that wait for a free connection.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) pending_max: u32,
    /// Requests that are being sent again.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) retries_max: u32,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { requests_max: 10_000, pending_max: 1000, retries_max: 32 }
    }
}

/// What is sent again: a request that was provably not sent; or `DELETE`, `GET`, `HEAD`, `OPTIONS`
/// and `PUT` when nothing of an answer came.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Retries {
    /// How often at most.
    #[schemars(range(min = 0, max = 5))]
    pub(crate) attempts_max: u32,
    /// Answers that count as none: of 502, 503 and 504.
    pub(crate) statuses: Vec<u16>,
    /// As a share of all requests; ten may come at once.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) budget_percent: u8,
}

impl Default for Retries {
    fn default() -> Self {
        Self { attempts_max: 1, statuses: Vec::new(), budget_percent: 20 }
    }
}

fn default_refresh() -> String {
    "30s".to_owned()
}

fn default_keep_for() -> String {
    "10m".to_owned()
}

fn default_interval() -> String {
    "5s".to_owned()
}

fn default_timeout() -> String {
    "1s".to_owned()
}

const fn default_unhealthy_after() -> u32 {
    3
}

const fn default_healthy_after() -> u32 {
    2
}

fn default_statuses() -> Vec<u16> {
    vec![200, 204]
}
