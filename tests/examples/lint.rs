//! Every file passes the tools of its trade. `tests/run` installs them.

use std::path::Path;
use std::process::{Command, Stdio};

use lambda_registry_tests::command::run;
use lambda_registry_tests::document::all_shell_blocks;
use tempfile::NamedTempFile;

use crate::files::{example, read, with_extension};

#[test]
fn templates_pass_the_linter_of_cloudformation() {
    for template in ["ecs/template.yaml", "github-actions/role.yaml"] {
        run(tool("cfn-lint").arg(example(template)));
    }
}

/// With the scripts in them, expressions, inputs of actions and permissions.
#[test]
fn workflows_pass_the_linter_of_github_actions_and_their_scripts_the_shells() {
    // Without it, actionlint says nothing of the scripts.
    run(tool("shellcheck").arg("--version"));
    let workflows = [example("github-actions/push.yaml"), example("github-actions/pull.yaml")];
    run(tool("actionlint").args(["-shellcheck", "shellcheck", "-pyflakes", "", "-no-color"]).args(workflows));
}

#[test]
fn manifests_keep_to_the_schemas_of_kubernetes() {
    let rendered = NamedTempFile::with_suffix(".yaml").expect("a temporary file");
    let manifests = run(tool("kubectl").arg("kustomize").arg(example("kubernetes")));
    std::fs::write(rendered.path(), manifests).expect("a file for the manifests");
    let said = run(tool("kubernetes-validate").args(["--strict", "--kubernetes-version", "1.37"]).arg(rendered.path()));
    for resource in ["namespace/app", "serviceaccount/app", "deployment/app"] {
        assert!(said.contains(&format!("passed for resource {resource}")), "{resource}: {said}");
    }
}

#[test]
fn terraforms_files_stand_as_its_formatter_writes_them() {
    let files = with_extension("tf");
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(run(tool("hclfmt").arg(&file)), read(&file), "{}", file.display());
    }
}

#[test]
fn commands_in_the_pages_pass_the_linter_of_shells() {
    for folder in ["ecs", "kubernetes", "github-actions", "terraform"] {
        for block in all_shell_blocks(&format!("infra/examples/{folder}/README.md")) {
            let script = NamedTempFile::new().expect("a temporary file");
            std::fs::write(script.path(), &block).expect("a file for the script");
            run(tool("shellcheck").args(["--shell", "bash"]).arg(script.path()));
        }
    }
}

/// In files that can't ask for them, there is one name for each thing that whoever copies them has to put in.
#[test]
fn whatever_has_to_be_replaced_is_called_the_same_everywhere() {
    let all = ["md", "yaml", "tf"].into_iter().flat_map(with_extension);
    let (mut hosts, mut accounts) = (0, 0);
    for file in all {
        let text = read(&file);
        for host in words_with(&text, ".example.") {
            assert_eq!(host, "registry.example.com", "{}", file.display());
            hosts += 1;
        }
        for account in text.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == 12) {
            assert_eq!(account, "123456789012", "{}", file.display());
            accounts += 1;
        }
    }
    assert!(hosts > 0 && accounts > 0);
}

fn words_with<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = &'a str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'));
    words.map(|word| word.trim_matches('.')).filter(move |word| word.contains(part))
}

/// It reads no settings of whoever runs the tests, and asks no AWS.
fn tool(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("AWS_EC2_METADATA_DISABLED", "true").current_dir(Path::new("/")).stdin(Stdio::null());
    command
}
