//! Codes and what they mean.

use aura::api::Explained;

use super::layout::{Grid, Look};

pub fn codes(rows: &[Explained], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["CODE", "MEANS"]).whole(&[0]);
    for row in rows {
        grid.row([&row.code, &row.means]);
    }
    grid.finish()
}

pub fn code(row: &Explained, look: Look) -> String {
    look.pairs(&[
        ("code", row.code.clone()),
        ("means", row.means.clone()),
        ("why", row.why.clone()),
        ("what to do", row.remedy.clone()),
    ])
}
