//! May a client of this address come at all? Judged on the client's address of the one view, which is
//! the connection's other end unless proxies of ours stand in front.

use std::net::IpAddr;

use portcullis_config::declaration::Addresses;
use portcullis_model::Reason;

use crate::refusal::Refusal;

/// Holds the lists of `place` (the listener, the boundary) against an address.
///
/// # Errors
/// `receive.address_refused`.
pub(crate) fn judge(
    lists: Option<&Addresses>,
    address: IpAddr,
    place: &str,
) -> Result<(), Refusal> {
    let Some(lists) = lists else { return Ok(()) };
    let refused =
        |why: &str| Err(Refusal::new(Reason::AddressRefused, format!("{why} of the {place}")));
    if lists.deny.iter().any(|network| network.contains(&address)) {
        return refused("on the list `deny`");
    }
    if !lists.allow.is_empty() && !lists.allow.iter().any(|network| network.contains(&address)) {
        return refused("not on the list `allow`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::judge;
    use portcullis_config::declaration::Addresses;

    fn allowed(allow: &[&str], deny: &[&str], address: &str) -> bool {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let lists = Addresses { allow: networks(allow), deny: networks(deny), countries: None };
        judge(Some(&lists), address.parse().unwrap(), "listener").is_ok()
    }

    #[test]
    fn deny_stands_above_allow_and_what_is_not_listed_is_not_allowed() {
        assert!(allowed(&[], &["10.0.0.0/8"], "192.0.2.1"));
        assert!(!allowed(&[], &["10.0.0.0/8"], "10.1.2.3"));
        assert!(allowed(&["10.0.0.0/8"], &["10.1.0.0/16"], "10.2.0.1"));
        assert!(!allowed(&["10.0.0.0/8"], &["10.1.0.0/16"], "10.1.0.1"));
        assert!(!allowed(&["10.0.0.0/8"], &[], "2001:db8::1"));
        assert!(allowed(&["2001:db8::/32"], &[], "2001:db8::1"));
    }
}
