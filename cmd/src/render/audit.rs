//! What a check of the logs has found: the verdict first, then what is wrong and where.

use aura::api::{AuditLine, AuditReport, ChainResult};

use super::layout::count;

pub fn audit(report: &AuditReport) -> String {
    let results: Vec<(&AuditLine, &ChainResult)> =
        report.chains.iter().filter_map(|line| Some((line, line.result.as_ref()?))).collect();
    let entries: u64 = report.chains.iter().map(|line| line.entries).sum();
    let wrong: Vec<_> = results.iter().filter(|(_, result)| !result.ok).collect();
    let logs = count(results.len() as u64, "log", "logs");
    let mut text = match wrong.len() {
        0 => format!("{logs} with {} hold", count(entries, "entry", "entries")),
        broken => format!("{broken} of {logs} do not hold"),
    };
    let compared = results.iter().map(|(_, result)| result.checkpoints).max().unwrap_or_default();
    text += &match compared {
        0 => "; there was no checkpoint to compare with, so a tail that was cut off would not show".to_owned(),
        number => format!("; compared with {}", count(number, "checkpoint", "checkpoints")),
    };
    let messages = results.iter().filter_map(|(_, result)| result.messages);
    let (accepted, lost) = messages.fold((0, 0), |sum, it| (sum.0 + it.accepted, sum.1 + it.lost));
    if accepted > 0 {
        let accounted = count(accepted - lost.min(accepted), "accepted message is", "accepted messages are");
        text += &format!("\n{accounted} accounted for");
        if lost > 0 {
            text += &format!(", {} not", count(lost, "is", "are"));
        }
    }
    for (line, result) in wrong {
        text += &format!("\n\n{}  {}", line.chain, result.file);
        for fault in &result.faults {
            text += &format!("\n  {}", fault.what);
        }
        if result.seq > 0 {
            text += &format!("\n  entries up to {} hold", result.seq);
        }
    }
    text
}
