//! The progress of a wait: on a terminal one line, drawn again and again and erased at the end; elsewhere
//! at most one line of text at the beginning.
//!
//! The waits draw the line themselves, between two looks; no thread writes to the terminal.

use super::{Observer, Output};
use crate::host::{Host, terminal};
use crate::vis;
use console::Term;
use std::time::Duration;
use unicode_width::UnicodeWidthChar;

/// The time between two frames.
pub const FRAME: Duration = Duration::from_millis(125);

/// How the progress of a wait is displayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Display {
    /// By lines of text, because there is no terminal on which a line can be overwritten.
    #[default]
    Lines,
    /// On one line, in ASCII.
    Ascii,
    /// On one line, in UTF-8.
    Utf8,
}

impl Display {
    /// The displays on a terminal, with their words in a request.
    const ON_TERMINAL: [(Self, &'static str); 2] = [(Self::Ascii, "ascii"), (Self::Utf8, "utf-8")];

    /// The word in a request; none for lines of text.
    pub fn as_str(self) -> Option<&'static str> {
        let mut all = Self::ON_TERMINAL.iter();
        all.find(|(display, _)| *display == self)
            .map(|(_, word)| *word)
    }

    /// Parses the word of a request.
    pub fn parse(word: &str) -> Option<Self> {
        let mut all = Self::ON_TERMINAL.iter();
        all.find(|(_, known)| *known == word)
            .map(|(display, _)| *display)
    }

    fn frames(self) -> &'static [char] {
        match self {
            Self::Lines => &[],
            Self::Ascii => &['|', '/', '-', '\\'],
            Self::Utf8 => &['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
        }
    }
}

/// A line of progress, on a terminal.
#[derive(Debug, Default)]
pub struct Line {
    /// The number of frames drawn.
    drawn: usize,
}

impl Line {
    /// Draws the next frame: what is done, how far, and a hint that is left out if there is no room. A
    /// longer line is cut.
    pub fn draw(&mut self, what: &str, how_far: &str, hint: &str, output: &mut Output<'_>) {
        let frames = output.display.frames();
        let Some(frame) = self
            .drawn
            .checked_rem(frames.len())
            .and_then(|at| frames.get(at))
        else {
            return;
        };
        self.drawn += 1;
        // The terminal echoes "^C" behind the line: that must not begin another line.
        let room = terminal::columns(&Term::stderr())
            .unwrap_or(80)
            .saturating_sub(3);
        let (what, hint) = (vis::line(what), vis::line(hint));
        let mut line = format!("{frame} {what} {how_far}{hint}");
        if cut(&line, room).len() < line.len() {
            let room = room.saturating_sub(how_far.len() + 3);
            line = match cut(&what, room) {
                whole if whole.len() == what.len() => format!("{frame} {what} {how_far}"),
                _ => format!(
                    "{frame} {}... {how_far}",
                    cut(&what, room.saturating_sub(3))
                ),
            };
        }
        write(&format!("\r{}\x1b[K", cut(&line, room)), output);
    }

