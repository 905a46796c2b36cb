//! `sam build`, and the directory from which is deployed what it built.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use lambda_registry_tests::command::{dying_with_us, run};
use tempfile::TempDir;

/// Processor of the functions: what the emulator starts has to run on this machine.
pub(crate) const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };

/// The largest function as it is uploaded, in bytes.
const LARGEST_ZIP: usize = 3_500_000;

/// What a clone has that `sam deploy` reads.
const FILES: [&str; 2] = ["template.yaml", "samconfig.toml"];

/// Builds the functions of this clone. Only where it writes is said differently than in README: what cargo compiled is
/// kept for the next time, and none of it comes to lie between the sources.
#[track_caller]
pub(crate) fn sam_build() {
    let mut command = as_who_cloned("sam");
    command.arg("build").arg("--build-dir").arg(built());
    command.args(["--parameter-overrides", &format!("Architecture={ARCHITECTURE}")]);
    run(command.env("SAM_CLI_TELEMETRY", "0").current_dir(clone()));
    expect_small_functions();
}

/// What the next start of a function loads. What makes it grow should be noticed: a dependency with tables, a profile that
/// isn't applied.
#[track_caller]
fn expect_small_functions() {
    let folders = fs::read_dir(built()).expect("what was built").map(|entry| entry.expect("an entry").path());
    let mut functions = 0;
    for binary in folders.map(|folder| folder.join("bootstrap")).filter(|binary| binary.exists()) {
        let bytes = fs::read(&binary).expect("a function");
        let mut zip = ZlibEncoder::new(Vec::new(), Compression::default());
        zip.write_all(&bytes).expect("memory");
        let size = zip.finish().expect("memory").len();
        assert!(size <= LARGEST_ZIP, "{} has {size} bytes in a ZIP", binary.display());
        functions += 1;
    }
    assert_eq!(functions, 7, "of the template's");
}

/// A directory as a clone is after `sam build`: the template and SAM's settings, byte for byte, and what was built.
/// SAM saves its user's answers in it.
#[track_caller]
pub(crate) fn checkout() -> TempDir {
    let checkout = TempDir::with_prefix("checkout-").expect("a temporary directory");
    for file in FILES {
        fs::copy(clone().join(file), checkout.path().join(file)).expect("a file of the clone");
    }
    fs::create_dir(checkout.path().join(".aws-sam")).expect("SAM's directory");
    symlink(built(), checkout.path().join(".aws-sam/build")).expect("a link to what was built");
    checkout
}

/// With sudo, what cargo writes is to stay theirs who called it.
#[track_caller]
fn as_who_cloned(program: &str) -> Command {
    let owner = fs::metadata(env!("CARGO_TARGET_TMPDIR")).expect("a directory of cargo's");
    let (user, group) = (owner.uid().to_string(), owner.gid().to_string());
    if std::env::var("SUDO_UID").is_ok_and(|caller| caller == user) {
        let mut command = dying_with_us("setpriv");
        command.args(["--reuid", &user, "--regid", &group, "--init-groups", "--", program]);
        return command;
    }
    dying_with_us(program)
}

fn built() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("sam/build")
}

/// Where this clone is.
pub(crate) fn clone() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
