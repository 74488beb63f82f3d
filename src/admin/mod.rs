//! The commands of easy-bhyve itself.

pub mod list;
pub mod setup;
pub mod status;

/// Lays out rows as columns, two blanks apart; the last column is not padded.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let start = text.len();
        for (cell, &width) in cells.zip(&widths) {
            if text.len() > start {
                text.push_str("  ");
            }
            text.push_str(cell);
            text.extend(std::iter::repeat_n(
                ' ',
                width.saturating_sub(cell.chars().count()),
            ));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    };
    line(&mut head.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["1".into(), "fbsd0".into()],
            vec!["12".into(), "x".into()],
        ];
        assert_eq!(
            table(&["ID", "NAME"], &rows),
            "ID  NAME\n1   fbsd0\n12  x\n"
        );
    }
}
