//! Namespaces of Linux: a network, mounts and processes that belong to the test alone.
//!
//! In them it may listen on port 443 and 53 and be everybody's name server, and nothing can reach the real AWS: there is
//! no interface but loopback. When the test dies, so does every process that it or the emulator started.

use std::fs;
use std::process::Command;

use lambda_registry_tests::command::{dying_with_us, run};

/// Where a name server is asked, and in what order with /etc/hosts.
const FILES: [(&str, &str); 2] =
    [("/etc/resolv.conf", "nameserver 127.0.0.1\n"), ("/etc/nsswitch.conf", "hosts: files dns\n")];

/// Runs a test function of this program in new namespaces, which takes root, and returns what it printed.
#[track_caller]
pub(crate) fn run_inside(test: &str) -> String {
    let mut command = dying_with_us("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command.arg(std::env::current_exe().expect("a path of this program"));
    run(command.args(["--ignored", "--exact", "--nocapture", test]))
}

/// Brings the loopback interface up and sends all questions for names there.
///
/// # Panics
/// When it isn't in a network namespace of its own, so that the machine's own is never changed.
#[track_caller]
pub(crate) fn prepare() {
    assert_eq!(std::process::id(), 1, "this runs in namespaces that `run_inside` makes");
    run(Command::new("ip").args(["link", "set", "lo", "up"]));
    let directory = tempfile::TempDir::with_prefix("namespace-").expect("a temporary directory");
    for (path, content) in FILES {
        let file = directory.path().join(path.trim_start_matches("/etc/"));
        fs::write(&file, content).expect("a file to mount");
        run(Command::new("mount").arg("--bind").arg(&file).arg(path));
    }
    // What is mounted stays there when the directory is gone.
}
