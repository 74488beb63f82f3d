//! What must hold when any bytes are read as a configuration, for the fuzz target and the suite.

use easy_bhyve::config::resolve::overview::{self, Overview};
use easy_bhyve::config::resolve::{self, Wanted};
use easy_bhyve::config::settings::{self, Need};
use easy_bhyve::config::shell::lexer::Lexer;
use easy_bhyve::config::shell::lexer::TokenKind;
use easy_bhyve::config::{Config, ConfigError, Outside, Source, is_vm_name, lint, parse};
use easy_bhyve::error::Error;
use easy_bhyve::finding::{FindingName, Severity};
use easy_bhyve::model::Vm;
use easy_bhyve::span::Span;
use easy_bhyve::verb::Spelling;
use easy_bhyve::{quote, report};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Reads the bytes as a file of `directory`, which contains the files that they may include.
///
/// # Panics
/// If an invariant does not hold.
pub(crate) fn check(bytes: &[u8], directory: &Path) {
    tokens_joined_are_the_file(bytes);
    if !includes_only_neighbours(bytes) {
        return;
    }
    let read = read(bytes, directory);
    let (config, is_accepted) = match &read {
        Ok(config) => (config, true),
        Err(config) => (&**config, false),
    };
    let is_error = |finding: &easy_bhyve::finding::Finding| finding.severity == Severity::Error;
    assert_eq!(config.findings().is_empty(), is_accepted);
    assert!(config.findings().iter().all(is_error));
    reading_again_gives_the_same(bytes, directory, config);
    a_nul_is_refused(bytes, config);
    places_lie_in_their_files(config);
    names_are_names_and_the_last_counts(config);
    if is_accepted {
        its_values_can_be_written_and_read_back(config, directory);
        a_line_at_the_end_changes_nothing_before_it(bytes, config, directory);
        every_vm_has_settings_or_an_error_with_a_place(config);
    }
}

