//! Rows as columns, for a terminal.

use crate::vis;
use unicode_width::UnicodeWidthStr;

/// Stands for the beginning of a shortened cell.
const CUT: &str = "...";

/// Lays out rows as columns, two blanks apart; the last column is not padded.
pub(crate) fn table<R, C>(head: &[&str], rows: impl Iterator<Item = R>) -> String
where
    R: AsRef<[C]>,
    C: AsRef<str>,
{
    laid_out(head, rows, None)
}

/// As [`table`]; if the lines are longer than `room` columns, the cells of one column are shortened at
/// their beginning, but not below the width of its heading.
pub(crate) fn table_shortening<R, C>(
    head: &[&str],
    rows: impl Iterator<Item = R>,
    column: usize,
    room: usize,
) -> String
where
    R: AsRef<[C]>,
    C: AsRef<str>,
{
    laid_out(head, rows, Some((column, room)))
}

/// The cells of a table as they are shown, in one text, and how many columns each takes.
#[derive(Default)]
struct Cells {
    text: String,
    /// The end of each cell in the text, and its width.
    cells: Vec<(usize, usize)>,
}

impl Cells {
    fn push(&mut self, cell: &str) -> usize {
        let cell = vis::line(cell);
        let width = columns(&cell);
        self.text.push_str(&cell);
        self.cells.push((self.text.len(), width));
        width
    }
}

fn laid_out<R, C>(
    head: &[&str],
    rows: impl Iterator<Item = R>,
    shortened: Option<(usize, usize)>,
) -> String
where
    R: AsRef<[C]>,
    C: AsRef<str>,
{
    let mut all = Cells::default();
    let mut widths: Vec<usize> = head.iter().map(|cell| all.push(cell)).collect();
    for row in rows {
        let mut cells = row.as_ref().iter();
        for width in &mut widths {
            let cell = cells.next().map_or("", AsRef::as_ref);
            *width = (*width).max(all.push(cell));
        }
    }
    let whole = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    if let Some((column, room)) = shortened
        && let Some(width) = widths.get_mut(column)
    {
        let over = whole.saturating_sub(room);
        let least = head.get(column).map_or(0, |head| columns(head)) + CUT.len();
        *width = (*width).min(width.saturating_sub(over).max(least));
    }
    let blanks = " ".repeat(widths.iter().copied().max().unwrap_or_default());
    let mut text = String::with_capacity(all.text.len() + all.cells.len() * 4);
    let mut begin = 0;
    for row in all.cells.chunks(widths.len().max(1)) {
        let start = text.len();
        for (&(end, taken), &width) in row.iter().zip(&widths) {
            let cell = all.text.get(begin..end).unwrap_or_default();
            begin = end;
            if text.len() > start {
                text.push_str("  ");
            }
            let padding = if taken > width {
                let cut = end_of(cell, width);
                text.push_str(&cut);
                width.saturating_sub(columns(&cut))
            } else {
                text.push_str(cell);
                width - taken
            };
            text.push_str(blanks.get(..padding).unwrap_or_default());
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The end of a cell in this width, which is less than its own.
fn end_of(cell: &str, width: usize) -> String {
    let mut rest = cell.chars();
    while columns(rest.as_str()) + CUT.len() > width && rest.next().is_some() {}
    format!("{CUT}{}", rest.as_str())
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
