//! Help fits the terminal.

use crate::place::{PROGRAM, Place, Said};
use crate::seat::Seat;
use std::process::Command;

/// The help of a verb on a terminal of so many columns.
fn help(columns: u16, words: &[&str]) -> String {
    let place = Place::new();
    let program = place.call(PROGRAM);
    let mut sh = Command::new("/bin/sh");
    let script = format!("stty cols {columns} && exec \"$@\"");
    sh.args(["-c", &script, "sh"]);
    sh.arg(program.get_program()).args(words);
    sh.current_dir(place.path(""));
    sh.env("PATH", "/usr/bin:/bin");
    let left = Seat::start(&sh).end();
    assert!(left.status.success(), "{left:?}");
    left.written.replace("\r\n", "\n")
}

fn longest(text: &str) -> usize {
    text.lines().map(str::len).max().unwrap_or_default()
}

#[test]
fn help_is_as_wide_as_the_terminal_but_at_most_100_columns() {
    for words in [&["--help"][..], &["help", "set"], &["boot", "--help"]] {
        let output = Place::new().call(PROGRAM).args(words).output();
        let elsewhere = Said::of(&output.unwrap()).out;
        assert!((70..=80).contains(&longest(&elsewhere)), "{elsewhere}");
        assert_eq!(help(80, words), elsewhere);
        let narrow = help(60, words);
        assert!((50..=60).contains(&longest(&narrow)), "{narrow}");
        let wide = help(100, words);
        assert!((81..=100).contains(&longest(&wide)), "{wide}");
        assert_eq!(help(250, words), wide);
    }
}
