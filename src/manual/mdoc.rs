//! Text of the definitions as mdoc(7).

/// The longest line of running text that is made, in characters.
const LONGEST: usize = 76;

/// Characters that mdoc(7) takes as closing delimiters behind a macro's argument.
const CLOSING: &[char] = &['.', ',', ';', ':', '!', '?', ')', ']'];

/// A line of help or of a table as a sentence: it begins with a capital and ends with a period.
pub(super) fn sentence(markdown: &str) -> String {
    let mut letters = markdown.chars();
    let capital = letters.next().into_iter().flat_map(char::to_uppercase);
    let mut whole: String = capital.chain(letters).collect();
    if !whole.ends_with(['.', ':', '!', '?']) {
        whole.push('.');
    }
    text(&whole)
}

/// Running text whose code spans and references to manual pages become macros.
pub(super) fn text(markdown: &str) -> String {
    let mut written = String::new();
    let mut line = String::new();
    let mut has_ended = false;
    for word in words(markdown) {
        let is_new_sentence = has_ended && !word.starts_with(|first: char| first.is_lowercase());
        if let Some(call) = reference(word).or_else(|| literals(word)) {
            push_line(&mut written, &mut line);
            written.push_str(&call);
            written.push('\n');
        } else {
            if is_new_sentence || line.chars().count() + word.chars().count() >= LONGEST {
                push_line(&mut written, &mut line);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&escaped(word));
        }
        has_ended = word.ends_with('.');
    }
    push_line(&mut written, &mut line);
    written
}

/// One argument of a macro, which stands for itself.
pub(super) fn argument(text: &str) -> String {
    let mut shown = escaped(text).replace('"', "\\(dq");
    let mut letters = text.chars();
    let first = letters.next();
    let is_capital =
        first.is_some_and(|first| first.is_uppercase() || first.is_ascii_punctuation());
    // mdoc(7): the names of macros have two or three characters, delimiters one.
    if is_capital && letters.count() < 3 && !shown.starts_with('\\') {
        shown.insert_str(0, "\\&");
    }
    if text.len() > 1 && text.ends_with(CLOSING) {
        shown.push_str("\\&");
    }
    if text.is_empty() || text.contains([' ', '\t']) {
        shown = format!("\"{shown}\"");
    }
    shown
}

/// Text that roff(7) takes literally at the begin of a line, too. A command is not divided at its
/// hyphen.
fn escaped(text: &str) -> String {
    let ascii = text.chars().map(|letter| match letter {
        '\\' => "\\e".to_owned(),
        letter if letter.is_ascii() => letter.to_string(),
        letter => format!("\\[u{:04X}]", u32::from(letter)),
    });
    let text = ascii.collect::<String>().replace("VM-", "VM\\-");
    match text.chars().next() {
        Some('.' | '\'') => format!("\\&{text}"),
        _ => text,
    }
}

/// The words of a text; a code span is never divided.
fn words(markdown: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    let words = markdown.split(move |letter: char| {
        is_code ^= letter == '`';
        letter.is_whitespace() && !is_code
    });
    words.filter(|word| !word.is_empty())
}

fn push_line(written: &mut String, line: &mut String) {
    if !line.is_empty() {
        written.push_str(line);
        written.push('\n');
        line.clear();
    }
}

/// `.Xr NAME SECTION` for `NAME(SECTION)`.
fn reference(word: &str) -> Option<String> {
    let (name, rest) = word.split_once('(')?;
    let (section, behind) = rest.split_once(')')?;
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name
            .contains(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter));
    let is_section =
        section.len() == 1 && section.starts_with(|digit: char| digit.is_ascii_digit());
    (is_name && is_section).then(|| format!(".Xr {name} {section}{}", delimiters(behind)))
}

/// `.Ql CODE` for a word with code spans, and what is attached to them.
fn literals(word: &str) -> Option<String> {
    if !word.contains('`') {
        return None;
    }
    let end = word.trim_end_matches(CLOSING);
    let behind = word.get(end.len()..).unwrap_or_default();
    let parts = end.split('`').enumerate();
    let calls = parts
        .filter(|(_, part)| !part.is_empty())
        .map(|(at, part)| {
            let macro_name = if at % 2 == 1 { "Ql" } else { "No" };
            format!("{macro_name} {}", argument(part))
        });
    let calls: Vec<String> = calls.collect();
    Some(format!(".{}{}", calls.join(" Ns "), delimiters(behind)))
}

/// Closing delimiters as arguments of their own; other text is attached.
fn delimiters(behind: &str) -> String {
    if behind.chars().all(|letter| CLOSING.contains(&letter)) {
        return behind.chars().flat_map(|letter| [' ', letter]).collect();
    }
    format!(" Ns {}", argument(behind))
}

#[cfg(test)]
mod tests {
    use super::{argument, sentence, text};

    #[test]
    fn a_sentence_has_a_capital_a_period_and_its_macros() {
        for (markdown, mdoc) in [
            ("the ZFS volume", "The ZFS volume.\n"),
            (
                "in bhyve's syntax: `512M`, `4G`; a bare number is MiB",
                "In bhyve's syntax:\n.Ql 512M ,\n.Ql 4G ;\na bare number is MiB.\n",
            ),
            (
                "`YES`: loaded by bhyveload(8), not by grub-bhyve",
                ".Ql \\&YES :\nloaded by\n.Xr bhyveload 8 ,\nnot by grub-bhyve.\n",
            ),
            ("one. Two `a b`", "One.\nTwo\n.Ql \"a b\" .\n"),
            ("of x, e.g. y: VM-boot", "Of x, e.g. y: VM\\-boot.\n"),
            (
                "(`x`) `a`/`b`s",
                ".No \\&( Ns Ql x )\n.Ql a Ns No \\&/ Ns Ql b Ns No s .\n",
            ),
        ] {
            assert_eq!(sentence(markdown), mdoc, "{markdown}");
        }
    }

    #[test]
    fn nothing_becomes_a_request_or_a_macro_by_accident() {
        assert_eq!(text(".Sh 'x' a\\b"), "\\&.Sh \\&'x' a\\eb\n");
        assert_eq!(text("'tis"), "\\&'tis\n");
        for (word, mdoc) in [
            ("No", "\\&No"),
            ("%A", "\\&%A"),
            (".", "\\&."),
            ("|", "\\&|"),
            ("file", "file"),
            ("1", "1"),
            ("…", "\\[u2026]"),
            ("hd0,", "hd0,\\&"),
            ("zroot/my vm", "\"zroot/my vm\""),
            ("say \"x\"", "\"say \\(dqx\\(dq\""),
            ("", "\"\""),
        ] {
            assert_eq!(argument(word), mdoc, "{word}");
        }
    }
}
