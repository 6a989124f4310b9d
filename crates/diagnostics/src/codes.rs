//! What does a code mean? One page for each code that a finding can have, in one table: the
//! command line prints it, and `docs/reference/findings.md` is made from it.
//!
//! The table says nothing about a particular finding; place and names stand in the finding. That
//! each code has its page, and each example its code, is tested where the whole program is known.

mod access;
mod admin;
mod declaration;
mod estate;
mod machine;
mod messages;
mod operations;
mod overlays;
mod page;
mod policies;
mod proofs;
mod providers;
mod resolved;
mod streams;
mod telemetry;
mod tls;
mod tokens;
mod traffic;
mod upstreams;

pub use page::{Example, Page};

/// Pages that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    /// What they are about.
    pub title: &'static str,
    /// The pages, by code.
    pub pages: &'static [Page],
}

/// Every page, by code.
pub const ALL: &[Chapter] = &[
    Chapter { title: "Declaration: its form", pages: declaration::PAGES },
    Chapter { title: "Declaration: names and values", pages: resolved::PAGES },
    Chapter { title: "Declaration: identity providers", pages: providers::PAGES },
    Chapter { title: "Declaration: TLS and certificates", pages: tls::PAGES },
    Chapter { title: "Declaration: upstreams", pages: upstreams::PAGES },
    Chapter { title: "Declaration: operators", pages: admin::PAGES },
    Chapter { title: "Declaration: traffic", pages: traffic::PAGES },
    Chapter { title: "Declaration: telemetry", pages: telemetry::PAGES },
    Chapter { title: "Overlays", pages: overlays::PAGES },
    Chapter { title: "Declaration: streams", pages: streams::PAGES },
    Chapter { title: "Declaration: proofs of the sender", pages: proofs::PAGES },
    Chapter { title: "Declaration: tokens and workloads", pages: tokens::PAGES },
    Chapter { title: "Contracts: operations", pages: operations::PAGES },
    Chapter { title: "Contracts: parameters and bodies", pages: messages::PAGES },
    Chapter { title: "Contracts: credentials, resources, versions", pages: access::PAGES },
    Chapter { title: "Policies", pages: policies::PAGES },
    Chapter { title: "The estate as a whole", pages: estate::PAGES },
    Chapter { title: "The machine", pages: machine::PAGES },
];

/// Every page, without its chapter.
pub fn pages() -> impl Iterator<Item = &'static Page> {
    ALL.iter().flat_map(|chapter| chapter.pages)
}

/// The page of a code.
#[must_use]
pub fn page(code: &str) -> Option<&'static Page> {
    pages().find(|page| page.code == code)
}

#[cfg(test)]
mod tests {
    use super::{page, pages};

    #[test]
    fn codes_are_sorted_once_each_and_found() {
        let codes: Vec<&str> = pages().map(|page| page.code).collect();
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
        assert_eq!(page("PC0101").map(|page| page.code), Some("PC0101"));
        assert!(page("PC9999").is_none());
    }

    #[test]
    fn every_page_says_everything_and_shows_itself() {
        for page in pages() {
            let said = [page.title, page.means, page.matters, page.mend];
            assert!(said.iter().all(|text| !text.trim().is_empty()), "{}", page.code);
            let shown = page.to_string();
            assert!(shown.starts_with(page.code) && shown.ends_with('\n'), "{shown}");
        }
    }
}
