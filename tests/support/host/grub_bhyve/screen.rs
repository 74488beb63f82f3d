//! The output of grub: curses holds it back until the screen is refreshed (term/emu/console.c).

/// The number of columns if the terminal reports none.
const COLUMNS: usize = 80;
/// The sequence that clears the screen of a vt100.
pub(super) const CLEAR: &str = "\x1b[H\x1b[J";

/// The screen.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// Output that is not shown yet.
    held: String,
    /// Output that was shown since the last look.
    shown: String,
    /// The number of errors since the last count.
    pub(super) errors: usize,
}

impl Screen {
    /// The screen at the start of grub: its modules never are in the directory that it searches.
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

    /// Holds back a text.
    pub(super) fn write(&mut self, text: &str) {
        // grub shows no letters beyond ASCII.
        let text = text
            .chars()
            .map(|letter| if letter.is_ascii() { letter } else { '?' });
        self.held.push_str(&wrapped(&text.collect::<String>()));
    }

    /// Holds back an error.
    pub(super) fn error(&mut self, text: &str) {
        self.errors += 1;
        self.write(&format!("error: {text}.\n"));
    }

    /// Shows the held text.
    pub(super) fn refresh(&mut self) {
        self.shown.push_str(&std::mem::take(&mut self.held));
    }

    /// Drops the held text and clears the screen.
    pub(super) fn clear(&mut self) {
        self.held = CLEAR.into();
    }

    /// Shows a text.
    pub(super) fn say(&mut self, text: &str) {
        self.write(text);
        self.refresh();
    }

    /// The text that was shown since the last call.
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
