//! Every stable code that can leave Aura, explained: those of errors and those of problems that `aura status` names. A code
//! without a row here fails a test.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a code means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// The code.
    pub code: String,
    /// What it means.
    pub means: String,
    /// Why it happens.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

/// Code, what it means, why it happens, what to do.
type Row = (&'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    (
        "account_no_token",
        "An account has no token and cannot send.",
        "It was connected without one.",
        "`aura connect instagram -t SLUG --account-id ID --token-file -`.",
    ),
    (
        "account_refused",
        "Instagram refuses an account.",
        "Its token has expired or was revoked.",
        "Make a new token in Meta's dashboard and connect the account again.",
    ),
    (
        "address_in_use",
        "The daemon cannot listen on its address.",
        "Another process has the port, or the machine has no such address.",
        "Stop the other one, or choose `--listen 127.0.0.1:0`.",
    ),
    (
        "answer_unreadable",
        "The daemon's answer makes no sense to this command.",
        "The two are of different versions.",
        "Compare `aura version` and `aura status`, and restart the older one.",
    ),
    (
        "backup_old",
        "The newest backup is older than it should be.",
        "`backup.max_age_hours` has passed since it was kept, or none was ever made.",
        "`aura backup --to FILE`, best from a timer.",
    ),
    (
        "bench_failed",
        "A measurement could not be made.",
        "What it measures did not start or broke off.",
        "The causes say more; try it alone, on a machine at rest.",
    ),
    ("catalog_empty", "A shop has no products.", "Nothing was imported yet.", "`aura catalog import -t SLUG FILE`."),
    (
        "catalogue_unreadable",
        "A catalogue of a measurement cannot be read.",
        "The file is not what the measurement writes.",
        "Let the measurement make its own.",
    ),
    (
        "chain_broken",
        "A log did not hold at the last check.",
        "Entries were changed, or a tail is missing: a disk fault, a restored file, or a hand.",
        "`aura audit verify`; keep the directory as it is and compare it with a backup.",
    ),
    (
        "config_invalid",
        "A value of the configuration makes no sense.",
        "A flag, a variable or the file holds it; the message names which.",
        "Correct it; `aura config sources` shows where each value comes from.",
    ),
    (
        "config_syntax",
        "The configuration file is no TOML.",
        "A quote, bracket or equals sign is missing; the message names the line.",
        "Correct the line, then `aura config validate`.",
    ),
    (
        "config_unknown_key",
        "The configuration has a key that Aura does not know.",
        "It is misspelt, or of another version.",
        "Take the name that the hint proposes; `aura config show` lists all.",
    ),
    (
        "config_unreadable",
        "The configuration file cannot be read.",
        "It is not there, or belongs to another user.",
        "Check `--config` and the permissions of the file.",
    ),
    (
        "conflict",
        "Something is no longer as the command expects it.",
        "It exists already, or somebody was faster.",
        "Look at it again, then decide anew.",
    ),
    (
        "connection_broken",
        "The connection to the daemon broke off.",
        "The daemon ended, or was ended. The request may have been done or not.",
        "`aura status`; then look whether it was done before you repeat it.",
    ),
    (
        "conversations_labelled",
        "Conversations are labelled as no customer matter.",
        "Spam, collaborations, applications and the like are kept apart.",
        "`aura conversation list -t SLUG --state labelled`, when you have time.",
    ),
    (
        "conversations_parked",
        "Messages were left to people.",
        "The assistant could not, or may not, answer them.",
        "`aura conversation list -t SLUG --state parked`; answer or release each.",
    ),
    (
        "credentials_missing",
        "Nobody has said who asks.",
        "The request came without what tells who it is from.",
        "Use the socket in the data directory, as the commands do.",
    ),
    (
        "credentials_refused",
        "The other side refuses the credentials.",
        "A token, key or secret is wrong, expired or revoked.",
        "Set a new one: `aura secret set NAME`, or connect the account again.",
    ),
    (
        "cut_off",
        "A download broke off.",
        "The network or the other side ended it.",
        "Run the same again: it goes on where it ended.",
    ),
    (
        "daemon_unreachable",
        "No daemon answers.",
        "None runs on this data directory, or another user's does.",
        "Start it with `aura serve`, or name the right `--data-dir`.",
    ),
    (
        "data_dir",
        "The data directory cannot be used.",
        "It is missing, exposed, locked or of another user; the causes say which.",
        "Follow the hint of the cause.",
    ),
    ("data_dir_exposed", "Others may read the data directory.", "Its permissions are too wide.", "`chmod 700` it."),
    (
        "data_dir_foreign",
        "The data directory belongs to another user.",
        "It was made by another account, often by root.",
        "Run Aura as that user, or change the owner.",
    ),
    (
        "data_dir_invalid",
        "The data directory is no directory.",
        "Something else has that name.",
        "Name another one with `--data-dir`.",
    ),
    (
        "data_dir_locked",
        "Another process uses the data directory.",
        "A daemon or another command holds it.",
        "Talk to the daemon, or wait until the other command ends.",
    ),
    (
        "demo_failed",
        "The demo did not come to its end.",
        "A part of it did not start or did not answer.",
        "The causes say more; `aura demo -v` shows what it does.",
    ),
    (
        "disk_failed",
        "The disk did not take what was written.",
        "The medium, the file system or its connection is failing.",
        "Check the disk and the system's log; then start the daemon again.",
    ),
    (
        "disk_full",
        "There is no room for what has to be written.",
        "The disk, or a quota, is full. Webhooks are turned away, so nothing is lost.",
        "Free some space: Aura goes on by itself.",
    ),
    (
        "disk_low",
        "The disk has little room left.",
        "Aura keeps a reserve, and it is being reached.",
        "Free some space, or move the data directory to a larger disk.",
    ),
    (
        "drafts_waiting",
        "Drafts wait for approval.",
        "The shop's mode is `suggest`.",
        "`aura conversation list -t SLUG --state draft`, then approve, edit or reject.",
    ),
    (
        "failed",
        "Something failed that nobody could have known.",
        "The causes, and the log under the request's id, say more.",
        "Try again; if it stays, report it with both.",
    ),
    (
        "file_damaged",
        "A file is damaged.",
        "The disk, or a crash of the machine, has changed it. It is not touched again.",
        "Restore it from a backup, then start Aura again.",
    ),
    (
        "file_exists",
        "A file of that name exists.",
        "Nothing is written in the place of another file.",
        "Name another file.",
    ),
    (
        "file_failed",
        "A file could not be read or written.",
        "Permissions, the disk, or a name that is none; the cause says which.",
        "Correct that, and run the command again.",
    ),
    (
        "file_foreign",
        "A file belongs to another installation or tenant.",
        "It was copied or restored to the wrong place.",
        "Put the right file there.",
    ),
    (
        "file_newer",
        "A file was written by a newer Aura.",
        "This binary is older than the one that used it last.",
        "Use the newer binary.",
    ),
    (
        "file_not_found",
        "A file is not there.",
        "The name is misspelt, or relative to another folder.",
        "Check the path.",
    ),
    (
        "file_unreadable",
        "A shop's file cannot be read.",
        "The disk or the file has a fault; the problem names it.",
        "`aura audit verify -t SLUG`.",
    ),
    (
        "gone",
        "What was asked for was there, and is no more.",
        "The address of a shopper's picture expires within days at Instagram, or the shopper took it back.",
        "Look at pictures while they are fresh; what a model saw of it stays with the message.",
    ),
    (
        "group_unknown",
        "The group of the staff's socket does not exist.",
        "`staff_group` names a group that this machine does not know.",
        "Make it with `groupadd`, or name another one in the configuration.",
    ),
    (
        "handshake_failed",
        "The daemon of a measurement or the demo did not take its start.",
        "It ended early, or its address is taken.",
        "The causes say more.",
    ),
    (
        "held_by_another",
        "Another person of the shop has this conversation.",
        "The person took it over, or wrote in it last, and the shopper would hear from two.",
        "Ask the person; go on all the same with `--anyway`, which the audit log keeps.",
    ),
    (
        "invalid",
        "Part of the request makes no sense.",
        "A value is of the wrong kind or out of bounds; the message names it.",
        "Correct the value; `--help` says what the command takes.",
    ),
    (
        "journal_backlog",
        "Webhooks wait for longer than they should.",
        "Dispatch stands: a file cannot be written, or no daemon runs.",
        "`aura serve` if none runs; else look for `dispatch` in the log.",
    ),
    (
        "jq_failed",
        "The expression does not fit the result.",
        "It indexes what is not there, or adds what cannot be added.",
        "Look at the whole result with `--json`.",
    ),
    (
        "master_key_exposed",
        "Others may read the master key.",
        "The permissions of its file are too wide.",
        "`chmod 600` the file.",
    ),
    (
        "master_key_malformed",
        "The master key is none.",
        "Its file or credential holds something else.",
        "Put the right one back: `aura secret restore-master FILE`.",
    ),
    (
        "master_key_occupied",
        "There is a master key already, and it is another one.",
        "A key is restored only where none is.",
        "Make sure which one is right before you move the other away.",
    ),
    (
        "master_key_unavailable",
        "The master key cannot be had right now.",
        "The keyring is locked, or the credential is not passed on.",
        "Unlock the keyring, or start Aura as its service.",
    ),
    (
        "messages_lost",
        "Accepted messages would be answered by nobody.",
        "A promise was broken. This should never happen.",
        "`aura audit verify -t SLUG`, and report it.",
    ),
    (
        "messages_stuck",
        "Messages wait for the assistant for too long.",
        "Its turns fail or do not begin.",
        "`aura tail -t SLUG --since 1h` shows what happens.",
    ),
    (
        "method_not_allowed",
        "The path does not take this method.",
        "Client and daemon are of different versions, or the request was made by hand.",
        "Compare `aura version` and `aura status`.",
    ),
    (
        "mode_off",
        "The assistant is off for a shop.",
        "Somebody set the mode so.",
        "`aura tenant edit SLUG --mode live` when it should answer.",
    ),
    (
        "model_budget_used",
        "A budget for models is used up.",
        "The day's or month's limit is reached; the built-in assistant answers.",
        "`aura usage -t SLUG`; raise it with `aura model budget`.",
    ),
    (
        "model_failing",
        "A model fails and is left alone for a while.",
        "Its provider is down, limits us, or refuses.",
        "`aura model test MODEL -t SLUG`.",
    ),
    (
        "model_no_key",
        "A model is passed over because it has no key.",
        "No key of its provider is stored.",
        "`aura secret set PROVIDER.api_key`.",
    ),
    (
        "model_silent",
        "A model gave no answer at all.",
        "The provider refuses, is down, or does not know the model.",
        "The reason stands beside it; choose another with `aura model use`.",
    ),
    (
        "no_account",
        "A shop has no account.",
        "Nothing was connected yet.",
        "`aura connect instagram -t SLUG --account-id ID --token-file -`.",
    ),
    (
        "no_data_dir",
        "There is no data directory.",
        "None was made yet, or another one is meant.",
        "`aura init` makes one; `--data-dir` names another.",
    ),
    (
        "no_installation",
        "There is no Aura here.",
        "No daemon runs, and there is no data directory.",
        "`aura serve`, `aura demo`, or name another directory with `--data-dir`.",
    ),
    (
        "no_master_key",
        "The master key is missing.",
        "Its file or credential was lost, or the directory came without it.",
        "`aura secret restore-master FILE` puts a copy back.",
    ),
    (
        "no_next_credential",
        "There is no new credential to change to.",
        "A key that is a systemd credential is brought by the operator.",
        "Add `aura-master-key-next`, restart, and run it again.",
    ),
    (
        "no_random",
        "The system gives no random bytes.",
        "It has just started, or is severely restricted.",
        "Try again; check the system.",
    ),
    (
        "no_such_route",
        "There is nothing at this path.",
        "Client and daemon are of different versions.",
        "Compare `aura version` and `aura status`.",
    ),
    (
        "not_found",
        "There is no such thing.",
        "The name is misspelt, or it was removed.",
        "List what there is; the hint names the command.",
    ),
    (
        "not_identity",
        "That is no key of age.",
        "The file holds something else.",
        "Give the file with the line that begins with AGE-SECRET-KEY-.",
    ),
    (
        "not_recipient",
        "That is no recipient of age.",
        "It does not begin with age1, or a letter is wrong.",
        "Copy the public key again.",
    ),
    (
        "not_staff",
        "Nobody knows who asks at the staff's door.",
        "The key or the user was never let in, or was removed.",
        "The operator lets you in: `aura staff add NAME --user LOGIN`, or gives a new key: `aura staff edit NAME --key`.",
    ),
    (
        "notification_given_up",
        "A notification was given up: nobody was told.",
        "Its target refused it, or could not be reached, eight times.",
        "`aura notify test -t SLUG NAME`.",
    ),
    (
        "notify_test_failed",
        "A test did not arrive.",
        "The target refuses it or cannot be reached.",
        "The reason stands beside it; correct the settings.",
    ),
    (
        "other_master_key",
        "The copy holds another master key.",
        "It is of another installation, or older than the last change of key.",
        "Find the copy that was written last.",
    ),
    (
        "other_user",
        "The daemon or directory belongs to another user.",
        "Commands work for the user whose daemon it is.",
        "Run the command as that user.",
    ),
    ("paused", "A shop is paused: the assistant says nothing.", "Somebody paused it.", "`aura tenant resume SLUG`."),
    (
        "people_waiting",
        "Shoppers wait for a person.",
        "They asked for one, or the assistant handed over.",
        "`aura conversation list -t SLUG --state waiting`.",
    ),
    ("problems_found", "A check found problems.", "The result says which.", "Follow what stands beside each."),
    ("prompt_failed", "The prompt could not be read.", "The terminal went away.", "Give the text by a flag or stdin."),
    (
        "rate_limited",
        "Too many requests come from one address.",
        "The limit of the public listener is reached.",
        "Wait as long as `retry-after` says.",
    ),
    (
        "recovery_copy_needs",
        "The copy opens with something else.",
        "It was made for recipients, or with a passphrase.",
        "Give `--identity FILE`, or type the passphrase.",
    ),
    (
        "recovery_copy_refused",
        "The copy does not open with that.",
        "The passphrase or key is another one.",
        "Try the right one.",
    ),
    (
        "recovery_copy_unreadable",
        "The copy is no recovery copy.",
        "The file is another one, or was damaged.",
        "Take another copy.",
    ),
    (
        "replies_held",
        "Replies are held for a person.",
        "Their outcome cannot be known, or a rule holds them.",
        "`aura tail -t SLUG --kind reply.held --no-follow`.",
    ),
    (
        "replies_refused",
        "Instagram refused replies.",
        "The window, the account or the text did not allow them.",
        "`aura tail -t SLUG --kind reply.failed --since 24h --no-follow`.",
    ),
    (
        "request_failed",
        "The request could not be made.",
        "A name or value cannot be put into words.",
        "Correct it; report it if it looks right.",
    ),
    (
        "role_too_low",
        "Who asks may not do that.",
        "Each route names the least role; yours is below it, or it is about all tenants.",
        "Ask whoever runs this Aura: `aura staff edit NAME --role agent`.",
    ),
    (
        "secret_broken",
        "A secret cannot be opened.",
        "It was sealed under another key, or changed on disk.",
        "Set it again: `aura secret set NAME`.",
    ),
    (
        "shopper_never_wrote",
        "The shopper has never written.",
        "Instagram lets a shop answer, not begin.",
        "Wait until they write.",
    ),
    ("simulator_failed", "The simulated Instagram failed.", "Its port is taken, or it ended.", "The causes say more."),
    (
        "socket_failed",
        "The socket of the commands cannot be made.",
        "The path is too long, or the directory does not take it.",
        "Name a shorter `--data-dir`.",
    ),
    ("stopped", "The daemon is ending.", "It was asked to stop while the request came.", "Try again when it runs."),
    (
        "store_busy",
        "Another process holds a file.",
        "A backup tool or another program has it locked.",
        "Try again; end what holds it.",
    ),
    (
        "store_failed",
        "The store failed.",
        "The causes name what SQLite says.",
        "Try again; if it stays, `aura audit verify`.",
    ),
    (
        "store_unreadable",
        "A stored value makes no sense.",
        "It was written by another version, or changed by hand.",
        "`aura audit verify`; restore from a backup.",
    ),
    (
        "task_ended",
        "A part of the daemon ended.",
        "It failed in a way that nothing foresaw.",
        "The log says which; start the daemon again and report it.",
    ),
    (
        "temporary",
        "It may work later, unchanged.",
        "The other side did not answer, or made no sense.",
        "Try again in a while.",
    ),
    (
        "tenants_left_out",
        "A backup is not of every shop.",
        "Files of some shops could not be read while it was made; the message names the shops.",
        "Keep it, mend these files (`aura audit verify -t SLUG`), and make another.",
    ),
    ("too_large", "The request is too large.", "A file or text has more bytes than are taken.", "Give less."),
    (
        "unfit",
        "What was found is not fit to be handed on.",
        "A picture is too large, broken, or of a kind that is not opened here.",
        "Look at it in Instagram itself.",
    ),
    (
        "usage",
        "The command makes no sense as it stands.",
        "A flag, a value or a name is wrong or missing.",
        "The hint says what was meant; `--help` has examples.",
    ),
    ("weak_passphrase", "The passphrase is too weak.", "It is short, or easily guessed.", "Take several words."),
    (
        "webhook_refused",
        "The webhook path refused what was sent.",
        "The signature, the size or the daemon's state did not allow it.",
        "`aura status`; the log says more.",
    ),
    (
        "webhooks_missing",
        "Messages came that no webhook had brought.",
        "Meta's subscription is incomplete, or the address is wrong.",
        "Check the subscription in Meta's dashboard, and `public_url`.",
    ),
    (
        "window_closed",
        "The window for answering is closed.",
        "Instagram lets a shop write 24 hours after the shopper, people seven days.",
        "It opens again when the shopper writes.",
    ),
];

/// Every code, in the order of the alphabet.
#[must_use]
pub fn explained() -> Vec<Explained> {
    let row = |&(code, means, why, remedy): &Row| Explained {
        code: code.into(),
        means: means.into(),
        why: why.into(),
        remedy: remedy.into(),
    };
    ROWS.iter().map(row).collect()
}

#[cfg(test)]
mod tests;
