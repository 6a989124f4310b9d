//! May a client of this address come at all? Judged on the client's address of the one view, which is
//! the connection's other end unless proxies of ours stand in front.

use std::net::IpAddr;

use portcullis_config::Declaration;
use portcullis_config::declaration::{Addresses, Listener};
use portcullis_model::{Reason, Stage};

use crate::facts::Country;
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

/// Whether a decision about requests from a zone, over a listener, depends on the country.
pub(crate) fn asks_country(declaration: &Declaration, listener: &Listener) -> bool {
    let asks = |lists: Option<&Addresses>| lists.is_some_and(|lists| lists.countries.is_some());
    declaration.countries.is_some()
        && (asks(listener.addresses.as_ref())
            || declaration
                .boundaries
                .values()
                .any(|one| one.from == listener.zone && asks(one.addresses.as_ref())))
}

/// Holds the lists of countries of `place` against the country of the client.
///
/// # Errors
/// `receive.country_refused`; the fact was not supplied.
pub(crate) fn judge_country(
    lists: Option<&Addresses>,
    country: Option<&Country>,
    place: &str,
) -> Result<(), Refusal> {
    let Some(lists) = lists.and_then(|lists| lists.countries.as_ref()) else { return Ok(()) };
    let refused = |why: &str| Err(Refusal::new(Reason::CountryRefused, format!("{why} ({place})")));
    match country {
        None => Err(Refusal::missing_fact(Stage::Receive, "country")),
        Some(Country::Unavailable) => refused("countries cannot be looked up"),
        Some(Country::Unknown) if lists.unknown => Ok(()),
        Some(Country::Unknown) => refused("the country is not known"),
        Some(Country::Known(code)) if lists.deny.contains(code) => {
            refused("the country is on the list `deny`")
        }
        Some(Country::Known(code)) if !lists.allow.is_empty() && !lists.allow.contains(code) => {
            refused("the country is not on the list `allow`")
        }
        Some(Country::Known(_)) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{judge, judge_country};
    use crate::facts::Country;
    use portcullis_config::declaration::{Addresses, CountryLists};

    fn allowed(allow: &[&str], deny: &[&str], address: &str) -> bool {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let lists = Addresses { allow: networks(allow), deny: networks(deny), countries: None };
        judge(Some(&lists), address.parse().unwrap(), "listener").is_ok()
    }

    #[test]
    fn a_country_that_cannot_be_looked_up_is_never_let_in() {
        let set = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
        let lists = |allow: &[&str], deny: &[&str], unknown| {
            let countries = CountryLists { allow: set(allow), deny: set(deny), unknown };
            Addresses { countries: Some(countries), ..Addresses::default() }
        };
        let known = |code: &str| Some(Country::Known(code.to_owned()));
        let (strict, loose) = (lists(&["DE", "AT"], &[], false), lists(&[], &["AT"], true));
        for (lists, country, may) in [
            (&strict, known("DE"), true),
            (&strict, known("FR"), false),
            (&strict, Some(Country::Unknown), false),
            (&strict, Some(Country::Unavailable), false),
            (&strict, None, false),
            (&loose, known("FR"), true),
            (&loose, known("AT"), false),
            (&loose, Some(Country::Unknown), true),
            (&loose, Some(Country::Unavailable), false),
            (&loose, None, false),
        ] {
            let judged = judge_country(Some(lists), country.as_ref(), "listener");
            assert_eq!(judged.is_ok(), may, "{country:?}");
        }
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
