//! What can be seen of a data directory from outside, without opening anything in it: also of one that does not open.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

use super::{Check, Finding, encryption};

/// Permission bits of group and world.
const OTHERS: u32 = 0o077;
/// Those of them that let others put a file in another's place.
const OTHERS_WRITE: u32 = 0o022;
/// How deep a data directory goes: `tenants/ID/media/FILE`.
const DEPTH_MAX: usize = 3;

/// Whether a process works on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InUse {
    /// We do.
    Yes,
    /// Nobody whom we know of.
    No,
}

/// One of the checks that need nothing but the directory. Blocking.
#[must_use]
pub fn examine(path: &Path, check: Check, in_use: InUse, fix: bool) -> Vec<Finding> {
    match check {
        Check::DataDirectory => directory(path, in_use, fix),
        Check::Permissions => permissions(path, fix),
        Check::Encryption => vec![match path.exists() {
            true => encryption::examine(path),
            false => Finding::skipped(check, "there is no data directory"),
        }],
        _ => Vec::new(),
    }
}

fn directory(path: &Path, in_use: InUse, fix: bool) -> Vec<Finding> {
    let (check, shown) = (Check::DataDirectory, path.display());
    let Ok(entries) = fs::read_dir(path) else {
        // What is wrong with it says whoever wanted to open it.
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(crate::store::BEFORE_PREFIX) {
            let at = entry.path();
            let what =
                format!("{} holds the data from before a restore, with everything that was erased since", at.display());
            found.push(Finding::warning(check, what, format!("rm -r {}", at.display())));
        }
    }
    let socket = path.join("aura.sock");
    let is_socket = fs::symlink_metadata(&socket).is_ok_and(|found| found.file_type().is_socket());
    if in_use == InUse::No && is_socket && UnixStream::connect(&socket).is_err() {
        let stale = Finding::warning(
            check,
            "a socket is left of a daemon that was killed",
            "`aura doctor --fix` removes it; so does the next start.",
        );
        found.push(match fix.then(|| fs::remove_file(&socket)) {
            Some(Ok(())) => stale.mended("removed the socket"),
            _ => stale,
        });
    }
    let tenants = path.join("tenants");
    if !tenants.is_dir() {
        let missing = Finding::failed(
            check,
            "the folder of tenants is missing",
            "`aura doctor --fix` makes it; data that was in it comes from a backup.",
        );
        found.push(match fix.then(|| fs::DirBuilder::new().create(&tenants)) {
            Some(Ok(())) => missing.mended("made the folder of tenants, empty"),
            _ => missing,
        });
    }
    if found.is_empty() && in_use == InUse::Yes {
        found.push(Finding::ok(check, format!("{shown}")));
    }
    found
}

fn permissions(path: &Path, fix: bool) -> Vec<Finding> {
    let check = Check::Permissions;
    if !path.exists() {
        return vec![Finding::skipped(check, "there is no data directory")];
    }
    let mut open = Vec::new();
    if let Err(error) = look(path, &mut open) {
        return vec![Finding::failed(
            check,
            format!("it cannot be read: {error}"),
            "Run the command as the user that Aura runs as.",
        )];
    }
    let ours = geteuid().as_raw();
    let foreign = open.iter().find(|file| file.owner != ours).map(|file| file.path.clone());
    if let Some(foreign) = foreign {
        let hint = format!("sudo chown -R --reference={} {}", path.display(), foreign.display());
        return vec![Finding::failed(check, format!("{} belongs to another user", foreign.display()), hint)];
    }
    let Some(first) = open.first() else {
        return vec![Finding::ok(check, "for its owner alone")];
    };
    let what = match open.len() {
        1 => format!("{} can be read by other users (mode {:03o})", first.path.display(), first.mode),
        many => format!(
            "{many} files and folders can be read by other users, such as {} (mode {:03o})",
            first.path.display(),
            first.mode
        ),
    };
    let finding = Finding::failed(check, what, format!("`aura doctor --fix`, or `chmod -R go= {}`", path.display()));
    if !fix {
        return vec![finding];
    }
    let close = |file: &Open| fs::set_permissions(&file.path, fs::Permissions::from_mode(file.mode & !OTHERS));
    vec![match open.iter().try_for_each(close) {
        Ok(()) => finding.mended(format!("closed {} of them to other users", open.len())),
        Err(error) => Finding { what: format!("{}; closing it failed: {error}", finding.what), ..finding },
    }]
}

/// Something that is not its owner's alone.
struct Open {
    path: PathBuf,
    mode: u32,
    owner: u32,
}

/// Looks at the directory and what is Aura's in it. Where somebody keeps other things too they may be read, as long as nobody
/// can put a file in another's place.
fn look(path: &Path, found: &mut Vec<Open>) -> io::Result<()> {
    let (mut is_shared, mut ours) = (false, Vec::new());
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        match is_aura_s(&entry.file_name().to_string_lossy()) {
            true => ours.push(entry.path()),
            false => is_shared = true,
        }
    }
    exposed(path, 0, found)?;
    found.retain(|folder| !is_shared || folder.mode & OTHERS_WRITE != 0 || folder.owner != geteuid().as_raw());
    ours.iter().try_for_each(|path| exposed(path, DEPTH_MAX, found))
}

