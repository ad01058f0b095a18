//! Parts of a whole as people read them.

/// `12 %` of a whole; `<1 %` of what is hardly there; a dash where there is no whole.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    match u128::from(part) * 100 {
        _ if whole == 0 => "-".into(),
        0 => "0 %".into(),
        hundredfold if hundredfold < u128::from(whole) => "<1 %".into(),
        hundredfold => format!("{} %", hundredfold / u128::from(whole)),
    }
}

/// An amount and the limit to it, both decimal strings, in hundredths of the limit; `None`: there is no limit.
#[must_use]
pub fn used_of(amount: &str, limit: Option<&str>) -> Option<u64> {
    let (amount, limit): (f64, f64) = (amount.parse().ok()?, limit?.parse().ok()?);
    // A limit of nothing is used up.
    let hundredths = if limit > 0.0 { (amount / limit * 100.0).clamp(0.0, 999_999.0) } else { 100.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 999,999; shown only")]
    Some(hundredths as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_at_a_glance() {
        let shown =
            [(0, 0), (0, 7), (1, 700), (1, 7), (7, 7), (u64::MAX, u64::MAX)].map(|(part, whole)| share(part, whole));
        assert_eq!(shown, ["-", "0 %", "<1 %", "14 %", "100 %", "100 %"]);
    }

    #[test]
    fn what_is_spent_is_told_by_its_limit_where_there_is_one() {
        assert_eq!(used_of("0.5", Some("2")), Some(25));
        assert_eq!(used_of("3", Some("2")), Some(150));
        assert_eq!(used_of("0", Some("0")), Some(100), "nothing may be spent");
        assert_eq!(used_of("3", None), None);
        assert_eq!(used_of("", Some("2")), None);
    }
}
