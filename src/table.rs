//! Rows as columns, for a terminal.

use crate::vis;
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// Stands for the beginning of a shortened cell.
const CUT: &str = "...";

/// Lays out rows as columns, two blanks apart; the last column is not padded.
pub(crate) fn table<R, C>(head: &[&str], rows: impl Iterator<Item = R> + Clone) -> String
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
    rows: impl Iterator<Item = R> + Clone,
    column: usize,
    room: usize,
) -> String
where
    R: AsRef<[C]>,
    C: AsRef<str>,
{
    laid_out(head, rows, Some((column, room)))
}

/// Iterates over the rows twice instead of storing thousands of them.
fn laid_out<R, C>(
    head: &[&str],
    rows: impl Iterator<Item = R> + Clone,
    shortened: Option<(usize, usize)>,
) -> String
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
    let whole = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    if let Some((column, room)) = shortened
        && let Some(width) = widths.get_mut(column)
    {
        let over = whole.saturating_sub(room);
        let least = head.get(column).map_or(0, |head| columns(head)) + CUT.len();
        *width = (*width).min(width.saturating_sub(over).max(least));
    }
    let blanks = " ".repeat(widths.iter().copied().max().unwrap_or_default());
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let start = text.len();
        for (at, (cell, &width)) in cells.zip(&widths).enumerate() {
            let cell = vis::line(cell);
            let cell = if shortened.is_some_and(|(column, _)| column == at) {
                end_of(cell, width)
            } else {
                cell
            };
            if text.len() > start {
                text.push_str("  ");
            }
            text.push_str(&cell);
            let padding = width.saturating_sub(columns(&cell));
            text.push_str(blanks.get(..padding).unwrap_or_default());
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

/// The cell, or its end in this width.
fn end_of(cell: Cow<'_, str>, width: usize) -> Cow<'_, str> {
    if columns(&cell) <= width {
        return cell;
    }
    let mut rest = cell.chars();
    while columns(rest.as_str()) + CUT.len() > width && rest.next().is_some() {}
    format!("{CUT}{}", rest.as_str()).into()
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
