//! Running other programs.

use std::process::{Command, Output};

/// A command whose process dies with the thread that starts it.
///
/// A test that panics, is interrupted or is killed leaves no process behind: the kernel sends the signal
/// (`PR_SET_PDEATHSIG`), no clean-up code has to run.
pub fn dying_with_us(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}

/// Runs a command to its end and returns what it wrote to its standard output.
///
/// # Panics
/// When the command can't be started or fails, with all that it wrote.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
    assert!(output.status.success(), "{}", describe(command, &output));
    String::from_utf8(output.stdout).expect("output in UTF-8")
}

/// How a command ended that may fail.
#[derive(Debug)]
pub struct Outcome {
    success: bool,
    /// Everything about it, both outputs included.
    text: String,
}

/// Runs a command to its end, however that is.
#[track_caller]
pub fn attempt(command: &mut Command) -> Outcome {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
    Outcome { success: output.status.success(), text: describe(command, &output) }
}

impl Outcome {
    /// It did what it was told.
    #[track_caller]
    pub fn expect_success(&self) {
        assert!(self.success, "{}", self.text);
    }

    /// It failed, and said these words, in whatever case.
    #[track_caller]
    pub fn expect_failure(&self, words: &str) {
        assert!(!self.success, "this succeeded: {}", self.text);
        let said = self.text.to_lowercase().contains(&words.to_lowercase());
        assert!(said, "no word of {words:?}: {}", self.text);
    }
}

fn describe(command: &Command, output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("{command:?}\n{}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", output.status)
}
