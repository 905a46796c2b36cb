//! Passwords in files that only their owner reads: `<cache>/lambda-registry/<registry>/<identity>.json`.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambda_registry::{Password, Registry};
use tempfile::NamedTempFile;

/// The user's passwords.
pub(crate) struct Cache {
    directory: PathBuf,
}

/// The place of one password.
pub(crate) struct Entry {
    directory: PathBuf,
    file: PathBuf,
}

impl Cache {
    /// None for a user without a home.
    pub(crate) fn find() -> Option<Self> {
        // A relative path is to be ignored (XDG Base Directory Specification).
        let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || Some(std::env::home_dir().filter(|home| home.is_absolute())?.join(".cache"));
        Some(Self { directory: named.or_else(home)?.join("lambda-registry") })
    }

    pub(crate) fn entry(&self, registry: &Registry, identity: &str) -> Entry {
        let directory = self.of(registry);
        Entry { file: directory.join(format!("{identity}.json")), directory }
    }

    /// Forgets a registry's passwords, of all identities.
    pub(crate) fn erase(&self, registry: &Registry) -> io::Result<()> {
        files(&self.of(registry))?.iter().try_for_each(|file| match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    /// The registries that a password is kept for and still good.
    pub(crate) fn list(&self) -> io::Result<Vec<String>> {
        let mut registries = Vec::new();
        for directory in children(&self.directory)? {
            let name = directory.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let good = |file: &PathBuf| read(file).is_some_and(|password| password.lasts(Duration::ZERO));
            // What else lies there isn't ours.
            if name.parse::<Registry>().is_ok() && directory.is_dir() && files(&directory)?.iter().any(good) {
                registries.push(name.to_owned());
            }
        }
        Ok(registries)
    }

    fn of(&self, registry: &Registry) -> PathBuf {
        // Hosts begin with a letter, a digit or a bracket and have no slash.
        self.directory.join(registry.to_string())
    }
}

impl Entry {
    /// The password, if there is one.
    pub(crate) fn read(&self) -> Option<Password> {
        read(&self.file)
    }

    /// Waits until nobody else renews passwords of this registry. Without a lock, which some file systems don't have,
    /// two may sign in at once, and the last one's password is kept.
    pub(crate) fn lock(&self) -> Option<File> {
        self.make_directory().ok()?;
        let directory = File::open(&self.directory).ok()?;
        directory.lock().ok()?;
        Some(directory)
    }

    /// Keeps the password: others see the old one or the new one and nothing between. Removes what has expired.
    pub(crate) fn write(&self, password: &Password) -> io::Result<()> {
        self.make_directory()?;
        let others = files(&self.directory)?;
        for expired in others.iter().filter(|file| read(file).is_none_or(|password| !password.lasts(Duration::ZERO))) {
            // Another one may have done it.
            drop(fs::remove_file(expired));
        }
        // Only its owner may read it from the start.
        let mut file = NamedTempFile::new_in(&self.directory)?;
        serde_json::to_writer(&mut file, password)?;
        file.flush()?;
        file.persist(&self.file)?;
        Ok(())
    }

    fn make_directory(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        // Also if it was there, with other permissions.
        let all = [self.directory.parent(), Some(&self.directory)];
        all.into_iter()
            .flatten()
            .try_for_each(|directory| fs::set_permissions(directory, Permissions::from_mode(0o700)))
    }
}

impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.directory.display().fmt(f)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.directory.display().fmt(f)
    }
}

/// None for a file that isn't there, can't be read, or doesn't hold a password.
fn read(file: &Path) -> Option<Password> {
    serde_json::from_slice(&fs::read(file).ok()?).ok().filter(Password::is_sound)
}

/// The passwords in a registry's directory; none if it isn't there.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = children(directory)?;
    files.retain(|file| file.extension() == Some(OsStr::new("json")));
    Ok(files)
}

fn children(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
