//! The names of a VM's settings, and the setting that a name spells.

use super::{Setting, VM, VmSettings};
use std::sync::LazyLock;

/// The setting of a VM that a name spells, and the number in it, which may exceed the limit: 0 for
/// a name without one.
pub fn find(name: &str) -> Option<(&'static Setting<VmSettings>, u32)> {
    let first = name.bytes().next()?;
    let begin_so = INDEX.beginning_with(first)?;
    begin_so.iter().find_map(|(spelling, setting)| {
        let number = spelling.number_in(name)?;
        Some((*setting, number))
    })
}

/// The highest count of `_` in a name of the table.
pub fn most_underscores() -> usize {
    *MOST_UNDERSCORES
}

/// A name of the table, split at its number.
struct Spelling {
    stem: &'static str,
    /// The part after the number, if there is a number.
    end: Option<&'static str>,
}

impl Spelling {
    fn of(name: &'static str) -> Self {
        match name.split_once('N') {
            Some((stem, end)) => Self {
                stem,
                end: Some(end),
            },
            None => Self {
                stem: name,
                end: None,
            },
        }
    }

    /// The number in a name of this spelling.
    fn number_in(&self, name: &str) -> Option<u32> {
        let rest = name.strip_prefix(self.stem)?;
        let Some(end) = self.end else {
            return rest.is_empty().then_some(0);
        };
        let number = rest.strip_suffix(end)?;
        // A leading zero is not accepted, so that one number has one spelling.
        let has_zero = number.len() > 1 && number.starts_with('0');
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse().ok().filter(|_| is_number && !has_zero)
    }
}

/// All spellings of a VM's settings in the order of their first letters, which rule out most names.
struct Index {
    all: Vec<(Spelling, &'static Setting<VmSettings>)>,
    /// Where the spellings of each letter end.
    ends: [usize; 26],
}

impl Index {
    fn beginning_with(&self, letter: u8) -> Option<&[(Spelling, &'static Setting<VmSettings>)]> {
        let letter = usize::from(letter.checked_sub(b'a')?);
        let end = *self.ends.get(letter)?;
        let before = letter
            .checked_sub(1)
            .and_then(|letter| self.ends.get(letter));
        self.all.get(before.copied().unwrap_or_default()..end)
    }
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let of_setting = |setting: &'static Setting<VmSettings>| {
        let names = setting.names();
        names.map(move |name| (Spelling::of(name), setting))
    };
    let mut all: Vec<_> = VM.iter().flat_map(of_setting).collect();
    let first = |spelling: &Spelling| spelling.stem.bytes().next();
    all.sort_by_key(|(spelling, _)| first(spelling));
    let end_of = |letter: usize| {
        let letter = u8::try_from(letter).ok().map(|letter| b'a' + letter);
        all.partition_point(|(spelling, _)| first(spelling) <= letter)
    };
    Index {
        ends: std::array::from_fn(end_of),
        all,
    }
});

static MOST_UNDERSCORES: LazyLock<usize> = LazyLock::new(|| {
    let names = VM.iter().flat_map(Setting::names);
    names
        .map(|name| name.bytes().filter(|byte| *byte == b'_').count())
        .max()
        .unwrap_or_default()
});
