//! The version of an operating system, in the file name of its ISO image.

/// What a profile writes where the version belongs.
pub const PLACEHOLDER: &str = "{version}";

/// Names of machines, which have digits.
const MACHINES: [&str; 12] = [
    "x86_64", "amd64", "arm64", "aarch64", "riscv64", "i386", "i486", "i586", "i686", "x86", "x64",
    "64bit",
];

/// Words before a number that is not the version.
const OTHER_NUMBERS: [&str; 7] = ["disc", "disk", "dvd", "rc", "beta", "alpha", "live"];

/// The version in a file name: the number of the first word that begins with one, as `13.2.0` of
/// `debian-13.2.0-amd64-netinst.iso`, else the number at the end of a word, as `76` of `install76.iso`.
pub fn in_name(name: &str) -> Option<String> {
    let mut name = name.to_ascii_lowercase();
    for machine in MACHINES {
        name = name.replace(machine, "");
    }
    let stem = match name.rsplit_once('.') {
        Some((stem, end)) if end.bytes().all(|byte| byte.is_ascii_alphabetic()) => stem,
        _ => &name,
    };
    let words = || stem.split(['-', '_', ' ', '+', '(', ')']);
    let first = words().map(|word| word.strip_prefix(['r', 'v']).unwrap_or(word));
    let last = words().map(|word| {
        let letters = word.trim_start_matches(|c: char| !c.is_ascii_digit());
        let before = word.strip_suffix(letters).unwrap_or_default();
        if OTHER_NUMBERS.contains(&before) {
            ""
        } else {
            letters
        }
    });
    let mut all = first.chain(last).filter_map(number);
    all.next().map(str::to_owned)
}

/// The number at the beginning of a word, with its dots.
fn number(word: &str) -> Option<&str> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.');
    let number = word.get(..end.unwrap_or(word.len()))?.trim_end_matches('.');
    number
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some(number)
}

/// A version with a dot before its last digit, if it has none: `7.6` for `76`.
pub fn with_dot(version: &str) -> String {
    let at = version.len().saturating_sub(1);
    match version.split_at_checked(at) {
        Some((before, last)) if !before.is_empty() && !version.contains('.') => {
            format!("{before}.{last}")
        }
        _ => version.to_owned(),
    }
}

/// Whether a text has a place for the version; grub's variable `${version}` is none.
pub fn is_asked_for(text: &str) -> bool {
    pieces(text).count() > 1
}

/// The text with the version at each of its places.
pub fn fill(text: &str, version: &str) -> String {
    pieces(text).collect::<Vec<_>>().join(version)
}

/// The text between the places for the version.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let is_place = |at: usize| !text.get(..at).is_some_and(|before| before.ends_with('$'));
        let mut places = text.match_indices(PLACEHOLDER);
        let place = places.find(|(at, _)| is_place(*at));
        let (piece, behind) = match place {
            Some((at, found)) => (text.get(..at), text.get(at + found.len()..)),
            None => (Some(text), None),
        };
        rest = behind;
        piece
    })
}

#[cfg(test)]
mod tests {
    use super::{fill, in_name, is_asked_for, with_dot};

    #[test]
    fn the_version_is_the_number_that_names_no_machine_and_no_disc() {
        for (name, version) in [
            ("debian-13.2.0-amd64-netinst.iso", Some("13.2.0")),
            ("FreeBSD-15.0-RELEASE-amd64-disc1.iso", Some("15.0")),
            ("ubuntu-24.04.3-live-server-amd64.iso", Some("24.04.3")),
            ("Fedora-Server-dvd-x86_64-41-1.4.iso", Some("41")),
            ("CentOS-Stream-9-latest-x86_64-dvd1.iso", Some("9")),
            ("alpine-virt-3.22.0-x86_64.iso", Some("3.22.0")),
            ("install78.iso", Some("78")),
            ("install78.img", Some("78")),
            ("cd78.iso", Some("78")),
            ("OpenBSD_7.8.iso", Some("7.8")),
            ("omnios-r151054.iso", Some("151054")),
            ("archlinux-2025.06.01-x86_64.iso", Some("2025.06.01")),
            ("Win11_24H2_English_x64.iso", Some("24")),
            ("dfly-x86_64-6.4.2_REL.iso", Some("6.4.2")),
            ("netinst.iso", None),
            ("x86_64-disc1.iso", None),
            ("dvd1-amd64.iso", None),
            ("", None),
            (".iso", None),
        ] {
            assert_eq!(in_name(name).as_deref(), version, "{name}");
        }
    }

    #[test]
    fn a_version_without_a_dot_gets_one_before_its_last_digit() {
        for (version, dotted) in [("78", "7.8"), ("100", "10.0"), ("7.8", "7.8"), ("7", "7")] {
            assert_eq!(with_dot(version), dotted);
        }
    }

    #[test]
    fn the_version_is_filled_in_and_a_variable_of_grub_stays() {
        assert_eq!(fill("/{version}/{version}", "7.8"), "/7.8/7.8");
        assert_eq!(fill("echo ${version} {version}", "1"), "echo ${version} 1");
        assert_eq!(fill("a", "1"), "a");
        assert!(is_asked_for("x{version}"));
        assert!(!is_asked_for("echo ${version}"));
    }
}
