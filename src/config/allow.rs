//! `# easy-bhyve: allow NAME[, NAME…]`: a comment that silences warnings on its own line or, if the
//! line has no other text, on the next line.

use super::Config;
use super::shell::lexer::{Lexer, TokenKind};
use crate::finding::{Finding, FindingName, Severity};
use crate::span::{FileId, Span};
use crate::suggest;
use std::borrow::Cow;
use std::collections::HashMap;

/// The mark of these comments, after the `#` and blanks.
const MARK: &[u8] = b"easy-bhyve:";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// A name after `allow`.
    Name,
    /// `allow` without a name after it.
    Bare,
    /// A word other than `allow`.
    Other,
}

struct Allowed<'config> {
    text: Cow<'config, str>,
    span: Span,
    what: Word,
    /// Whether the comment follows a statement and so applies to its own line only.
    is_trailing: bool,
    /// Whether it has silenced a finding.
    is_used: bool,
}

impl Allowed<'_> {
    fn is_about_comments(&self) -> bool {
        let about = [FindingName::UnknownAllow, FindingName::UnusedAllow];
        self.what == Word::Name && about.iter().any(|name| name.as_str() == self.text)
    }
}

/// The names that comments allow, by file, line and name.
type Comments<'config> = HashMap<(FileId, usize, Cow<'config, str>), Vec<Allowed<'config>>>;

/// Removes the silenced findings, and adds the findings about the comments themselves.
///
/// `was_checked`: whether the findings of a name were searched for.
pub fn apply_allows(
    config: &Config,
    findings: Vec<Finding>,
    was_checked: &dyn Fn(FindingName) -> bool,
) -> Vec<Finding> {
    let mut allowed = comments(config);
    if allowed.is_empty() {
        return findings;
    }
    let mut left = findings;
    left.retain(|finding| !silence(config, &mut allowed, finding));
    // Applied last: such a comment silences findings about the other comments.
    let all = allowed.values().flatten();
    let (others, about) = all.partition::<Vec<_>, _>(|one| !one.is_about_comments());
    let complaints: Vec<Finding> = others
        .into_iter()
        .filter_map(|one| complaint(one, was_checked))
        .collect();
    if about.is_empty() {
        left.extend(complaints);
    } else {
        let told = complaints.into_iter();
        left.extend(told.filter(|finding| !silence(config, &mut allowed, finding)));
        let about = allowed.values().flatten();
        let about = about.filter(|one| one.is_about_comments());
        left.extend(about.filter_map(|one| complaint(one, was_checked)));
    }
    left.sort_by_key(|finding| (finding.span.file, finding.span.start));
    left
}

/// The findings that no comment silences, without findings about comments.
pub fn unsilenced(config: &Config, mut findings: Vec<Finding>) -> Vec<Finding> {
    if findings.is_empty() {
        return findings;
    }
    let mut allowed = comments(config);
    findings.retain(|finding| !silence(config, &mut allowed, finding));
    findings
}

/// Whether a comment silences a finding; marks the comment as used.
fn silence(config: &Config, allowed: &mut Comments<'_>, finding: &Finding) -> bool {
    if finding.severity != Severity::Warning {
        return false;
    }
    let own_line = line_of(config, finding.span);
    let mut is_silenced = false;
    for line in [Some(own_line), own_line.checked_sub(1)]
        .into_iter()
        .flatten()
    {
        let name = Cow::Borrowed(finding.name.as_str());
        let here = allowed.get_mut(&(finding.span.file, line, name));
        for one in here.into_iter().flatten() {
            let reaches = line == own_line || !one.is_trailing;
            if reaches && one.what == Word::Name {
                one.is_used = true;
                is_silenced = true;
            }
        }
    }
    is_silenced
}

fn line_of(config: &Config, span: Span) -> usize {
    config.line(span).number
}

/// The finding about an allowed name, if any.
fn complaint(one: &Allowed<'_>, was_checked: &dyn Fn(FindingName) -> bool) -> Option<Finding> {
    let text = one.text.as_ref();
    let not_asked = match one.what {
        Word::Name => None,
        Word::Bare => Some("this comment allows nothing".to_owned()),
        Word::Other => Some(format!("\"{text}\" is unknown: the only word is allow")),
    };
    if let Some(message) = not_asked {
        let help = "write # easy-bhyve: allow NAME; list the names: easy-bhyve check --list";
        return Some(Finding::new(
            FindingName::UnknownAllow,
            one.span,
            message,
            help,
        ));
    }
    match FindingName::parse(text) {
        None => {
            let known = FindingName::ALL.iter().map(|name| name.as_str());
            let nearest = suggest::near(text, known)
                .map(|name| format!("the nearest name is {name}; "))
                .unwrap_or_default();
            Some(Finding::new(
                FindingName::UnknownAllow,
                one.span,
                format!("there is no finding named \"{text}\""),
                format!("{nearest}list the names: easy-bhyve check --list"),
            ))
        }
        Some(name) if name.severity() == Severity::Error => Some(Finding::new(
            FindingName::UnknownAllow,
            one.span,
            format!("{text} is an error, and a comment cannot silence an error"),
            "correct the error",
        )),
        Some(name) if !one.is_used && was_checked(name) => Some(Finding::new(
            FindingName::UnusedAllow,
            one.span,
            if one.is_trailing {
                format!("there is no {text} on this line")
            } else {
                format!("there is no {text} on this line or the next")
            },
            "remove the comment, or move it to the line of the finding or alone on the line before",
        )),
        Some(_) => None,
    }
}