    /// Erases the line, if it was drawn.
    pub fn erase(&mut self, output: &mut Output<'_>) {
        if std::mem::take(&mut self.drawn) > 0 {
            write("\r\x1b[K", output);
        }
    }
}

/// Writes in one call; a lost frame is no reason to stop.
fn write(text: &str, output: &mut Output<'_>) {
    let written = output.err.write_all(text.as_bytes());
    let _ = written.and_then(|()| output.err.flush());
}

/// The beginning of a text that has room in so many columns.
fn cut(text: &str, room: usize) -> &str {
    let mut used = 0;
    let beyond = text.char_indices().find(|(_, letter)| {
        used += letter.width().unwrap_or(0);
        used > room
    });
    beyond.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The time waited against the limit: `12/120 s`.
pub fn seconds(waited: Duration, limit: Option<Duration>) -> String {
    let waited = waited.as_secs();
    limit.map_or_else(
        || format!("{waited} s"),
        |limit| format!("{waited}/{} s", limit.as_secs()),
    )
}

/// The bytes made of all bytes, and the rate: `1.5 of 20.0 GiB, 410.2 MiB/s`.
pub(super) fn bytes(made: u64, all: u64, time: Duration) -> String {
    let rate = u128::from(made) * 1000 / time.as_millis().max(1);
    let rate = u64::try_from(rate).unwrap_or(u64::MAX);
    let (unit, rated) = (unit_of(all), unit_of(rate));
    format!(
        "{} of {} {}, {} {}/s",
        tenths(made, unit.1),
        tenths(all, unit.1),
        unit.0,
        tenths(rate, rated.1),
        rated.0
    )
}

/// The largest unit that a number of bytes reaches, and its shift.
fn unit_of(bytes: u64) -> (&'static str, u32) {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20)];
    let unit = units.into_iter().find(|(_, shift)| bytes >> shift > 0);
    unit.unwrap_or(("KiB", 10))
}

fn tenths(bytes: u64, shift: u32) -> String {
    let tenths = (u128::from(bytes) * 10) >> shift;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// A wait whose progress is displayed.
#[derive(Debug)]
pub struct Progress<'wait> {
    what: &'wait str,
    limit: Duration,
    line: Line,
    /// Whether another process displays the progress.
    is_reported: bool,
}

impl<'wait> Progress<'wait> {
    /// Reports a wait to the observer, if it has a caller that displays the progress.
    pub fn begin(
        what: &'wait str,
        limit: Duration,
        host: &mut dyn Host,
        observer: &mut dyn Observer,
    ) -> Self {
        Self {
            what,
            limit,
            line: Line::default(),
            is_reported: observer.waits(host, what, limit),
        }
    }

    /// Writes a line of text where no other display is possible.
    pub(super) fn announce(&self, text: &str, output: &mut Output<'_>) {
        if !self.is_reported && output.display == Display::Lines {
            // Ignore failure: a lost line is no reason to stop.
            let _ = writeln!(output.err, "{text}");
        }
    }

    /// Draws the next frame; `waited` is the time since the wait began.
    pub fn draw(&mut self, waited: Duration, output: &mut Output<'_>) {
        if !self.is_reported {
            let how_far = seconds(waited, Some(self.limit));
            self.line.draw(self.what, &how_far, "", output);
        }
    }

    /// Pauses between two looks, and draws frames meanwhile.
    pub(super) fn pause(
        &mut self,
        every: Duration,
        waited: Duration,
        host: &mut dyn Host,
        output: &mut Output<'_>,
    ) {
        let is_drawn = !self.is_reported && output.display != Display::Lines;
        let most = every.as_millis().div_ceil(FRAME.as_millis());
        let frames = u32::try_from(most).unwrap_or(u32::MAX);
        let frames = if is_drawn { frames.max(1) } else { 1 };
        for _ in 0..frames {
            self.draw(waited, output);
            host.pause(every / frames);
        }
    }

    /// Ends the display.
    pub fn end(mut self, output: &mut Output<'_>) {
        self.line.erase(output);
    }
}

#[cfg(test)]
mod tests {
    use super::{Display, Line, bytes, cut, seconds};
    use crate::run::Output;
    use std::time::Duration;

    fn drawn(display: Display, frames: usize) -> String {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output {
            out: &mut out,
            err: &mut err,
            display,
        };
        let mut line = Line::default();
        for _ in 0..frames {
            line.draw("loading", "1/2 s", "; see", &mut output);
        }
        line.erase(&mut output);
        String::from_utf8(err).unwrap()
    }

    #[test]
    fn a_line_is_drawn_over_itself_and_erased() {
        let frame = |mark| format!("\r{mark} loading 1/2 s; see\x1b[K");
        let all: String = ['|', '/', '-', '\\', '|'].map(frame).concat();
        assert_eq!(drawn(Display::Ascii, 5), all + "\r\x1b[K");
        assert_eq!(drawn(Display::Utf8, 1), frame('⠋') + "\r\x1b[K");
        assert_eq!(drawn(Display::Ascii, 0), "");
        assert_eq!(drawn(Display::Lines, 3), "");
    }

    #[test]
    fn a_text_is_cut_at_columns() {
        for (text, room, rest) in [
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("日本", 3, "日"),
            ("abc", 0, ""),
        ] {
            assert_eq!(cut(text, room), rest);
        }
    }

    #[test]
    fn numbers_have_their_units() {
        assert_eq!(seconds(Duration::from_millis(2900), None), "2 s");
        let time = Duration::from_secs(2);
        assert_eq!(
            bytes(3 << 29, 20 << 30, time),
            "1.5 of 20.0 GiB, 768.0 MiB/s"
        );
        assert_eq!(bytes(0, 512, Duration::ZERO), "0.0 of 0.5 KiB, 0.0 KiB/s");
    }
}
