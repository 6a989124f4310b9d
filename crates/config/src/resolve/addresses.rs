//! From which addresses and countries may requests come? A list that lets nobody in, or keeps nobody
//! out, was meant otherwise.

use std::collections::BTreeSet;
use std::time::Duration;

use ipnet::IpNet;

use crate::check;
use crate::declaration::{Addresses, Countries, CountryLists, Declared};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};

const NO_EFFECT: Rule = Rule {
    code: "PC0157",
    why: "a list that keeps nobody out, or lets nobody in, was meant otherwise",
    fix: "name the networks or countries that are meant, or remove the list",
};

const AGES: (Duration, Duration) = (Duration::from_secs(86_400), Duration::from_secs(366 * 86_400));

/// Resolves the lists below a path that ends with `addresses`.
pub(super) fn addresses(
    written: Option<&document::Addresses>,
    path: &[&str],
    has_file: bool,
    problems: &mut Problems<'_>,
) -> Option<Addresses> {
    let written = written?;
    let mut at = |key: &'static str, texts: &[String]| {
        let path: Vec<&str> = path.iter().copied().chain([key]).collect();
        let networks = check::networks(texts, &path, problems);
        for network in networks.iter().filter(|network| network.prefix_len() == 0) {
            problems.error(NO_EFFECT, &path, format!("`{network}` is every address"));
        }
        networks
    };
    let (allow, deny) = (at("allow", &written.allow), at("deny", &written.deny));
    let within = |one: &IpNet| deny.iter().any(|net| net.contains(one));
    if let Some(one) = allow.iter().find(|one| within(one)) {
        let path: Vec<&str> = path.iter().copied().chain(["allow"]).collect();
        problems.error(NO_EFFECT, &path, format!("`{one}` is allowed, and denied as a whole"));
    }
    let countries = written.countries.as_ref();
    if written.allow.is_empty() && written.deny.is_empty() && countries.is_none() {
        problems.error(NO_EFFECT, path, "it names no address");
    }
    let path: Vec<&str> = path.iter().copied().chain(["countries"]).collect();
    let countries = countries.map(|lists| country_lists(lists, &path, has_file, problems));
    Some(Addresses { allow, deny, countries })
}

/// Resolves where countries are looked up.
pub(super) fn countries(
    document: &Document,
    written: &document::Countries,
    problems: &mut Problems<'_>,
) -> Countries {
    check::filled(&written.file, &["countries", "file"], problems);
    let lists = document.listeners.values().map(|one| one.addresses.as_ref());
    let lists = lists.chain(document.boundaries.values().map(|one| one.addresses.as_ref()));
    let mut lists = lists.flatten();
    if !lists.any(|lists| lists.countries.is_some()) && !problems.is_doubtful("countries") {
        problems.error(NO_EFFECT, &["countries"], "no list names a country");
    }
    let path = ["countries", "stale_until"];
    Countries {
        file: Declared { value: written.file.clone(), span: problems.span(&["countries", "file"]) },
        stale_until: check::duration(&written.stale_until, AGES, &path, problems),
    }
}

fn country_lists(
    written: &document::CountryLists,
    path: &[&str],
    has_file: bool,
    problems: &mut Problems<'_>,
) -> CountryLists {
    if !has_file {
        let finding = "countries are named, and there is no section `countries` with a file to look \
                       them up in";
        problems.error(NO_EFFECT, path, finding);
    }
    let mut codes = |key: &'static str, texts: &[String]| -> BTreeSet<String> {
        for (index, text) in texts.iter().enumerate() {
            let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
            if !is_code {
                let index = index.to_string();
                let path: Vec<&str> = path.iter().copied().chain([key, &index]).collect();
                problems.error(
                    check::VALUE,
                    &path,
                    format!("`{text}` is not a country such as `DE`"),
                );
            }
        }
        texts.iter().cloned().collect()
    };
    let (allow, deny) = (codes("allow", &written.allow), codes("deny", &written.deny));
    if let Some(both) = allow.intersection(&deny).next() {
        problems.error(NO_EFFECT, path, format!("`{both}` is allowed and denied"));
    }
    if allow.is_empty() && deny.is_empty() {
        problems.error(NO_EFFECT, path, "it names no country");
    }
    let unknown = match written.unknown {
        Some(document::Unknown::Allow) => true,
        Some(document::Unknown::Deny) => false,
        None => allow.is_empty(),
    };
    CountryLists { allow, deny, unknown }
}
