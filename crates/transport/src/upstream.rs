//! How is a request carried to an upstream? Each room here answers one part of it.
//!
//! - [`target`]: where, and under which rules?
//! - [`resolve`]: which addresses do its names lead to, and may they?
//! - [`endpoint`]: how does one address fare? [`health`] says what its checks mean, [`outlier`] judges its answers.
//! - [`balance`]: which endpoint takes this request?
//! - [`circuit`]: is there room for it? [`retry`]: may it be sent again?
//! - [`tls`], `connect`, `line`, `many`: how is a connection made, over which one or many requests go?
//! - [`pool`]: the connections of one worker, and the way of one request; [`body`]: its answer.
//! - [`shared`]: what all workers know; [`keeper`] keeps it up to date.

pub mod balance;
pub mod body;
mod checks;
pub mod circuit;
mod connect;
pub mod endpoint;
pub mod failure;
pub mod health;
mod idle;
pub mod keeper;
mod line;
mod many;
mod multiplexed;
pub mod observer;
pub mod outbound;
pub mod outlier;
pub mod pool;
pub mod resolve;
pub mod retry;
pub mod shared;
pub mod target;
pub mod tls;
mod tries;
pub mod tunnel;

pub use self::balance::Balance;
pub use self::body::{Interrupted, UpstreamBody};
pub use self::failure::Failure;
pub use self::outbound::Outbound;
pub use self::pool::{Ask, Pool};
pub use self::shared::Upstream;
pub use self::target::Target;
