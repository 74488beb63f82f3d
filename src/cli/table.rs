//! Rows as columns, for a terminal.

use crate::vis;
use unicode_width::UnicodeWidthStr;

/// Lays out rows as columns, two blanks apart; the last column is not padded.
///
/// Iterates over the rows twice instead of storing thousands of them.
pub(super) fn table<R, C>(head: &[&str], rows: impl Iterator<Item = R> + Clone) -> String
where
    R: AsRef<[C]>,
    C: AsRef<str>,
{
    let mut widths: Vec<usize> = head.iter().map(|cell| columns(cell)).collect();
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = (*width).max(columns(&vis::line(cell.as_ref())));
        }
    }
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let start = text.len();
        for (cell, &width) in cells.zip(&widths) {
            let cell = vis::line(cell);
            if text.len() > start {
                text.push_str("  ");
            }
            text.push_str(&cell);
            text.extend(std::iter::repeat_n(
                ' ',
                width.saturating_sub(columns(&cell)),
            ));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    };
    line(&mut head.iter().copied());
    for row in rows {
        line(&mut row.as_ref().iter().map(AsRef::as_ref));
    }
    text
}

/// How many columns of a terminal a text takes.
fn columns(text: &str) -> usize {
    // A fast path: thousands of names and sizes are ASCII.
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1", "fbsd0"], ["12", "x"]];
        assert_eq!(
            table(&["ID", "NAME"], rows.iter()),
            "ID  NAME\n1   fbsd0\n12  x\n"
        );
    }

    #[test]
    fn a_cell_is_as_wide_as_a_terminal_shows_it() {
        let rows = [["日本", "2"], ["e\u{301}", "1"], ["abcd", "4"]];
        assert_eq!(
            table(&["DISK", "N"], rows.iter()),
            "DISK  N\n日本  2\ne\u{301}     1\nabcd  4\n"
        );
    }
}