fn comments(config: &Config) -> Comments<'_> {
    let mut all = Comments::new();
    for (file, source) in (0..).map(FileId).zip(config.sources().iter()) {
        let bytes = source.bytes();
        // Most files have no such comment, and a search for the mark is fast.
        if !contains(bytes, MARK) {
            continue;
        }
        let comments = Lexer::new(bytes).filter(|token| token.kind == TokenKind::Comment);
        for token in comments {
            let text = bytes.get(token.start..token.end).unwrap_or_default();
            let mut words = words(text).peekable();
            let allow = words.next_if(|(_, word)| *word == b"allow");
            let what = match (allow, words.peek()) {
                (Some(_), Some(_)) => Word::Name,
                (Some(_), None) => Word::Bare,
                (None, _) => Word::Other,
            };
            let words = allow
                .filter(|_| what == Word::Bare)
                .into_iter()
                .chain(words);
            let mut line = None;
            let mut end = None;
            for (start, word) in words {
                // Only words joined to the names by commas count; the rest of the comment, and all
                // words after another word than `allow`, are free text.
                let is_joined = |end| {
                    let between = text.get(end..start).unwrap_or_default();
                    what == Word::Name && between.contains(&b',')
                };
                if !end.is_none_or(is_joined) {
                    break;
                }
                end = Some(start + word.len());
                let offset = |at: usize| u32::try_from(token.start + at).unwrap_or(u32::MAX);
                let span = Span {
                    file,
                    start: offset(start),
                    end: offset(start + word.len()),
                };
                let line = *line.get_or_insert_with(|| config.line(span));
                let before = bytes.get(line.start..token.start).unwrap_or_default();
                let text = String::from_utf8_lossy(word);
                let place = (file, line.number, text.clone());
                all.entry(place).or_default().push(Allowed {
                    text,
                    span,
                    what,
                    is_trailing: !before.trim_ascii().is_empty(),
                    is_used: false,
                });
            }
        }
    }
    all
}

fn contains(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}

/// The words after the mark in a comment, each with its offset; none for an ordinary comment.
fn words(comment: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b',');
    let front = |bytes: &[u8]| bytes.iter().take_while(|byte| **byte == b'#').count();
    let hashes = front(comment);
    let blanks = comment
        .iter()
        .skip(hashes)
        .take_while(|byte| is_blank(byte));
    let begin = hashes + blanks.count();
    let is_ours = comment
        .get(begin..)
        .is_some_and(|rest| rest.starts_with(MARK));
    let begin = if is_ours {
        begin + MARK.len()
    } else {
        comment.len()
    };
    let rest = comment.get(begin..).unwrap_or_default();
    let words = rest.split(move |byte| is_blank(byte));
    words
        .scan(begin, |at, word| {
            let start = *at;
            *at += word.len() + 1;
            Some((start, word))
        })
        .filter(|(_, word)| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{apply_allows, words};
    use crate::config::tests::config;

    #[test]
    fn words_are_found_where_they_stand() {
        let found = |text: &'static [u8]| words(text).collect::<Vec<_>>();
        let allow = |at| (at, &b"allow"[..]);
        assert_eq!(
            found(b"# easy-bhyve: allow number-gap, crlf\r"),
            [allow(14), (20, b"number-gap"), (32, b"crlf")]
        );
        assert_eq!(found(b"##\teasy-bhyve:allow\tx"), [allow(14), (20, b"x")]);
        for none in [&b"# allow crlf"[..], b"# easy-bhyve", b"#"] {
            assert_eq!(found(none), []);
        }
    }

    #[track_caller]
    fn assert_told(text: &str, told: &[&str]) {
        let config = config(text.as_bytes());
        let left = apply_allows(&config, Vec::new(), &|_| true);
        let shown = left
            .iter()
            .map(|one| format!("{} {}", config.place(one.span), one.name));
        assert_eq!(shown.collect::<Vec<_>>(), told, "{text}");
    }

    #[test]
    fn what_is_told_of_comments_is_silenced_like_all_else() {
        assert_told(
            "# easy-bhyve: allow unused-allow\n# easy-bhyve: allow crlf\n",
            &[],
        );
        assert_told(
            "x=1 # easy-bhyve: allow crlf, nil, unused-allow, unknown-allow\n",
            &[],
        );
        assert_told(
            "x=1\n# easy-bhyve: allow\n",
            &["test.conf:2:15 unknown-allow"],
        );
        assert_told(
            "# easy-bhyve: allow unused-allow\nx=1\n# easy-bhyve: allow crlf\n",
            &["test.conf:1:21 unused-allow", "test.conf:3:21 unused-allow"],
        );
    }
}
