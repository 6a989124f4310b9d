//! Which policies came, went, or say something else? By id; those of the baseline are left out, for
//! what they hold is said of the operations that they are made from.

use std::collections::BTreeMap;

use portcullis_policy::Engine;

use super::change::{Changes, Effect};

/// Compares policies.
pub(super) fn policies(old: &Engine, new: &Engine, changes: &mut Changes) {
    let own = |engine: &Engine| -> BTreeMap<String, (bool, String)> {
        engine.said().into_iter().filter(|(id, _)| !id.starts_with("baseline.")).collect()
    };
    let (was, is) = (own(old), own(new));
    for (id, (permits, _)) in was.iter().filter(|(id, _)| !is.contains_key(*id)) {
        let said = format!("{} removed", word(*permits));
        changes.of("policies", id).say(comes(*permits).reversed(), said);
    }
    for (id, (permits, meaning)) in &is {
        let mut thing = changes.of("policies", id);
        match was.get(id) {
            None => thing.say(comes(*permits), format!("{} added", word(*permits))),
            Some((did_permit, _)) if did_permit != permits => {
                thing.say(comes(*permits), format!("a {} now", word(*permits)));
            }
            Some((_, said)) if said != meaning => {
                thing.say(
                    Effect::CannotBeTold,
                    format!("{} that says something else", word(*permits)),
                );
            }
            Some(_) => {}
        }
    }
}

const fn comes(permits: bool) -> Effect {
    if permits { Effect::Widens } else { Effect::Narrows }
}

const fn word(permits: bool) -> &'static str {
    if permits { "permit" } else { "forbid" }
}
