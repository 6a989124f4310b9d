//! What is a guard, how is it switched off, and who notices?

/// A guard, and the edit that puts a switch at it.
pub(super) struct Guard {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    pub(super) from: &'static str,
    /// What stands there instead; [`OFF`] in it is true where this guard is switched off.
    pub(super) to: &'static str,
    pub(super) noticed: Noticed,
}

/// Who notices that a guard is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Noticed {
    /// The demo.
    Demo,
    /// A test by its whole name: of the library of a package, or of a file of its tests.
    Test { package: &'static str, file: Option<&'static str>, test: &'static str },
}

/// Stands in an edit for the question whether its guard is off.
pub(super) const OFF: &str = "OFF";

/// Names the guard that is off.
pub(super) const SWITCH: &str = "PORTCULLIS_GUARD_OFF";

/// A guard that the demo shows.
pub(super) const fn shown(
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> Guard {
    Guard { name, file, from, to, noticed: Noticed::Demo }
}

/// A guard of the whole gateway, which a test in `crates/portcullis/tests` shows.
pub(super) const fn tested(
    name: &'static str,
    (test_file, test): (&'static str, &'static str),
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> Guard {
    let noticed = Noticed::Test { package: "portcullis", file: Some(test_file), test };
    Guard { name, file, from, to, noticed }
}
