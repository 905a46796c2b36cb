//! The functions as processes: this test binary, started again under each function's name.

use std::os::unix::fs::PermissionsExt as _;

use local::{FunctionsMode, run_function};
use protocol::Function;
use tempfile::TempDir;

/// Which function it is.
const FUNCTION: &str = "TEST_FUNCTION";

#[test]
#[ignore = "a program for the other tests"]
fn function() {
    let name = std::env::var(FUNCTION).unwrap();
    let function = Function::ALL.iter().find(|function| function.name() == name).unwrap();
    // It ends when the runtime API goes away.
    drop(run_function(*function));
}

/// A directory with the functions' binaries, and what they write down.
pub(crate) struct Processes(TempDir);

impl Processes {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let this = std::env::current_exe().unwrap();
        for function in Function::ALL {
            let script = format!(
                "#!/bin/sh\n{FUNCTION}='{}' exec '{}' --ignored --exact --nocapture processes::function >/dev/null 2>>'{}'\n",
                function.name(),
                this.display(),
                directory.path().join("log").display()
            );
            let path = directory.path().join(function.name());
            std::fs::write(&path, script).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(directory)
    }

    pub(crate) fn mode(&self) -> FunctionsMode {
        FunctionsMode::Binaries(self.0.path().to_owned())
    }

    /// They have written down what they decided, and no secret: those begin as all secrets and all tokens do.
    pub(crate) fn assert_silent(&self) {
        let log = std::fs::read_to_string(self.0.path().join("log")).unwrap();
        assert!(log.contains("access denied") && log.contains("access allowed"), "{log}");
        for beginning in [access::Secret::PREFIX, "eyJ"] {
            let line = log.lines().find(|line| line.contains(beginning));
            assert_eq!(line, None);
        }
    }
}
