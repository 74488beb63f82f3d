//! The output of bhyve(8) on its standard error.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use super::super::process::Noise;

/// The length of a line, its newline included.
const LINE: usize = 80;

impl Noise {
    /// Writes the lines repeatedly, until the reader has closed the pipe.
    pub(super) fn make(self) {
        let text: Vec<u8> = (1..=self.bytes)
            .map(|at| {
                if at % LINE == 0 || at == self.bytes {
                    b'\n'
                } else {
                    b'x'
                }
            })
            .collect();
        while say(&text).is_ok()
            && let Some(every) = self.every_ms
        {
            std::thread::sleep(Duration::from_millis(every));
        }
    }
}

/// Writes the whole text: standard error may be non-blocking, and this waits for its reader.
fn say(mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match io::stderr().write(text) {
            Ok(written) => text = &text[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
