//! Processes, as Linux shows them in `/proc`.

use std::fs;
use std::path::PathBuf;

use rustix::process::Pid;

/// A process that is or was there. The time of its start tells it from another one that got the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pid: i32,
    started: u64,
}

/// What of `/proc/<pid>/stat` matters here.
struct Stat {
    state: char,
    parent: i32,
    started: u64,
}

/// The processes that this one started and that still run.
pub fn children(parent: Pid) -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("a /proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let child = |pid| {
        let stat = stat(pid).filter(|stat| stat.parent == parent.as_raw_nonzero().get() && stat.state != 'Z')?;
        Some(Process { pid, started: stat.started })
    };
    pids.filter_map(child).collect()
}

/// The most memory that a process ever held, in bytes: `VmHWM`, the peak of its resident set.
#[track_caller]
pub fn peak_memory(pid: Pid) -> u64 {
    peak(pid.as_raw_nonzero().get())
}

/// The memory that a process holds now, in bytes: `VmRSS`, its resident set.
#[track_caller]
pub fn resident_memory(pid: Pid) -> u64 {
    memory(pid.as_raw_nonzero().get(), "VmRSS:")
}

#[track_caller]
fn peak(pid: i32) -> u64 {
    memory(pid, "VmHWM:")
}

/// A line of `/proc/<pid>/status`, in bytes.
#[track_caller]
fn memory(pid: i32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("a line {name}"));
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kilobytes");
    kilobytes * 1024
}

impl Process {
    /// Whether it still runs. One that has ended and that nobody asked how doesn't.
    pub fn runs(&self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.started == self.started && stat.state != 'Z')
    }

    /// The file that it runs.
    #[track_caller]
    pub fn program(&self) -> PathBuf {
        fs::read_link(format!("/proc/{}/exe", self.pid)).expect("a running process")
    }

    /// The most memory that it ever held, in bytes.
    #[track_caller]
    pub fn peak_memory(&self) -> u64 {
        peak(self.pid)
    }
}

fn stat(pid: i32) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in parentheses and may contain anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let started = fields.nth(17)?.parse().ok()?;
    Some(Stat { state, parent, started })
}
