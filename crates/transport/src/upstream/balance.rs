//! Which endpoint takes this request? The less busy of two that chance picks; or the one that the
//! request's key belongs to.
//!
//! Keys belong to endpoints by rendezvous hashing: every endpoint has a weight for every key, and
//! the heaviest takes it. When an endpoint leaves, its keys move and no other does. Weights depend
//! on the declared name and the address alone, so that every gateway gives the same answer.

use std::net::IpAddr;
use std::sync::Arc;

use super::endpoint::Endpoint;

/// How endpoints are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Of two that chance picks, the one with fewer requests under way.
    LeastRequest,
    /// By principal.
    Principal,
    /// By tenant; a principal without one counts by itself.
    Tenant,
}

/// What a text weighs as a key.
#[must_use]
pub fn key(text: &[u8]) -> u64 {
    digest(FNV_OFFSET, text)
}

/// An endpoint that takes requests, if there is one; one that was tried only when no other is left,
/// and one that is ejected only when nothing else is healthy.
pub(crate) fn choose<'a>(
    endpoints: &'a [Arc<Endpoint>],
    key: Option<u64>,
    tried: &[u64],
    random: u64,
) -> Option<&'a Arc<Endpoint>> {
    if let [only] = endpoints {
        return (!only.is_unhealthy()).then_some(only);
    }
    let fresh = |one: &&Arc<Endpoint>| one.is_available() && !tried.contains(&one.id);
    let any = |one: &&Arc<Endpoint>| one.is_available();
    let healthy = |one: &&Arc<Endpoint>| !one.is_unhealthy();
    among(endpoints, fresh, key, random)
        .or_else(|| among(endpoints, any, key, random))
        .or_else(|| among(endpoints, healthy, key, random))
}

fn among<'a>(
    endpoints: &'a [Arc<Endpoint>],
    accepted: impl Fn(&&'a Arc<Endpoint>) -> bool + Copy,
    key: Option<u64>,
    random: u64,
) -> Option<&'a Arc<Endpoint>> {
    if let Some(key) = key {
        return endpoints.iter().filter(accepted).max_by_key(|one| weight(key, one));
    }
    let count = u64::try_from(endpoints.iter().filter(accepted).count()).ok()?;
    let first = random.checked_rem(count)?;
    // the second is never the first, as long as there are two
    let step = (random >> 32).checked_rem(count.saturating_sub(1)).unwrap_or(0).saturating_add(1);
    let second = first.saturating_add(step).checked_rem(count)?;
    let at = |index: u64| endpoints.iter().filter(accepted).nth(usize::try_from(index).ok()?);
    let (first, second) = (at(first)?, at(second)?);
    Some(if second.in_flight() < first.in_flight() { second } else { first })
}

/// What an endpoint weighs for a key.
fn weight(key: u64, endpoint: &Endpoint) -> u64 {
    let hash = digest(FNV_OFFSET, endpoint.authority.host.as_bytes());
    let hash = match endpoint.address.ip() {
        IpAddr::V4(address) => digest(hash, &address.octets()),
        IpAddr::V6(address) => digest(hash, &address.octets()),
    };
    mixed(key ^ mixed(digest(hash, &endpoint.address.port().to_be_bytes())))
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a.
fn digest(from: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(from, step)
}

/// The finaliser of SplitMix64: every bit of the input reaches every bit of the output.
#[must_use]
pub(crate) const fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::{choose, key, mixed};
    use crate::upstream::endpoint::{Authority, Endpoint};
    use std::sync::Arc;

    fn endpoints(count: u8) -> Vec<Arc<Endpoint>> {
        let one = |last: u8| {
            let host = format!("10.0.0.{last}");
            let address = format!("{host}:80").parse().unwrap();
            Endpoint::new(Authority { host, port: 80 }, address)
        };
        (1..=count).map(one).collect()
    }

    #[test]
    fn only_the_share_of_an_endpoint_that_leaves_moves() {
        let all = endpoints(10);
        let before: Vec<u64> = (0..10_000)
            .map(|number| {
                choose(&all, Some(key(format!("p{number}").as_bytes())), &[], 0).unwrap().id
            })
            .collect();
        for endpoint in &all {
            let share = before.iter().filter(|id| **id == endpoint.id).count();
            assert!((800..1200).contains(&share), "{share}");
        }
        all[3].set_unhealthy(true);
        for (number, before) in before.iter().enumerate() {
            let now = choose(&all, Some(key(format!("p{number}").as_bytes())), &[], 0).unwrap().id;
            assert_eq!(now == *before, *before != all[3].id, "{number}");
        }
        all[3].set_unhealthy(false);
        let back = choose(&all, Some(key(b"p7")), &[], 0).unwrap().id;
        assert_eq!(back, before[7]);
    }

    #[test]
    fn the_less_busy_of_two_takes_it() {
        let all = endpoints(4);
        let mut loads = Vec::new();
        let mut taken = std::collections::BTreeMap::<u64, usize>::new();
        for number in 0..4000_u64 {
            let chosen = choose(&all, None, &[], mixed(number)).unwrap();
            *taken.entry(chosen.id).or_default() += 1;
            loads.push(chosen.load());
        }
        assert!(taken.values().all(|count| (950..1050).contains(count)), "{taken:?}");
        drop(loads);
        assert!(all.iter().all(|one| one.in_flight() == 0));
    }

    #[test]
    fn what_was_tried_comes_last_and_what_is_unavailable_never() {
        let all = endpoints(3);
        all[0].set_unhealthy(true);
        for number in 0..100 {
            let chosen = choose(&all, None, &[all[1].id], mixed(number)).unwrap();
            assert_eq!(chosen.id, all[2].id);
        }
        assert!(choose(&all, None, &[all[1].id, all[2].id], 7).is_some(), "none is left");
        all.iter().for_each(|one| one.set_unhealthy(true));
        assert!(choose(&all, None, &[], 7).is_none());
        assert!(choose(&all[..1], Some(1), &[], 7).is_none());
        all[2].set_unhealthy(false);
        all[2].eject(1000);
        assert_eq!(choose(&all, None, &[], 7).unwrap().id, all[2].id, "the others are unhealthy");
    }
}
