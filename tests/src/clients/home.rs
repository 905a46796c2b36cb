//! A home directory for a client, with all its configuration and storage.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::dying_with_us;
use crate::server::Endpoint;

/// No signatures are asked for: these images are nobody's but the test's.
const POLICY: &str = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;

/// A temporary home directory. It is removed when this is dropped.
pub struct Home(TempDir);

impl Home {
    /// A home whose containers configuration allows plain HTTP to this registry.
    pub fn new(registry: &impl Endpoint) -> Self {
        Self::knowing(&format!("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", registry.address()))
    }

    /// A home whose containers configuration allows plain HTTP to nobody.
    pub fn with_tls() -> Self {
        Self::knowing("")
    }

    fn knowing(registries: &str) -> Self {
        let home = Self(TempDir::with_prefix("home-").expect("a temporary directory"));
        home.write(".config/containers/policy.json", POLICY);
        let registries = format!("unqualified-search-registries = []\n{registries}");
        home.write(".config/containers/registries.conf", registries);
        fs::create_dir(home.path("tmp")).expect("a directory for temporary files");
        fs::create_dir(home.path("session")).expect("a directory for what lasts as long as a session");
        home
    }

    /// A path in this home.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// A directory that nobody uses yet.
    pub fn new_directory(&self) -> PathBuf {
        TempDir::with_prefix_in("", self.0.path()).expect("a temporary directory").keep()
    }

    /// Writes a file and the directories that it needs.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file in a directory")).expect("directories");
        fs::write(&path, content).expect("a file");
        path
    }

    /// A command that knows this home and nothing else of the user's environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = dying_with_us(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.0.path())
            .env("TMPDIR", self.path("tmp"))
            // Where podman, skopeo and buildah keep passwords; without it, in a directory of the machine.
            .env("XDG_RUNTIME_DIR", self.path("session"))
            // Nothing asks for the role of the machine that tests run on.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .current_dir(self.0.path());
        command
    }

    /// A command on the image storage in this home, for podman and buildah.
    /// The driver needs nothing of the kernel; a layer is a copy of the directory below it.
    pub fn storage_command(&self, program: &str) -> Command {
        let mut command = self.command(program);
        command.arg("--root").arg(self.path("storage")).arg("--runroot").arg(self.path("run"));
        command.args(["--storage-driver", "vfs"]);
        command
    }

    /// The digest that a client wrote into a file with `--digestfile`.
    #[track_caller]
    pub fn digest_in(path: &Path) -> String {
        fs::read_to_string(path).expect("a digest file").trim().to_owned()
    }
}
