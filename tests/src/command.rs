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

fn describe(command: &Command, output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("{command:?}\n{}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", output.status)
}
