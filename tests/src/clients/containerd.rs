//! containerd and its command line, `ctr`. It pushes a blob with a single PUT, where the others stream a PATCH.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::home::Home;
use crate::command::{Outcome, attempt, run};
use crate::images::Layout;
use crate::registry::Registry;

/// A start takes a fraction of a second. This only keeps a daemon that hangs from hanging the run.
const START_LIMIT: Duration = Duration::from_secs(120);

/// The snapshotter that needs nothing of the kernel.
const SNAPSHOTTER: [&str; 2] = ["--snapshotter", "native"];

/// A containerd of our own. It stops when this is dropped.
pub struct Containerd {
    daemon: Child,
    home: Home,
}

impl Containerd {
    /// Starts a containerd and waits until it answers.
    #[track_caller]
    pub fn start(registry: &Registry) -> Self {
        let home = Home::new(registry);
        let configuration = home.write("containerd.toml", configuration(&home));
        let log = File::create(home.path("containerd.log")).expect("a log file");
        let daemon = home
            .command("containerd")
            .arg("--config")
            .arg(configuration)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("setpriv starts containerd");
        let mut containerd = Self { daemon, home };
        containerd.wait_until_it_answers();
        containerd
    }

    /// Takes the content of a layout into the store and returns its name there: `<repository>:<the layout's tag>`.
    #[track_caller]
    pub fn import(&self, layout: &Layout, repository: &str) -> String {
        let file = self.home.path("import.tar");
        layout.archive(&file);
        run(self
            .ctr()
            .args(["images", "import", "--all-platforms", "--no-unpack", "--base-name", repository])
            .arg(file));
        format!("{repository}:{}", Layout::TAG)
    }

    /// Pushes an image.
    #[track_caller]
    pub fn push(&self, image: &str, flags: &[&str]) {
        self.try_push(image, flags).expect_success();
    }

    /// The same, for a registry that may refuse it.
    #[track_caller]
    pub fn try_push(&self, image: &str, flags: &[&str]) -> Outcome {
        attempt(self.ctr().args(["images", "push", "--plain-http"]).args(flags).arg(image))
    }

    /// Pulls an image and unpacks it.
    #[track_caller]
    pub fn pull(&self, image: &str, flags: &[&str]) {
        self.try_pull(image, flags).expect_success();
    }

    /// The same, for a registry that may refuse it.
    #[track_caller]
    pub fn try_pull(&self, image: &str, flags: &[&str]) -> Outcome {
        attempt(self.ctr().args(["images", "pull", "--plain-http"]).args(SNAPSHOTTER).args(flags).arg(image))
    }

    /// Fetches all content of an image, and unpacks nothing.
    #[track_caller]
    pub fn fetch(&self, image: &str) {
        run(self.ctr().args(["content", "fetch", "--plain-http", "--all-platforms", image]));
    }

    /// The digest that an image's name stands for.
    #[track_caller]
    pub fn digest(&self, image: &str) -> String {
        let table = run(self.ctr().args(["images", "list"]).arg(format!("name=={image}")));
        let row = table.lines().find(|line| line.starts_with(image)).unwrap_or_else(|| panic!("{image}:\n{table}"));
        row.split_whitespace().nth(2).expect("a digest in the third column").to_owned()
    }

    /// The bytes of a blob or manifest in the store.
    #[track_caller]
    pub fn content(&self, digest: &str) -> Vec<u8> {
        run(self.ctr().args(["content", "get", digest])).into_bytes()
    }

    /// The content of a file in an image that was pulled.
    #[track_caller]
    pub fn file(&self, image: &str, path: &str, flags: &[&str]) -> Vec<u8> {
        let target = self.home.new_directory();
        run(self.ctr().args(["images", "mount"]).args(SNAPSHOTTER).args(flags).arg(image).arg(&target));
        let content = fs::read(target.join(path));
        run(self.ctr().args(["images", "unmount", "--rm"]).args(SNAPSHOTTER).arg(&target));
        content.unwrap_or_else(|error| panic!("{path} in {image}: {error}"))
    }

    fn ctr(&self) -> Command {
        let mut command = self.home.command("ctr");
        command.arg("--address").arg(self.home.path("containerd.sock"));
        command
    }

    #[track_caller]
    fn wait_until_it_answers(&mut self) {
        let started = Instant::now();
        while !self.ctr().arg("version").output().expect("ctr").status.success() {
            let ended = self.daemon.try_wait().expect("a process to ask");
            assert!(ended.is_none() && started.elapsed() < START_LIMIT, "containerd doesn't answer: {ended:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        if std::thread::panicking() {
            eprintln!(
                "--- what containerd wrote\n{}",
                fs::read_to_string(self.home.path("containerd.log")).unwrap_or_default()
            );
        }
    }
}

/// Everything in this home, and none of what runs containers.
fn configuration(home: &Home) -> String {
    let path = |name: &str| home.path(name).display().to_string();
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{socket}"
[ttrpc]
address = "{socket}.ttrpc"
"#,
        root = path("root"),
        state = path("state"),
        socket = path("containerd.sock"),
    )
}
