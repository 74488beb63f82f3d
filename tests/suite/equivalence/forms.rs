//! The verbs that are compared.

use crate::variety::Usually;

/// A verb with its words, and the hosts for it.
pub(super) struct Form {
    pub(super) verb: &'static str,
    pub(super) words: &'static [&'static str],
    pub(super) usually: Usually,
}

const fn form(verb: &'static str, words: &'static [&'static str], usually: Usually) -> Form {
    Form {
        verb,
        words,
        usually,
    }
}

/// The forms of every verb that accepts `-d`; `-p` waits for a user.
pub(super) const FORMS: &[Form] = &[
    form("boot", &[], Usually::Stopped),
    form("boot", &["-c", "2", "-m", "512M"], Usually::Stopped),
    form("boot", &["-T"], Usually::Stopped),
    form("restart", &[], Usually::Running),
    form("restart", &["-f"], Usually::Running),
    form("ttyboot", &[], Usually::Short),
    form("install", &[], Usually::Short),
    form("console", &[], Usually::Running),
    form("resources", &[], Usually::Stopped),
    form("resources", &["-V", "64m"], Usually::NoDisk),
    form("resources", &["-V", "1g", "-s"], Usually::NoDisk),
    form("shutdown", &[], Usually::Running),
    form("shutdown", &["-f"], Usually::Running),
    form("clean", &[], Usually::LeftOver),
    form("resize", &["64g"], Usually::Stopped),
    form("resize", &["-f", "64g"], Usually::Running),
    form("snapshot", &["before", "it"], Usually::Stopped),
    form("snapshot", &[], Usually::Stopped),
    form("snapshot", &["-f", "--delete", "s1"], Usually::Stopped),
    form("rollback", &[], Usually::Stopped),
    form("rollback", &["-f", "s1"], Usually::Stopped),
    form("clone", &["new0"], Usually::Stopped),
    form("clone", &["@s1", "new0", "new1"], Usually::Stopped),
    form("promote", &[], Usually::Cloned),
];
