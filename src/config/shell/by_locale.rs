//! Values that depend on the locale of sh(1), which a configuration must not have.
//!
//! Files are read for the C locale. If a value would differ in a UTF-8 locale, the files are also read
//! for that locale, and refused if the final value of a variable differs.

use crate::finding::{Finding, FindingName};
use std::collections::HashMap;

use super::lexer::Token;
use super::locale::{Lengths, Locale};
use super::parser::{MAX_FINDINGS, Parser};
use crate::config::store::Piece;
use crate::config::{Assignment, Config, ConfigError};

/// The variable that overrides the other locale variables, and changes sh itself while exported.
const LC_ALL: &[u8] = b"LC_ALL";

impl Parser<'_, '_, '_> {
    pub(super) fn export(&mut self, name: Piece) {
        self.reading.is_locale_exported |= self.reading.store.text(name) == LC_ALL;
    }

    /// The locale to read for, unless the files choose one; none if other locales are compared.
    pub(super) fn locale(&self) -> Option<Locale> {
        let chosen = self.reading.store.value(LC_ALL);
        let outside = self.reading.outside;
        let is_c = matches!(chosen, Some(b"C" | b"POSIX"))
            && (self.reading.is_locale_exported || outside.variable("LC_ALL").is_some());
        let locale = if is_c { Locale::C } else { self.reading.locale };
        (is_c || locale != Locale::C).then_some(locale)
    }

    /// Records that another locale gives another value here.
    pub(super) fn depends(&mut self, at: Token, message: impl Into<String>, help: &str) {
        if self.reading.by_locale.len() < MAX_FINDINGS {
            let finding = Finding::new(FindingName::Locale, self.span(at), message, help);
            self.reading.by_locale.push(finding);
        }
    }

    /// The length of a value in bytes, or in a UTF-8 locale in bytes that begin a character.
    pub(super) fn length(&mut self, lengths: Lengths, at: Token) -> usize {
        let Lengths { bytes, characters } = lengths;
        match self.locale() {
            Some(Locale::Utf8 { .. }) => return characters,
            None if characters != bytes => {
                let message = format!(
                    "sh counts {characters} characters here in a UTF-8 locale, and {bytes} bytes \
                     in the C locale"
                );
                self.depends(at, message, "write the number itself");
            }
            _ => {}
        }
        bytes
    }
}

/// Selects the locale-dependent places that affect the final values.
pub(in crate::config) fn settle(
    config: &Config,
    places: Vec<Finding>,
    read: impl Fn(Locale) -> Result<Config, ConfigError>,
) -> Vec<Finding> {
    let mut differing: Vec<Assignment<'_>> = Vec::new();
    for locale in Locale::OTHERS {
        let Ok(other) = read(locale) else {
            return places;
        };
        let values: HashMap<&str, &[u8]> = last(&other).map(|set| (set.name, set.value)).collect();
        if last(config).count() != values.len() {
            return places;
        }
        differing.extend(last(config).filter(|set| values.get(set.name) != Some(&set.value)));
    }
    if differing.is_empty() {
        return Vec::new();
    }
    let is_within = |finding: &&Finding| {
        let mut spans = differing.iter().map(|set| set.value_span);
        spans.any(|span| {
            let (outer, inner) = (span.range(), finding.span.range());
            span.file == finding.span.file && outer.start <= inner.start && inner.end <= outer.end
        })
    };
    let within: Vec<Finding> = places.iter().filter(is_within).cloned().collect();
    if within.is_empty() { places } else { within }
}

fn last(config: &Config) -> impl Iterator<Item = Assignment<'_>> {
    config.store.last(|_| true)
}

#[cfg(test)]
#[path = "by_locale_tests.rs"]
mod tests;
