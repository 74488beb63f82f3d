//! `# easy-bhyve: allow NAME[, NAME…]`: a comment that silences warnings of its line and the next.

use super::lexer::{Lexer, TokenKind};
use super::source::{FileId, Span};
use super::{Config, Finding, FindingName, Severity};
use crate::suggest;
use std::collections::HashMap;

/// What makes a comment one of ours, behind its `#` and blanks.
const MARK: &[u8] = b"easy-bhyve:";

/// One name that a comment allows.
struct Allowed<'config> {
    text: &'config str,
    span: Span,
    /// Whether it has silenced something.
    is_used: bool,
}

/// The findings that no comment silences; and what is wrong with such comments themselves.
///
/// `was_looked_for`: whether findings of a name would be among them.
pub fn settle(
    config: &Config,
    findings: Vec<Finding>,
    was_looked_for: &dyn Fn(FindingName) -> bool,
) -> Vec<Finding> {
    let mut allowed = comments(config);
    if allowed.is_empty() {
        return findings;
    }
    let mut left = Vec::with_capacity(findings.len());
    for finding in findings {
        let line = line_of(config, finding.span);
        let mut is_silenced = false;
        if finding.severity == Severity::Warning {
            for line in [Some(line), line.checked_sub(1)].into_iter().flatten() {
                let here = allowed.get_mut(&(finding.span.file, line));
                for one in here.into_iter().flatten() {
                    if one.text == finding.name.as_str() {
                        one.is_used = true;
                        is_silenced = true;
                    }
                }
            }
        }
        if !is_silenced {
            left.push(finding);
        }
    }
    let unused = allowed.into_values().flatten();
    left.extend(unused.filter_map(|one| complaint(&one, was_looked_for)));
    left.sort_by_key(|finding| (finding.span.file, finding.span.start));
    left
}

fn line_of(config: &Config, span: Span) -> usize {
    config.line(span).number
}

/// What is wrong with a name that is allowed.
fn complaint(one: &Allowed<'_>, was_looked_for: &dyn Fn(FindingName) -> bool) -> Option<Finding> {
    let text = one.text;
    match FindingName::parse(text) {
        None => {
            let known = FindingName::ALL.iter().map(|name| name.as_str());
            let nearest = suggest::nearest_first(text, known);
            let nearest = nearest.first().copied().unwrap_or_default();
            Some(Finding::new(
                FindingName::UnknownAllow,
                one.span,
                format!("\"{text}\" is the name of no finding"),
                format!("the nearest is {nearest}; see all: easy-bhyve check --list"),
            ))
        }
        Some(name) if name.severity() == Severity::Error => Some(Finding::new(
            FindingName::UnknownAllow,
            one.span,
            format!("{text} is an error, which no comment silences"),
            "mend what is wrong",
        )),
        Some(name) if !one.is_used && was_looked_for(name) => Some(Finding::new(
            FindingName::UnusedAllow,
            one.span,
            format!("there is no {text} on this line or the next"),
            "remove the comment, or bring it to its place",
        )),
        Some(_) => None,
    }
}

/// What comments allow, by file and line.
fn comments(config: &Config) -> HashMap<(FileId, usize), Vec<Allowed<'_>>> {
    let mut all: HashMap<_, Vec<_>> = HashMap::new();
    for (file, source) in (0..).map(FileId).zip(config.sources().iter()) {
        let bytes = source.bytes();
        // Nearly no file has one, and most are large for what is looked for.
        if !contains(bytes, MARK) {
            continue;
        }
        let comments = Lexer::new(bytes).filter(|token| token.kind == TokenKind::Comment);
        for token in comments {
            let text = bytes.get(token.start..token.end).unwrap_or_default();
            for (start, text) in names(text) {
                let offset = |at: usize| u32::try_from(token.start + at).unwrap_or(u32::MAX);
                let span = Span {
                    file,
                    start: offset(start),
                    end: offset(start + text.len()),
                };
                let line = line_of(config, span);
                all.entry((file, line)).or_default().push(Allowed {
                    text,
                    span,
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

/// The names in a comment, each with where it begins; none if it is a comment for people.
fn names(comment: &[u8]) -> impl Iterator<Item = (usize, &str)> {
    let text = std::str::from_utf8(comment).unwrap_or_default();
    let rest = text.trim_start_matches('#').trim_start();
    let rest = rest
        .strip_prefix("easy-bhyve:")
        .map(str::trim_start)
        .and_then(|rest| rest.strip_prefix("allow "))
        .unwrap_or_default();
    let begin = text.len() - rest.len();
    let words = rest.split([',', ' ', '\t', '\r']);
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
    use super::names;

    #[test]
    fn names_are_found_where_they_stand() {
        let found = |text: &'static str| names(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(
            found("# easy-bhyve: allow number-gap, crlf"),
            [(20, "number-gap"), (32, "crlf")]
        );
        assert_eq!(found("#easy-bhyve:allow x"), [(18, "x")]);
        for none in ["# allow crlf", "# easy-bhyve: allowed x", "# easy-bhyve"] {
            assert_eq!(found(none), []);
        }
    }
}