/// Whether a name in a data directory is one of ours.
fn is_aura_s(name: &str) -> bool {
    const NAMES: [&str; 9] =
        ["control.db", "journal.db", "checkpoint", "tenants", "master.key", "aura.", "ballast", "backup.", "restore."];
    name.starts_with(crate::store::BEFORE_PREFIX) || NAMES.iter().any(|ours| name.starts_with(ours))
}

/// What is not for its owner alone. In a folder that is, nobody else reaches what is below, but files are looked at all the
/// same: they may be copied elsewhere as they are. Links are not followed.
fn exposed(path: &Path, depth: usize, found: &mut Vec<Open>) -> io::Result<()> {
    let known = match fs::symlink_metadata(path) {
        Ok(known) => known,
        // Logs and copies come and go.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if known.file_type().is_symlink() {
        return Ok(());
    }
    let mode = known.permissions().mode() & 0o777;
    if mode & OTHERS != 0 || known.uid() != geteuid().as_raw() {
        found.push(Open { path: path.to_owned(), mode, owner: known.uid() });
    }
    if known.is_dir() && depth > 0 {
        for entry in fs::read_dir(path)? {
            exposed(&entry?.path(), depth - 1, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::{super::Verdict, *};

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("aura");
        fs::create_dir_all(path.join("tenants")).expect("made");
        fs::write(path.join("control.db"), "x").expect("written");
        for (name, mode) in [("", 0o700), ("tenants", 0o700), ("control.db", 0o600)] {
            chmod(&path.join(name), mode);
        }
        (folder, path)
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
    }

    fn one(path: &Path, check: Check, fix: bool) -> Finding {
        let found = examine(path, check, InUse::No, fix);
        found.into_iter().next().unwrap_or_else(|| Finding::ok(check, "nothing"))
    }

    #[test]
    fn what_others_can_read_is_found_and_closed_when_asked() {
        let (_folder, path) = place();
        assert_eq!(one(&path, Check::Permissions, false).verdict, Verdict::Ok);
        chmod(&path.join("control.db"), 0o644);
        chmod(&path.join("tenants"), 0o755);
        let found = one(&path, Check::Permissions, false);
        assert!(found.verdict == Verdict::Failed && found.what.starts_with("2 files"), "{found:?}");
        assert_eq!(fs::metadata(path.join("control.db")).expect("there").permissions().mode() & 0o777, 0o644);
        let mended = one(&path, Check::Permissions, true);
        assert_eq!((mended.verdict, mended.mended.as_deref()), (Verdict::Ok, Some("closed 2 of them to other users")));
        assert_eq!(one(&path, Check::Permissions, false).verdict, Verdict::Ok);
    }

    #[test]
    fn other_things_in_a_shared_directory_are_nobodys_business() {
        let (_folder, path) = place();
        fs::write(path.join("notes.txt"), "mine").expect("written");
        chmod(&path.join("notes.txt"), 0o644);
        chmod(&path, 0o755);
        assert_eq!(one(&path, Check::Permissions, true).verdict, Verdict::Ok);
        assert_eq!(fs::metadata(path.join("notes.txt")).expect("there").permissions().mode() & 0o777, 0o644);
        chmod(&path, 0o775);
        assert_eq!(one(&path, Check::Permissions, false).verdict, Verdict::Failed, "anyone could swap a file");
    }

    #[test]
    fn a_dead_socket_is_removed_when_asked_and_a_living_one_never() {
        let (_folder, path) = place();
        let socket = path.join("aura.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        assert_eq!(one(&path, Check::DataDirectory, true).what, "nothing", "somebody listens");
        drop(listener);
        assert_eq!(one(&path, Check::DataDirectory, false).verdict, Verdict::Warning);
        assert!(socket.exists());
        assert!(one(&path, Check::DataDirectory, true).mended.is_some() && !socket.exists());
    }

    #[test]
    fn a_missing_folder_of_tenants_is_made_when_asked_and_old_data_is_named() {
        let (_folder, path) = place();
        fs::remove_dir(path.join("tenants")).expect("removed");
        assert_eq!(one(&path, Check::DataDirectory, false).verdict, Verdict::Failed);
        assert!(one(&path, Check::DataDirectory, true).mended.is_some() && path.join("tenants").is_dir());
        fs::create_dir(path.join(format!("{}7", crate::store::BEFORE_PREFIX))).expect("made");
        let found = one(&path, Check::DataDirectory, true);
        assert!(found.verdict == Verdict::Warning && found.hint.is_some_and(|hint| hint.starts_with("rm -r")));
    }
}
