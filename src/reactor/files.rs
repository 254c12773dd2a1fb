//! Files that are replaced: whole and on the disk, or not at all. Knows nothing of what stands in them.
use log::warn;
use nix::errno::Errno;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// Puts into a file's place what `make` makes of its bytes, or of none where there is no file. The new file is written
/// and synced beside the old one and takes its name; then the directory is synced, so that the name stays. An error is
/// the system's sentence.
pub fn replace(path: &str, make: &mut dyn FnMut(&[u8]) -> Vec<u8>) -> Result<(), String> {
    try_replace(Path::new(path), make).map_err(|error| {
        warn!("'{path}' cannot be replaced: {error}");
        sentence(&error)
    })
}

/// The system's sentence for an error, as Redis tells it.
pub fn sentence(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| Errno::from_raw(code).desc().into())
}

fn try_replace(path: &Path, make: &mut dyn FnMut(&[u8]) -> Vec<u8>) -> io::Result<()> {
    // A link stays, and what it leads to is replaced.
    let (path, old) = match fs::canonicalize(path) {
        Ok(path) => (path.clone(), Some((fs::read(&path)?, fs::metadata(&path)?))),
        Err(error) if error.kind() == ErrorKind::NotFound => (path.to_path_buf(), None),
        Err(error) => return Err(error),
    };
    let new = make(old.as_ref().map_or(&[], |(bytes, _)| bytes));
    let beside = beside(&path);
    // One may be there from a process that was killed and had our number.
    let _ = fs::remove_file(&beside);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        if let Some((_, metadata)) = &old {
            // Another's file stays his, if the system lets us.
            let _ = fchown(&file, Some(metadata.uid()), Some(metadata.gid()));
            file.set_permissions(Permissions::from_mode(metadata.mode() & 0o7777))?;
        }
        file.write_all(&new)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that no other test has.
    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("spindle-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a directory");
        path
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_mode() {
        let directory = directory("replace");
        let (file, link) = (directory.join("a"), directory.join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let before = File::open(&file).unwrap();
        replace(link.to_str().unwrap(), &mut |old| [old, b" and new"].concat()).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"old and new");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
        assert_ne!(before.metadata().unwrap().ino(), fs::metadata(&file).unwrap().ino(), "the old file was written to");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(&directory), ["a", "link"]);
        let new = directory.join("new");
        replace(new.to_str().unwrap(), &mut |old| [old, b"x"].concat()).unwrap();
        assert_eq!((fs::read(&new).unwrap(), fs::metadata(&new).unwrap().mode() & 0o777), (b"x".to_vec(), 0o600));
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn what_cannot_be_replaced_stays_and_the_reason_is_told() {
        let directory = directory("stays");
        let path = |name: &str| directory.join(name).to_str().unwrap().to_string();
        let keep = &mut |_: &[u8]| b"new".to_vec();
        assert_eq!(replace(&path("nowhere/a"), keep), Err("No such file or directory".into()));
        assert_eq!(replace(directory.to_str().unwrap(), keep), Err("Is a directory".into()));
        fs::write(path("a"), "old").unwrap();
        assert_eq!(replace(&path("a/b"), keep), Err("Not a directory".into()));
        // The place of the new file is taken by what cannot be removed.
        fs::create_dir(beside(Path::new(&path("a")))).unwrap();
        assert_eq!(replace(&path("a"), keep), Err("File exists".into()));
        assert_eq!(fs::read(path("a")).unwrap(), b"old");
        fs::remove_dir_all(&directory).unwrap();
    }
}
