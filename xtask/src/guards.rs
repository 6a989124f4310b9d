//! Does every guard matter? A copy of the code has a switch at each, and with a guard switched off the
//! demo must fail, or the test that its row names. A guard that can be taken away unnoticed is not
//! tested.
//!
//! The switches are read from the environment when the code runs, so that one build serves for all
//! rows. They exist in the copy alone.
//!
//! Guards that stand twice (expiry is judged with the signature and again for every request) have no
//! row here: taking one of the pair away rightly changes nothing.

mod house;
mod proved;
mod row;
mod shown;
mod tested;

use anyhow::{Result, bail, ensure};

use self::house::House;
use self::row::{Guard, Noticed};

fn guards() -> impl Iterator<Item = &'static Guard> {
    shown::GUARDS.iter().chain(tested::GUARDS).chain(proved::GUARDS)
}

/// Switches guards off in turn: those whose name has `part` in it, or all.
pub(crate) fn run(part: Option<&str>) -> Result<()> {
    let chosen: Vec<&Guard> =
        guards().filter(|guard| part.is_none_or(|part| guard.name.contains(part))).collect();
    ensure!(!chosen.is_empty(), "no guard has `{}` in its name", part.unwrap_or_default());
    let house = House::build(&chosen)?;
    let mut watchers: Vec<Noticed> = chosen.iter().map(|guard| guard.noticed).collect();
    watchers.sort();
    watchers.dedup();
    for watcher in watchers {
        ensure!(house.passes(watcher, None)?, "{watcher:?} fails with every guard in its place");
    }
    let mut unnoticed = Vec::new();
    for guard in &chosen {
        let passes = house.passes(guard.noticed, Some(guard.name))?;
        println!("{} without {}", if passes { "UNNOTICED" } else { "noticed  " }, guard.name);
        if passes {
            unnoticed.push(guard.name);
        }
    }
    if unnoticed.is_empty() {
        println!("{} guards: each is missed", chosen.len());
        return Ok(());
    }
    bail!("nothing fails without: {}", unnoticed.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::guards;
    use super::row::{Noticed, OFF};

    #[test]
    fn every_guard_stands_where_its_row_says() {
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let mut names = BTreeSet::new();
        for guard in guards() {
            assert!(names.insert(guard.name), "{} stands twice", guard.name);
            assert!(guard.to.contains(OFF), "{} has no switch", guard.name);
            let text = std::fs::read_to_string(root.join(guard.file)).unwrap();
            assert_eq!(text.matches(guard.from).count(), 1, "{}", guard.name);
            let Noticed::Test { package, file, test } = guard.noticed else { continue };
            if let (Some(file), Some(folder)) = (file, package.strip_prefix("portcullis")) {
                let folder = if folder.is_empty() { "portcullis" } else { folder };
                let path = format!("crates/{}/tests/{file}.rs", folder.trim_start_matches('-'));
                let text = std::fs::read_to_string(root.join(&path)).unwrap();
                assert!(text.contains(&format!("fn {test}()")), "{path} has no {test}");
            }
        }
    }
}
