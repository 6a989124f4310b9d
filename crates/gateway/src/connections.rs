//! Is there room for one more connection? Counted in all and per address (of IPv6, per network of
//! 64 bits), over all workers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts of open connections.
#[derive(Debug)]
pub struct Connections {
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    all_max: u32,
    per_address_max: u32,
    all: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// One open connection; dropped, it is counted no more.
#[derive(Debug)]
pub struct Seat {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    /// No connection yet, under these bounds.
    #[must_use]
    pub fn new(all_max: u32, per_address_max: u32) -> Arc<Self> {
        let open = Open { all_max, per_address_max, all: 0, by_address: HashMap::new() };
        Arc::new(Self { open: Mutex::new(open) })
    }

    /// Counts under other bounds from now on; who is in stays in.
    pub fn set_bounds(&self, all_max: u32, per_address_max: u32) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        (open.all_max, open.per_address_max) = (all_max, per_address_max);
    }

    /// Counts a connection; `None` at a bound.
    #[must_use]
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let address = portcullis_limit::client(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let here = open.by_address.get(&address).copied().unwrap_or(0);
        if open.all >= open.all_max || here >= open.per_address_max {
            return None;
        }
        open.all = open.all.saturating_add(1);
        open.by_address.insert(address, here.saturating_add(1));
        Some(Seat { connections: Arc::clone(self), address })
    }
}

impl Seat {
    /// Counts the connection for another address from now on: it only came through this one. `false`
    /// where that address is at its bound; then nothing has changed.
    #[must_use]
    pub fn moves_to(&mut self, address: IpAddr) -> bool {
        let address = portcullis_limit::client(address);
        if address == self.address {
            return true;
        }
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        let there = open.by_address.get(&address).copied().unwrap_or(0);
        if there >= open.per_address_max {
            return false;
        }
        open.by_address.insert(address, there.saturating_add(1));
        open.leave(self.address);
        self.address = address;
        true
    }
}

impl Open {
    /// One connection of this address less.
    fn leave(&mut self, address: IpAddr) {
        let here = self.by_address.get(&address).copied().unwrap_or(0).saturating_sub(1);
        if here == 0 {
            self.by_address.remove(&address);
        } else {
            self.by_address.insert(address, here);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        open.leave(self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::Connections;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn seats_are_bounded_and_given_back() {
        let connections = Connections::new(3, 2);
        let (one, two) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let first = connections.enter(one);
        let second = connections.enter(one);
        assert!(first.is_some() && second.is_some());
        assert!(connections.enter(one).is_none());
        let third = connections.enter(two);
        assert!(third.is_some() && connections.enter(two).is_none());
        drop(first);
        assert!(connections.enter(two).is_some());
    }

    #[test]
    fn a_seat_moves_to_whom_the_connection_is_for() {
        let connections = Connections::new(9, 1);
        let (proxy, client) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::BROADCAST));
        let mut first = connections.enter(proxy).unwrap();
        assert!(first.moves_to(client));
        let mut second = connections.enter(proxy).unwrap();
        assert!(!second.moves_to(client));
        drop(first);
        assert!(second.moves_to(client));
        assert!(connections.enter(client).is_none() && connections.enter(proxy).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let connections = Connections::new(9, 2);
        let seats: Vec<_> = ["2001:db8::1", "2001:db8::2", "2001:db8::3"]
            .iter()
            .map(|address| connections.enter(address.parse().unwrap()))
            .collect();
        assert!(seats[1].is_some() && seats[2].is_none());
        drop(seats);
        assert!(connections.enter("2001:db8::9".parse().unwrap()).is_some());
    }
}
