//! helm: charts as artifacts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::home::Home;
use crate::command::run;
use crate::registry::Registry;

/// helm, with a home of its own.
pub struct Helm {
    home: Home,
}

impl Helm {
    /// A helm that knows nothing yet.
    pub fn new(registry: &Registry) -> Self {
        Self { home: Home::new(registry) }
    }

    /// Packs a chart that renders one greeting.
    #[track_caller]
    pub fn package(&self, name: &str, version: &str, greeting: &str) -> PathBuf {
        let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\ndescription: Greets.\n");
        self.home.write(&format!("{name}/Chart.yaml"), chart);
        self.home.write(&format!("{name}/values.yaml"), format!("greeting: {greeting}\n"));
        let template =
            "kind: ConfigMap\napiVersion: v1\nmetadata: {name: greeting}\ndata: {text: {{ .Values.greeting }}}\n";
        self.home.write(&format!("{name}/templates/greeting.yaml"), template);
        run(self.home.command("helm").args(["package", name]));
        self.home.path(format!("{name}-{version}.tgz"))
    }

    /// Pushes a packed chart into a repository below this one, named after it.
    #[track_caller]
    pub fn push(&self, package: &Path, below: &str) {
        run(self.helm(&["push"]).arg(package).arg(format!("oci://{below}")));
    }

    /// Pulls a chart and returns it packed.
    #[track_caller]
    pub fn pull(&self, chart: &str, version: &str) -> Vec<u8> {
        let directory = self.home.new_directory();
        let oci = format!("oci://{chart}");
        run(self.helm(&["pull"]).args(["--version", version, "--destination"]).arg(&directory).arg(oci));
        let name = chart.rsplit('/').next().expect("a name");
        fs::read(directory.join(format!("{name}-{version}.tgz"))).expect("a packed chart")
    }

    /// What a chart says of itself; without a version, the newest one.
    #[track_caller]
    pub fn show(&self, chart: &str, flags: &[&str]) -> String {
        run(self.helm(&["show", "chart"]).args(flags).arg(format!("oci://{chart}")))
    }

    /// What a chart renders to.
    #[track_caller]
    pub fn template(&self, chart: &str, flags: &[&str]) -> String {
        run(self.helm(&["template"]).args(flags).arg(format!("oci://{chart}")))
    }

    fn helm(&self, subcommand: &[&str]) -> Command {
        let mut command = self.home.command("helm");
        command.args(subcommand).arg("--plain-http");
        command
    }
}
