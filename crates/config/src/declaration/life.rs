//! Where is an API in its life, and is it being maintained?

use std::time::Duration;

use portcullis_model::Timestamp;

/// Where an API is in its life, with its dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// How it is meant to be used.
    pub stage: Lifecycle,
    /// Since when it is deprecated; stands with `Deprecated`, never with `Active`.
    pub deprecated_since: Option<Timestamp>,
    /// From when on it is not served.
    pub sunset: Option<Timestamp>,
    /// `https` page that says what to use instead.
    pub link: Option<String>,
    /// It is not served for a while.
    pub maintenance: Option<Maintenance>,
}

/// How an API is meant to be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifecycle {
    /// In use.
    #[default]
    Active,
    /// In use, and to be left.
    Deprecated,
    /// Not served any more.
    Retired,
}

/// An API that is not served for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// When it is served again.
    pub until: Option<Timestamp>,
    /// After how long clients are told to ask again; never later than `until`.
    pub retry_after: Duration,
    /// What clients are told.
    pub message: Option<String>,
}
