//! Rows as columns, for a terminal.

use crate::vis;
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The blanks between two columns.
const APART: usize = 2;

/// Stands for the beginning of a shortened cell.
const CUT: &str = "...";

/// A row of a table, whose cells exist while they are looked at.
pub(crate) trait Row {
    /// Calls `each` with every cell, in the order of the columns.
    fn cells(&self, each: impl FnMut(&str));
}

impl<R: Row> Row for &R {
    fn cells(&self, each: impl FnMut(&str)) {
        (**self).cells(each);
    }
}

impl<C: AsRef<str>, const COLUMNS: usize> Row for [C; COLUMNS] {
    fn cells(&self, each: impl FnMut(&str)) {
        self.iter().map(AsRef::as_ref).for_each(each);
    }
}

impl<C: AsRef<str>> Row for Vec<C> {
    fn cells(&self, each: impl FnMut(&str)) {
        self.iter().map(AsRef::as_ref).for_each(each);
    }
}

/// Lays out rows as columns, two blanks apart; the last column is not padded. The cells are made twice,
/// which takes less time than keeping them.
pub(crate) fn table<R: Row>(head: &[&str], rows: impl Iterator<Item = R> + Clone) -> String {
    laid_out(head, rows, None)
}

/// As [`table`]; if the lines are longer than `room` columns, the cells of one column are shortened at
/// their beginning, but not below the width of its heading.
pub(crate) fn table_shortening<R: Row>(
    head: &[&str],
    rows: impl Iterator<Item = R> + Clone,
    column: usize,
    room: usize,
) -> String {
    laid_out(head, rows, Some((column, room)))
}

fn laid_out<R: Row>(
    head: &[&str],
    rows: impl Iterator<Item = R> + Clone,
    shortened: Option<(usize, usize)>,
) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| columns(cell)).collect();
    let (mut lines, mut is_plain) = (1, head.iter().all(|cell| vis::is_printable(cell)));
    for row in rows.clone() {
        let mut widths = widths.iter_mut();
        row.cells(|cell| {
            is_plain = is_plain && vis::is_printable(cell);
            let taken = if is_plain { cell.len() } else { columns(cell) };
            if let Some(width) = widths.next() {
                *width = (*width).max(taken);
            }
        });
        lines += 1;
    }
    let whole =
        |widths: &[usize]| widths.iter().sum::<usize>() + APART * widths.len().saturating_sub(1);
    let needed = whole(&widths);
    if let Some((column, room)) = shortened
        && let Some(width) = widths.get_mut(column)
    {
        let over = needed.saturating_sub(room);
        let least = head.get(column).map_or(0, |head| head.width()) + CUT.len();
        *width = (*width).min(width.saturating_sub(over).max(least));
    }
    let widest = widths.iter().copied().max().unwrap_or_default();
    let mut lines = Lines {
        text: String::with_capacity(lines * (whole(&widths) + APART)),
        blanks: " ".repeat(widest + APART),
        is_plain,
        widths,
    };
    lines.push(&head.to_vec());
    for row in rows {
        lines.push(&row);
    }
    lines.text
}

/// The lines of a table.
struct Lines {
    text: String,
    widths: Vec<usize>,
    /// As many blanks as a cell can need behind it.
    blanks: String,
    /// Whether all cells are ASCII without control characters: a fast path, because thousands of
    /// names and sizes are.
    is_plain: bool,
}

impl Lines {
    fn push(&mut self, row: &impl Row) {
        let Self { text, widths, .. } = self;
        let mut widths = widths.iter();
        row.cells(|cell| {
            let Some(&width) = widths.next() else {
                return;
            };
            let (cell, taken) = if self.is_plain {
                (Cow::Borrowed(cell), cell.len())
            } else {
                let cell = vis::line(cell);
                let taken = cell.width();
                (cell, taken)
            };
            let padding = if taken > width {
                let cut = end_of(&cell, width);
                text.push_str(&cut);
                width.saturating_sub(cut.width())
            } else {
                text.push_str(&cell);
                width - taken
            };
            let blanks = self.blanks.get(..padding + APART);
            text.push_str(blanks.unwrap_or_default());
        });
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
}

/// How many columns of a terminal a cell takes.
fn columns(cell: &str) -> usize {
    vis::line(cell).width()
}

/// The end of a cell in this width, which is less than its own.
fn end_of(cell: &str, width: usize) -> String {
    let mut room = width.saturating_sub(CUT.len());
    let mut start = cell.len();
    for (at, character) in cell.char_indices().rev() {
        let Some(left) = room.checked_sub(character.width().unwrap_or_default()) else {
            break;
        };
        (room, start) = (left, at);
    }
    let mut rest = cell.get(start..).unwrap_or_default().chars();
    // A sequence of characters can be wider than its parts.
    while rest.as_str().width() + CUT.len() > width && rest.next().is_some() {}
    format!("{CUT}{}", rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::{table, table_shortening};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1", "fbsd0"], ["12", "x"]];
        assert_eq!(
            table(&["ID", "NAME"], rows.iter()),
            "ID  NAME\n1   fbsd0\n12  x\n"
        );
    }

    #[test]
    fn one_column_is_shortened_to_the_room() {
        let long = "/dev/zvol/zroot/日本/".to_owned() + &"x".repeat(60);
        let rows = [["short", "1", "ok"], [&long, "1", "ok"]];
        let text = table_shortening(&["DISK", "N", "STATE"], rows.iter(), 0, 80);
        let (blanks, cut) = (" ".repeat(66), "x".repeat(60));
        assert_eq!(
            text,
            format!(
                "DISK{blanks}  N  STATE\nshort{0}  1  ok\n...t/日本/{cut}  1  ok\n",
                &blanks[1..]
            )
        );
        // What fits is not shortened, and the other columns never are.
        assert_eq!(
            table_shortening(&["A", "B"], [["x", "y"]].iter(), 0, 80),
            table(&["A", "B"], [["x", "y"]].iter())
        );
        // In linear time: a path can have a thousand characters.
        let paths = vec![["/".repeat(100_000)]; 20];
        let lines = table_shortening(&["DISK"], paths.iter(), 0, 80);
        assert!(lines.lines().skip(1).all(|line| line.len() == 80));
        let wide = "w".repeat(90);
        assert_eq!(
            table_shortening(&["DISK", "B"], [["/dev/x/y/z", &wide]].iter(), 0, 80),
            format!("DISK     B\n.../y/z  {wide}\n")
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
