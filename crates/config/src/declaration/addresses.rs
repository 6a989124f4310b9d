//! From which addresses and countries may requests come?

use std::collections::BTreeSet;

use ipnet::IpNet;

/// Lists of client addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Networks that may come; all, where none is named.
    pub allow: Vec<IpNet>,
    /// Networks that may not, whatever `allow` says.
    pub deny: Vec<IpNet>,
    /// The same by country; at least one of its lists is not empty.
    pub countries: Option<CountryLists>,
}

/// Lists of countries, by upper-case ISO 3166-1 alpha-2 code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountryLists {
    /// Countries that may come; all, where none is named.
    pub allow: BTreeSet<String>,
    /// Countries that may not, whatever `allow` says.
    pub deny: BTreeSet<String>,
    /// Whether addresses whose country is not known may come.
    pub unknown: bool,
}
