//! What grub shows: curses holds it back until the screen is refreshed (term/emu/console.c).

/// How many columns there are where nobody says.
const COLUMNS: usize = 80;
/// What clears the screen of a vt100.
pub(super) const CLEAR: &str = "\x1b[H\x1b[J";

/// The screen.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// What is not shown yet.
    held: String,
    /// What was shown since the last look.
    shown: String,
    /// How many errors there were since somebody has counted.
    pub(super) errors: usize,
}

impl Screen {
    /// As grub finds it: its modules are never where it looks for one.
    pub(super) fn new(directory: &str) -> Self {
        let mut screen = Self {
            held: format!("{CLEAR}Welcome to GRUB!\n\n"),
            shown: String::new(),
            errors: 0,
        };
        screen.error(&format!(
            "can't open `{directory}/x86_64-emu/normal.mod': No such file or directory"
        ));
        screen
    }

    /// Holds a text.
    pub(super) fn write(&mut self, text: &str) {
        // It shows no letters beyond ASCII.
        let text = text
            .chars()
            .map(|letter| if letter.is_ascii() { letter } else { '?' });
        self.held.push_str(&wrapped(&text.collect::<String>()));
    }

    /// Holds an error.
    pub(super) fn error(&mut self, text: &str) {
        self.errors += 1;
        self.write(&format!("error: {text}.\n"));
    }

    /// Shows what is held.
    pub(super) fn refresh(&mut self) {
        self.shown.push_str(&std::mem::take(&mut self.held));
    }

    /// Forgets what is held and what was on the screen.
    pub(super) fn clear(&mut self) {
        self.held = CLEAR.into();
    }

    /// Shows a text.
    pub(super) fn say(&mut self, text: &str) {
        self.write(text);
        self.refresh();
    }

    /// What was shown since the last time.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.shown)
    }
}

/// Breaks lines at blanks as grub does (normal/term.c).
fn wrapped(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let mut column = 0;
        for word in line.split_inclusive(' ') {
            if column > 0 && column + word.trim_end().len() > COLUMNS - 1 {
                while out.ends_with(' ') {
                    out.pop();
                }
                out.push('\n');
                column = 0;
            }
            out.push_str(word);
            column += word.len();
        }
    }
    out
}