fn outside<T>(run: impl FnOnce(&Outside<'_>) -> T) -> T {
    let variable = |name: &str| match name {
        "HOME" => Some(OsString::from("/home/a user")),
        "env1" => Some(OsStr::from_bytes(b"en  v*\xff").to_owned()),
        _ => None,
    };
    run(&Outside {
        variable: &variable,
        home: &|_| None,
    })
}

fn read(bytes: &[u8], directory: &Path) -> Result<Config, Box<Config>> {
    let source = Source::new(directory.join("easy-bhyve.conf"), bytes.to_vec());
    match outside(|outside| parse(vec![source], outside)) {
        Ok(config) => Ok(config),
        Err(ConfigError::Refused(config)) => Err(config),
        Err(error) => panic!("a source in memory cannot be read: {error}"),
    }
}

fn tokens_joined_are_the_file(bytes: &[u8]) {
    let mut at = 0;
    for token in Lexer::new(bytes) {
        assert_eq!(token.start, at, "a token begins where the last one ends");
        assert!(token.end > at, "a token is never empty");
        while at < token.end {
            at += first_length(&bytes[at..]);
        }
        assert_eq!(token.end, at, "a token ends with a whole character");
    }
    assert_eq!(at, bytes.len(), "the tokens end with the file");
}

/// Whether every word behind a `.` plainly names a file of the directory: no other file may be
/// read.
fn includes_only_neighbours(bytes: &[u8]) -> bool {
    let mut words: Vec<(Vec<u8>, bool)> = vec![(Vec::new(), true)];
    for token in Lexer::new(bytes) {
        let text = &bytes[token.start..token.end];
        match token.kind {
            TokenKind::Blank | TokenKind::Newline | TokenKind::Semicolon | TokenKind::Control => {
                words.push((Vec::new(), true));
            }
            TokenKind::Continuation => {}
            kind => {
                if let Some((word, is_plain)) = words.last_mut() {
                    word.extend_from_slice(text);
                    *is_plain &= kind == TokenKind::Text;
                }
            }
        }
    }
    words.retain(|(word, _)| !word.is_empty());
    words.windows(2).all(|pair| {
        let (file, is_plain) = &pair[1];
        let is_below = file.starts_with(b"./") && !file.windows(2).any(|pair| pair == b"..");
        pair[0].0 != b"." || *is_plain && is_below
    })
}

type Pairs = Vec<(String, Vec<u8>)>;

fn pairs(config: &Config) -> Pairs {
    let all = config.assignments();
    all.map(|one| (one.name.to_owned(), one.value.to_vec()))
        .collect()
}

fn reading_again_gives_the_same(bytes: &[u8], directory: &Path, config: &Config) {
    let again = read(bytes, directory).unwrap_or_else(|refused| *refused);
    assert_eq!(pairs(&again), pairs(config));
    assert_eq!(again.findings(), config.findings());
    assert_eq!(lint::check(&again), lint::check(config));
}

/// A file with a NUL is refused at that place, whatever follows the NUL. A CR before an LF does not count.
fn a_nul_is_refused(bytes: &[u8], config: &Config) {
    let nul = bytes.iter().position(|byte| *byte == 0);
    let before = nul.and_then(|nul| bytes.get(..nul)).unwrap_or_default();
    let line_ends = before.windows(2).filter(|pair| *pair == b"\r\n").count();
    let nul = nul.map(|nul| nul - line_ends);
    let mut found = config.findings().iter();
    let found = found.find(|finding| finding.name == FindingName::Nul);
    let at = found.map(|finding| finding.span.start as usize);
    assert_eq!(at, nul);
}

fn places_lie_in_their_files(config: &Config) {
    let lints = lint::check(config);
    let findings = config.findings().iter().chain(&lints);
    for finding in findings {
        assert!(!finding.message.is_empty());
        place_is_right(config, finding.span);
        let shown = report::warning(finding, "easy-bhyve", config, false);
        let place = config.place(finding.span);
        let at = format!(":{}:{}", place.line, place.column);
        assert!(shown.contains(&at), "{at} is not shown: {shown}");
    }
    for one in config.assignments() {
        place_is_right(config, one.name_span);
        place_is_right(config, one.value_span);
    }
}

/// The length of the first character; a byte that is not UTF-8 is one.
fn first_length(bytes: &[u8]) -> usize {
    let first = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(first) {
        Ok(_) => first,
        Err(error) => &first[..error.valid_up_to()],
    };
    let text = std::str::from_utf8(valid).unwrap_or_default();
    text.chars().next().map_or(1, char::len_utf8)
}

/// Counts lines and characters again, one by one.
fn place_is_right(config: &Config, span: Span) {
    let source = config.sources().source(span.file).expect("a file");
    let (start, end) = (span.start as usize, span.end as usize);
    assert!(start <= end && end <= source.bytes().len(), "{span:?}");
    let (mut line, mut column, mut line_start) = (1, 1, 0);
    let mut at = 0;
    while at < start {
        column += 1;
        at += first_length(&source.bytes()[at..]);
        if source.bytes()[at - 1] == b'\n' {
            (line, column, line_start) = (line + 1, 1, at);
        }
    }
    assert_eq!(at, start, "{span:?} begins within a character");
    while at < end {
        at += first_length(&source.bytes()[at..]);
    }
    assert_eq!(at, end, "{span:?} ends within a character");
    let place = config.place(span);
    assert_eq!((place.line, place.column), (line, column), "{span:?}");
    assert_eq!(place.file, source.path());
    let shown = config.line(span);
    assert_eq!((shown.number, shown.start), (line, line_start), "{span:?}");
    let text = source.bytes()[line_start..].split(|byte| *byte == b'\n');
    assert_eq!(text.into_iter().next(), Some(shown.text));
}

fn names_are_names_and_the_last_counts(config: &Config) {
    let mut last = std::collections::BTreeMap::new();
    for one in config.assignments() {
        let bytes = one.name.bytes();
        assert!(!one.name.is_empty() && !one.name.as_bytes()[0].is_ascii_digit());
        assert!({ bytes }.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        let written = config.sources().text(one.name_span);
        let written = String::from_utf8_lossy(written).replace("\\\n", "");
        assert_eq!(written, one.name);
        last.insert(one.name, one);
    }
    for (name, one) in last {
        assert_eq!(config.get(name), Some(one));
    }
    let all: Vec<_> = config.keys_of_all(settings::every_row).collect();
    let vms: Vec<&str> = config.vms().map(|(vm, _)| vm).collect();
    assert_eq!(all.iter().map(|keys| keys.vm).collect::<Vec<_>>(), vms);
    for keys in &all {
        assert!(is_vm_name(keys.vm) && config.is_vm(keys.vm));
        assert_eq!(config.keys_of(keys.vm).keys, keys.keys);
    }
}

/// As `resources` writes them: each name with its quoted value.
fn its_values_can_be_written_and_read_back(config: &Config, directory: &Path) {
    let mut written = Vec::new();
    let all = pairs(config);
    for (name, value) in &all {
        written.extend_from_slice(name.as_bytes());
        written.push(b'=');
        quote::push(&mut written, OsStr::from_bytes(value));
        written.push(b'\n');
    }
    match read(&written, directory) {
        Ok(again) => assert_eq!(pairs(&again), all),
        Err(refused) => panic!("{:?} of\n{}", refused.findings(), written.escape_ascii()),
    }
}

/// A further line at the end sets one more variable, and changes nothing else.
fn a_line_at_the_end_changes_nothing_before_it(bytes: &[u8], config: &Config, directory: &Path) {
    const NAME: &str = "behind_all";
    // A backslash at the end would hide the newline, and a CR would become a part of the line end.
    if bytes.ends_with(b"\\") || bytes.ends_with(b"\r") || config.get(NAME).is_some() {
        return;
    }
    let longer = [bytes, b"\nbehind_all=1\n"].concat();
    let mut expected = pairs(config);
    expected.push((NAME.to_owned(), b"1".to_vec()));
    match read(&longer, directory) {
        Ok(longer) => assert_eq!(pairs(&longer), expected),
        // The name may have been made readonly without a value.
        Err(refused) => assert_eq!(refused.findings()[0].name, FindingName::Readonly),
    }
}

fn every_vm_has_settings_or_an_error_with_a_place(config: &Config) {
    let shown = |error: &Error| {
        assert!(!error.what.is_empty(), "{error:?}");
        if let Some(span) = error.at {
            place_is_right(config, span);
        }
        assert!(!report::render(error, "easy-bhyve", Some(config), true).is_empty());
    };
    let devices = Path::new("/dev");
    let wanted = Wanted::new(Need::Settings, Spelling::link(), devices);
    let vms = match resolve::all(config, wanted) {
        Ok(vms) => vms,
        Err(error) => return shown(&error),
    };
    let overviews = overview::all(config, Spelling::link(), devices, || 1).unwrap();
    let count = overviews.vms().count() + overviews.faults.len();
    assert_eq!(count, config.vms().count());
    overviews.faults.iter().for_each(shown);
    let mut overviews = overviews.vms();
    for vm in vms {
        match vm {
            Ok(vm) => {
                let overview = overviews.find(|overview| overview.name == vm.name);
                an_overview_has_what_the_vm_has(&vm, overview.unwrap());
            }
            Err(error) => shown(&error),
        }
    }
}

fn an_overview_has_what_the_vm_has(vm: &Vm, overview: &Overview) {
    assert_eq!((overview.id, &overview.name), (vm.id, &vm.name));
    assert_eq!(overview.loader, vm.loader.kind());
    assert_eq!((overview.cpu, &overview.mem), (vm.cpu.count(), &vm.mem));
    assert_eq!(overview.autostart, vm.policy.autostart);
    assert_eq!(overview.disk, vm.disks[0].path);
}
