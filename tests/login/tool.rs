//! The clients, and the words with which each is told to log in, to push and to pull.

use std::process::Command;

use lambda_registry_tests::command::run;
use lambda_registry_tests::images::Layout;

use crate::person::{Person, TAG};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Podman,
    Skopeo,
    Buildah,
    Crane,
    Oras,
    Regctl,
    Helm,
}

impl Tool {
    pub(crate) const ALL: [Self; 7] =
        [Self::Podman, Self::Skopeo, Self::Buildah, Self::Crane, Self::Oras, Self::Regctl, Self::Helm];

    /// The command, which reads the password from its standard input.
    pub(crate) fn log_in(self, person: &Person, user: &str) -> Command {
        let arguments: &[&str] = match self {
            Self::Podman | Self::Skopeo | Self::Buildah => &["login"],
            Self::Crane => &["auth", "login"],
            Self::Oras => &["login", "--plain-http"],
            Self::Helm => &["registry", "login", "--plain-http"],
            Self::Regctl => &["registry", "login"],
        };
        let (name, password) = match self {
            Self::Regctl => ("--user", "--pass-stdin"),
            _ => ("--username", "--password-stdin"),
        };
        let mut command = self.command(person);
        command.args(arguments).args([name, user, password, &person.host]);
        command
    }

    /// The command that pushes: what is in the layout, or a file or a chart for those that push no images.
    #[track_caller]
    pub(crate) fn push(self, person: &Person, layout: &Layout, repository: &str) -> Command {
        let image = person.image(repository);
        let path = layout.path().display().to_string();
        let mut command = self.command(person);
        match self {
            Self::Podman | Self::Buildah => {
                // They make a name of the path, which is to be one in lower case.
                let link = person.home.path("layout");
                let _ = std::fs::remove_file(&link);
                std::os::unix::fs::symlink(layout.path(), link).expect("a link in a home");
                let pull = ["pull", "--quiet", &format!("oci:layout:{}", Layout::TAG)];
                let id = run(person.storage_command(self.program()).args(pull));
                command.args(["push", "--quiet", id.trim(), &format!("docker://{image}")]);
            }
            Self::Skopeo => {
                command.args(["copy", "--quiet", &format!("oci:{path}"), &format!("docker://{image}")]);
            }
            Self::Crane => {
                command.args(["push", &path, &image]);
            }
            Self::Regctl => {
                command.args(["image", "copy", &format!("ocidir://{path}:{}", Layout::TAG), &image]);
            }
            Self::Oras => {
                person.home.write("pushed", &layout.digest);
                command.args(["push", "--plain-http", &image, "pushed:text/plain"]);
            }
            Self::Helm => {
                let (below, name) = repository.rsplit_once('/').expect("a repository below another name");
                person.home.write(
                    &format!("{name}/Chart.yaml"),
                    format!("apiVersion: v2\nname: {name}\nversion: {TAG}\ndescription: {}\n", layout.digest),
                );
                run(person.command("helm").args(["package", name]));
                let (package, below) = (format!("{name}-{TAG}.tgz"), format!("oci://{}/{below}", person.host));
                command.args(["push", "--plain-http", &package, &below]);
            }
        }
        command
    }

    /// The command that pulls.
    pub(crate) fn pull(self, person: &Person, repository: &str) -> Command {
        let image = person.image(repository);
        let mut command = self.command(person);
        let directory = person.home.new_directory().display().to_string();
        match self {
            Self::Podman | Self::Buildah => command.args(["pull", "--quiet", &image]),
            Self::Skopeo => {
                command.args(["copy", "--quiet", &format!("docker://{image}"), &format!("dir:{directory}")])
            }
            Self::Crane => command.args(["pull", "--format", "oci", &image, &directory]),
            Self::Regctl => command.args(["image", "copy", &image, &format!("ocidir://{directory}:pulled")]),
            Self::Oras => command.args(["pull", "--plain-http", "--output", &directory, &image]),
            Self::Helm => {
                let chart = format!("oci://{}/{repository}", person.host);
                command.args(["pull", "--plain-http", "--version", TAG, "--destination", &directory, &chart])
            }
        };
        command
    }

    /// What it says when it may not do something, also where it has no words of the registry: a HEAD is answered with
    /// none.
    pub(crate) fn refusal(self) -> &'static str {
        match self {
            Self::Podman | Self::Skopeo | Self::Buildah => "denied",
            Self::Crane | Self::Oras | Self::Helm | Self::Regctl => "unauthorized",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Skopeo => "skopeo",
            Self::Buildah => "buildah",
            Self::Crane => "crane",
            Self::Oras => "oras",
            Self::Regctl => "regctl",
            Self::Helm => "helm",
        }
    }

    fn command(self, person: &Person) -> Command {
        match self {
            Self::Podman | Self::Buildah => person.storage_command(self.program()),
            _ => person.command(self.program()),
        }
    }
}

/// Makes a module for each client, with a test of each function.
macro_rules! with_every_client {
    ($tests:tt) => {
        crate::tool::with_client!(podman, Podman, $tests);
        crate::tool::with_client!(skopeo, Skopeo, $tests);
        crate::tool::with_client!(buildah, Buildah, $tests);
        crate::tool::with_client!(crane, Crane, $tests);
        crate::tool::with_client!(oras, Oras, $tests);
        crate::tool::with_client!(regctl, Regctl, $tests);
        crate::tool::with_client!(helm, Helm, $tests);
    };
}

macro_rules! with_client {
    ($module:ident, $tool:ident, [$($test:ident),+ $(,)?]) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test(crate::tool::Tool::$tool);
                }
            )+
        }
    };
}

pub(crate) use {with_client, with_every_client};
