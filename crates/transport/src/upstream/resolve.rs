//! Which addresses do an upstream's names lead to, and may they? Names are looked up again on a
//! period; every answer is judged by the declared class before anything connects to it, and what
//! is connected to is the judged address, never the name again (SSRF, DNS rebinding).

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::address::AddressClass;

use super::endpoint::Authority;

/// Most addresses of one name that are used.
pub const ADDRESSES_MAX: usize = 64;

/// Longest time for one lookup.
const LOOKUP_MAX: Duration = Duration::from_secs(5);

/// When names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How often.
    pub refresh: Duration,
    /// How long the last good answer counts when there is no new one.
    pub keep_for: Duration,
}

/// What a lookup will answer.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Whoever knows the addresses of names.
pub trait Resolver: fmt::Debug + Send + Sync {
    /// Looks a name up.
    fn lookup<'a>(&'a self, name: &'a str) -> Lookup<'a>;
}

/// The resolver of this machine (`/etc/hosts`, `/etc/resolv.conf`).
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Resolver for System {
    fn lookup<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Why there is no new answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// It leads where it must not.
    Refused(String),
    /// Nobody knows.
    Failed(String),
}

/// The judged addresses of one authority, sorted.
pub(crate) async fn addresses(
    authority: &Authority,
    class: &AddressClass,
    resolver: &dyn Resolver,
) -> Result<Vec<SocketAddr>, Unresolved> {
    let mut found = match authority.host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => timeout(LOOKUP_MAX, resolver.lookup(&authority.host))
            .await
            .map_err(|_| failed(authority, "the lookup took too long"))?
            .map_err(|error| failed(authority, &error.to_string()))?,
    };
    // one address outside the class is reason enough to believe none of them
    if let Some(outside) = found.iter().find(|address| !class.allows(**address)) {
        let why = format!("`{authority}` leads to `{outside}`, which is outside its class");
        return Err(Unresolved::Refused(why));
    }
    if found.is_empty() {
        return Err(failed(authority, "it has no address"));
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(ADDRESSES_MAX);
    Ok(found.into_iter().map(|address| SocketAddr::new(address, authority.port)).collect())
}

fn failed(authority: &Authority, why: &str) -> Unresolved {
    Unresolved::Failed(format!("`{authority}`: {why}"))
}

/// What is known of one authority.
#[derive(Debug)]
pub(crate) struct Known {
    authority: Authority,
    addresses: Vec<SocketAddr>,
    good_at: Option<Instant>,
    /// Why there is no newer answer.
    pub(crate) unresolved: Option<Unresolved>,
}

impl Known {
    /// Nothing is known yet.
    pub(crate) const fn new(authority: Authority) -> Self {
        Self { authority, addresses: Vec::new(), good_at: None, unresolved: None }
    }

    /// Which authority.
    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Where it may be connected to.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether it is an address, which needs no lookup.
    pub(crate) fn is_fixed(&self) -> bool {
        self.authority.host.parse::<IpAddr>().is_ok()
    }

    /// Takes an answer; an old one counts for a while when there is no new one.
    pub(crate) fn learn(
        &mut self,
        answer: Result<Vec<SocketAddr>, Unresolved>,
        keep_for: Duration,
        now: Instant,
    ) {
        match answer {
            Ok(addresses) => {
                self.addresses = addresses;
                self.good_at = Some(now);
                self.unresolved = None;
            }
            Err(unresolved) => {
                let old = self.good_at.is_none_or(|at| now.duration_since(at) >= keep_for);
                if old {
                    self.addresses.clear();
                }
                self.unresolved = Some(unresolved);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Lookup, Resolver, Unresolved, addresses};
    use crate::address::AddressClass;
    use crate::upstream::endpoint::Authority;
    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    #[derive(Debug)]
    struct Says(&'static [&'static str]);

    impl Resolver for Says {
        fn lookup<'a>(&'a self, _name: &'a str) -> Lookup<'a> {
            let found: Vec<IpAddr> = self.0.iter().map(|text| text.parse().unwrap()).collect();
            Box::pin(async move { Ok(found) })
        }
    }

    fn authority(host: &str) -> Authority {
        Authority { host: host.to_owned(), port: 80 }
    }

    #[tokio::test]
    async fn one_address_outside_the_class_refuses_them_all() {
        let private = AddressClass::Private;
        let name = authority("orders.internal");
        let good = addresses(&name, &private, &Says(&["10.0.0.2", "10.0.0.1", "10.0.0.2"])).await;
        let shown: Vec<String> = good.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.1:80", "10.0.0.2:80"]);
        for answer in [&["10.0.0.1", "8.8.8.8"][..], &["169.254.169.254"], &["::ffff:a9fe:a9fe"]] {
            let leaked = Box::leak(answer.to_vec().into_boxed_slice());
            let refused = addresses(&name, &private, &Says(leaked)).await;
            assert!(matches!(refused, Err(Unresolved::Refused(_))), "{answer:?}");
        }
        let none = addresses(&name, &private, &Says(&[])).await;
        assert!(matches!(none, Err(Unresolved::Failed(_))));
        let fixed = addresses(&authority("8.8.8.8"), &private, &Says(&[])).await;
        assert!(matches!(fixed, Err(Unresolved::Refused(_))), "addresses are judged too");
    }

    #[test]
    fn the_last_good_answer_counts_for_a_bounded_time() {
        let mut known = Known::new(authority("a"));
        let (begun, keep) = (Instant::now(), Duration::from_secs(60));
        let refused = || Err(Unresolved::Refused(String::new()));
        known.learn(refused(), keep, begun);
        assert!(known.addresses().is_empty());
        known.learn(Ok(vec!["10.0.0.1:80".parse().unwrap()]), keep, begun);
        known.learn(refused(), keep, begun + Duration::from_secs(59));
        assert_eq!(known.addresses().len(), 1);
        known.learn(refused(), keep, begun + Duration::from_secs(60));
        assert!(known.addresses().is_empty());
    }
}
