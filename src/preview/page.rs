//! The lines of a preview, in order.

use crate::command::Command;
use crate::vis;
use console::Style;

/// A line, without the marks that make it a comment.
enum Line {
    /// A command.
    Free(String),
    /// A command that must wait for something.
    Behind(String),
    /// Anything that is not a command.
    Remark(String),
    /// A condition for the commands below it.
    Heading(String),
    /// What the commands below it wait for.
    Wait(String),
    /// A line of a text.
    Content(String),
}

/// The lines of a preview under construction.
#[derive(Default)]
pub(super) struct Page {
    lines: Vec<Line>,
    /// The condition under which the next command would be read.
    heading: Option<String>,
    /// A wait that is shown only if something follows it.
    pending: Option<String>,
}

impl Page {
    /// Adds a command under a condition; `is_free`: it need not wait.
    pub(super) fn command(&mut self, command: &Command, is_free: bool, heading: Option<&str>) {
        self.settle();
        // A command that stands free is not read as one under a heading, unless the one before is.
        let ends_heading = is_free && matches!(self.lines.last(), Some(Line::Behind(_)));
        if heading.is_none() && ends_heading {
            self.heading = None;
        }
        if self.heading.as_deref() != heading {
            let shown = heading.unwrap_or("then");
            self.lines.push(Line::Heading(shown.to_owned()));
            self.heading = heading.map(str::to_owned);
        }
        let line = command.to_string();
        self.lines.push(if is_free {
            Line::Free(line)
        } else {
            Line::Behind(line)
        });
    }

    /// Adds a sentence.
    pub(super) fn remark(&mut self, text: &str) {
        self.settle();
        self.heading = None;
        self.lines.push(Line::Remark(vis::line(text).into_owned()));
    }

    /// Adds the lines of a text below a remark.
    pub(super) fn text(&mut self, text: &[u8]) {
        for line in vis::lines_of(text) {
            self.lines.push(Line::Content(line.to_string()));
        }
    }

    /// Adds a line of a text, behind a mark.
    pub(super) fn marked(&mut self, mark: char, line: &[u8]) {
        let line = vis::bytes(line.strip_suffix(b"\n").unwrap_or(line));
        self.lines.push(Line::Content(format!("{mark}{line}")));
    }

    /// Adds a wait; what is added from here on comes after it.
    pub(super) fn wait(&mut self, text: &str) {
        self.settle();
        self.heading = None;
        let text = vis::line(text);
        if let Some(Line::Wait(before)) = self.lines.last_mut() {
            before.push_str(", then ");
            before.push_str(text.strip_prefix("waits ").unwrap_or(&text));
        } else {
            self.lines.push(Line::Wait(text.into_owned()));
        }
    }

    /// Adds a wait before what follows, if anything does.
    pub(super) fn wait_before_more(&mut self, text: String) {
        self.pending = Some(text);
    }

    /// Begins a section with this title; returns the number of its first line.
    pub(super) fn section(&mut self, title: &str) -> usize {
        self.pending = None;
        self.remark(title);
        self.lines.len()
    }

    /// Ends a section, whose title is not shown if it has no line.
    pub(super) fn end_section(&mut self, began: usize) {
        if self.lines.len() == began {
            self.lines.pop();
        }
        self.heading = None;
    }

    /// Whether a line behind `#` shows this command already, from the line with this number on.
    pub(super) fn shows(&self, command: &Command, from: usize) -> bool {
        let line = command.to_string();
        let mut lines = self.lines.iter().skip(from);
        lines.any(|shown| matches!(shown, Line::Behind(behind) if *behind == line))
    }

    /// The number of lines.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    fn settle(&mut self) {
        if let Some(text) = self.pending.take() {
            self.wait(&text);
        }
    }

    /// The text; `colour`: comments are dim.
    pub(super) fn render(self, colour: bool) -> String {
        let dim = Style::new().dim().force_styling(colour);
        let mut text = String::new();
        let mut lines = self.lines.iter().peekable();
        while let Some(line) = lines.next() {
            // What the wait is before: a command, perhaps under a condition.
            let then = match lines.peek() {
                Some(Line::Behind(_)) => "; then:".to_owned(),
                Some(Line::Heading(condition)) => format!("; then, {condition}:"),
                _ => String::new(),
            };
            if matches!(line, Line::Wait(_)) {
                lines.next_if(|next| matches!(next, Line::Heading(_)));
            }
            let comment = match line {
                Line::Free(command) => {
                    text.push_str(command);
                    text.push('\n');
                    continue;
                }
                Line::Behind(command) => format!("#   {command}"),
                Line::Remark(sentence) => format!("# {sentence}"),
                Line::Heading(condition) => format!("# {condition}:"),
                Line::Wait(wait) => format!("# {wait}{then}"),
                Line::Content(content) => format!("#   | {content}"),
            };
            text.push_str(&dim.apply_to(comment).to_string());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Page;
    use crate::command::{Command, args};

    fn page() -> Page {
        let mut page = Page::default();
        let command = |word| Command::root("kill", args![word]);
        page.command(&command("a\n#"), true, None);
        page.wait("waits until a, up to 1 s");
        page.wait("waits until b, up to 2 s");
        page.command(&command("b"), false, Some("if c"));
        page.command(&command("c"), false, None);
        page.command(&command("d"), true, None);
        page
    }

    #[test]
    fn a_condition_ends_where_a_command_has_none() {
        assert_eq!(
            page().render(false),
            "kill $'a\\n#'\n\
             # waits until a, up to 1 s, then until b, up to 2 s; then, if c:\n\
             #   kill b\n\
             # then:\n\
             #   kill c\n\
             kill d\n"
        );
    }

    #[test]
    fn on_a_terminal_comments_are_dim_and_commands_are_not() {
        let text = page().render(true);
        let is_dim = |line: &str| line.starts_with("\u{1b}[2m#") && line.ends_with("\u{1b}[0m");
        let is_plain = |line: &str| !line.contains('\u{1b}');
        assert!(
            text.lines().all(|line| is_dim(line) != is_plain(line)
                && (is_dim(line) || line.starts_with("kill ")))
        );
    }
}
