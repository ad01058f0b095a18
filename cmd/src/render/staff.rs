//! People whom the operator lets in.

use aura::api::Staff;

use super::layout::{Grid, Look};

pub fn staff_list(rows: &[Staff], look: Look) -> String {
    let mut grid =
        Grid::new(look.width, &["NAME", "ROLE", "TENANTS", "KNOWN BY", "SINCE"]).whole(&[0, 1]).folds(&[4, 3]);
    for row in rows {
        let tenants = if row.tenants.is_empty() { "all".to_owned() } else { row.tenants.join(", ") };
        let uid = row.uid.map(|uid| format!("user {uid}"));
        let known: Vec<_> = uid.into_iter().chain(row.has_key.then(|| "a key".to_owned())).collect();
        grid.row([&row.name, &row.role, &tenants, &known.join(", "), &look.ago(row.created_at)]);
    }
    grid.finish()
}
