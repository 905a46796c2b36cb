//! The editions of the suite: how each is run, and what it leaves out.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use lambda_registry_tests::command::dying_with_us;
use lambda_registry_tests::desk::Account;
use lambda_registry_tests::registry::Registry;

/// An edition of the suite.
pub(crate) enum Suite {
    /// Of November 2023, for version 1.1 of the specification. It is in the `PATH`.
    Pinned,
    /// Of 2026, rewritten: more data, more of the API, and a switch for each. The program was built elsewhere.
    Rewritten(PathBuf),
}

impl Suite {
    /// What `CONFORMANCE_SUITE` names, or else the pinned edition.
    pub(crate) fn chosen() -> Self {
        env::var_os("CONFORMANCE_SUITE").map_or(Self::Pinned, |program| Self::Rewritten(program.into()))
    }

    /// For people.
    pub(crate) fn edition(&self) -> String {
        match self {
            Self::Pinned => "pinned edition of 2023".to_owned(),
            Self::Rewritten(program) => program.display().to_string(),
        }
    }

    /// What the registry is started with.
    pub(crate) fn flags(&self) -> &'static [&'static str] {
        match self {
            Self::Pinned => &[],
            // It pushes indexes whose children it keeps to itself.
            Self::Rewritten(_) => &["--sparse-manifests"],
        }
    }

    /// Runs it to its end, whatever that is, and returns the directory with what it wrote.
    #[track_caller]
    pub(crate) fn run(&self, registry: &Registry, account: Option<&Account>, name: &str) -> PathBuf {
        let results = results(name);
        let output = File::create(results.join("output.txt")).expect("a file for the output");
        let errors = output.try_clone().expect("a second handle of the file");
        let mut command = match self {
            Self::Pinned => dying_with_us("conformance"),
            Self::Rewritten(program) => dying_with_us(program.to_str().expect("a path in UTF-8")),
        };
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).current_dir(&results);
        command.envs(self.variables(registry));
        if let Some(account) = account {
            command.env("OCI_USERNAME", &account.name).env("OCI_PASSWORD", &account.password);
        }
        command.stdout(output).stderr(errors);
        // A failure is in its report, with more than its status says.
        command.status().unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
        results
    }

    /// Everything on.
    fn variables(&self, registry: &Registry) -> Vec<(&'static str, String)> {
        let set = |variables: &[(&'static str, &str)]| {
            variables.iter().map(|&(name, value)| (name, value.to_owned())).collect::<Vec<_>>()
        };
        match self {
            Self::Pinned => set(&[
                ("OCI_ROOT_URL", &registry.url("")),
                ("OCI_NAMESPACE", "conformance/repo1"),
                ("OCI_CROSSMOUNT_NAMESPACE", "conformance/repo2"),
                ("OCI_AUTOMATIC_CROSSMOUNT", "1"),
                ("OCI_TEST_PULL", "1"),
                ("OCI_TEST_PUSH", "1"),
                ("OCI_TEST_CONTENT_DISCOVERY", "1"),
                ("OCI_TEST_CONTENT_MANAGEMENT", "1"),
                ("OCI_REPORT_DIR", "."),
            ]),
            Self::Rewritten(_) => set(&[
                ("OCI_REGISTRY", registry.address()),
                ("OCI_TLS", "disabled"),
                ("OCI_REPO1", "conformance/repo1"),
                ("OCI_REPO2", "conformance/repo2"),
                // Everything that is on the way into the specification. It leaves one switch off.
                ("OCI_VERSION", "dev"),
                ("OCI_DATA_SPARSE", "true"),
                // It looks for the header on the answer that follows the redirect, and that is S3's.
                ("OCI_API_BLOBS_DIGEST_HEADER", "false"),
                ("OCI_RESULTS_DIR", "."),
            ]),
        }
    }

    /// The tests that it leaves out, and why.
    pub(crate) fn skipped(&self) -> &'static [&'static str] {
        match self {
            Self::Pinned => &[
                // Instead of a push, for registries that can only be read.
                "[It] OCI Distribution Conformance Tests Content Discovery Setup Populate registry with test tags (no push)",
                "[It] OCI Distribution Conformance Tests Pull Setup Get tag name from environment",
                // For registries that don't mount, or don't find by themselves what they have.
                "[It] OCI Distribution Conformance Tests Push Cross-Repository Blob Mount Cross-mounting of nonexistent blob should yield session id",
                "[It] OCI Distribution Conformance Tests Push Cross-Repository Blob Mount Cross-mounting without from, and automatic content discovery disabled should return a 202",
            ],
            Self::Rewritten(_) => &[
                // A mount without a source finds nothing of other repositories: what they have is nobody else's business.
                "OCI Conformance Test/sha256 blobs/mount anonymous/blob-mount-anonymous",
                // S3 ignores a range that ends before it begins, as RFC 9110 says, and sends the whole blob.
                "OCI Conformance Test/sha256 blobs/range requests/range 500-0",
                "OCI Conformance Test/sha512 blobs/mount anonymous/blob-mount-anonymous",
                "OCI Conformance Test/sha512 blobs/range requests/range 500-0",
            ],
        }
    }

    /// How many tests pass, so that a suite that tests nothing doesn't.
    pub(crate) fn passed_at_least(&self) -> usize {
        match self {
            Self::Pinned => 76,
            Self::Rewritten(_) => 822,
        }
    }
}

/// An empty directory under the target directory, which outlives the test.
#[track_caller]
fn results(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target directory");
    let directory = target.join("conformance").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).expect("a directory that can go");
    }
    fs::create_dir_all(&directory).expect("a directory for the results");
    directory
}
