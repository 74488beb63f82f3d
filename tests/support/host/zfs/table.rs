//! Lines of cells as `zfs list` and `zfs get` print them.

/// One column.
pub(super) struct Column {
    /// Its heading.
    pub(super) heading: String,
    /// Its width; by default that of its widest cell.
    pub(super) width: Option<usize>,
    /// Whether its cells are aligned to the right.
    pub(super) right: bool,
}

/// Prints rows: with headings and aligned, or as `-H` with tabulators alone.
pub(super) fn print(columns: &[Column], rows: &[Vec<String>], script: bool) -> String {
    if script {
        return rows.iter().map(|row| row.join("\t") + "\n").collect();
    }
    if rows.is_empty() {
        return String::new();
    }
    let headings: Vec<String> = columns
        .iter()
        .map(|column| column.heading.clone())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let cells = || rows.iter().map(|row| row[at].len()).max().unwrap_or(0);
            column.width.unwrap_or_else(cells).max(column.heading.len())
        })
        .collect();
    let mut out = String::new();
    for row in std::iter::once(&headings).chain(rows) {
        for (at, cell) in row.iter().enumerate() {
            let width = widths[at];
            if at > 0 {
                out.push_str("  ");
            }
            match (columns[at].right, at + 1 == row.len()) {
                (true, _) => out.push_str(&format!("{cell:>width$}")),
                (false, true) => out.push_str(cell),
                (false, false) => out.push_str(&format!("{cell:<width$}")),
            }
        }
        out.push('\n');
    }
    out
}
