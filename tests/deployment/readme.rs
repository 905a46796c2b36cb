//! "Deploy to AWS in five minutes" of README.md, line by line.
//!
//! Its blocks for a shell are run as they are printed. What can't be run so is replaced by rules that are all listed
//! here; one that replaces nothing any more fails the test, and so does a placeholder without a rule.

use std::fs;

use lambda_registry_tests::command::run;
use lambda_registry_tests::document::shell_blocks;
use lambda_registry_tests::images::samples::{GREETING, greeting, noise};
use lambda_registry_tests::images::{Compression, Image, Layer, Layout};
use lambda_registry_tests::ministack::MiniStack;
use tempfile::TempDir;

use crate::build::ARCHITECTURE;
use crate::cloud::REGION;
use crate::person::Person;
use crate::stack::Stack;

const HEADING: &str = "Deploy to AWS in five minutes";

/// `proxy.log` is where it says that it listens.
const IN_ANOTHER_SHELL: &str = "lambda-registry proxy --login https://<RegistryHost> > proxy.log 2>&1 & proxy=$!; \
    trap 'kill $proxy' EXIT; until grep -qs 'listening on' proxy.log; do kill -0 $proxy; sleep 0.1; done";

/// Words of README and what is run instead.
struct Rule {
    words: &'static str,
    instead: String,
}

fn rule(words: &'static str, instead: impl Into<String>) -> Rule {
    Rule { words, instead: instead.into() }
}

/// The first block, in a directory as a clone is.
#[track_caller]
pub(crate) fn build_and_deploy(admin: &Person, checkout: &TempDir) {
    let answers = admin.home.write("answers", answers(checkout));
    let rules = [
        // The functions are built for this machine's processor.
        rule("rustup target add aarch64-unknown-linux-gnu", ""),
        // That has been done where there is a network, for crates.
        rule("sam build", "test -e .aws-sam/build/template.yaml"),
        rule("sam deploy --guided", format!("sam deploy --guided < {}", answers.display())),
    ];
    let (first, _) = blocks();
    let deployed = run(admin.shell(&apply(first, &rules)).current_dir(checkout.path()));
    assert!(deployed.contains("Successfully created/updated stack"), "{deployed}");
}

/// What is typed when `sam deploy --guided` asks. A line without anything takes what is offered.
fn answers(checkout: &TempDir) -> String {
    let template = fs::read_to_string(checkout.path().join(".aws-sam/build/template.yaml")).expect("a template");
    let value = |parameter: &str| match parameter {
        "Architecture" => ARCHITECTURE,
        _ => "",
    };
    let (stack_and_region, parameters) = (["", ""], parameters(&template));
    // Confirm changes, create roles, no roll-back, save the answers, in which file and environment of SAM.
    let (questions, deploy) = ([""; 6], ["y"]);
    let values = parameters.into_iter().map(value);
    let all: Vec<_> = stack_and_region.into_iter().chain(values).chain(questions).chain(deploy).collect();
    all.join("\n") + "\n"
}

/// The names of the template's parameters, in its order.
#[track_caller]
fn parameters(template: &str) -> Vec<&str> {
    let (_, rest) = template.split_once("\nParameters:\n").expect("parameters");
    let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    names.filter(|name| !name.starts_with(' ')).collect()
}

/// All other blocks, by somebody who has an image `app` with a layer that no request to a deployment carries.
#[track_caller]
pub(crate) fn log_in_and_push(developer: &Person, stack: &Stack) {
    let image = Image::new("amd64")
        .layer(Layer::new(Compression::Gzip, &[(GREETING, greeting("amd64").as_bytes())]))
        .layer(Layer::new(Compression::None, &[("data/large", &noise(12_000_000, 12))]));
    let app = developer.home.path("app.tar");
    Layout::of_image(&image).archive(&app);
    run(developer.command("podman").args(["load", "--quiet", "--input"]).arg(app));
    run(developer.command("podman").args(["tag", Layout::TAG, "app"]));
    // There is no cluster: what would be told to one is written down.
    developer.program("kubectl", "printf '%s\\n' \"$@\" > kubectl.arguments");

    let rules = [
        // The programs are built, and on the path.
        rule("cargo install --path infra/cli", "lambda-registry --version"),
        // There is no terminal to ask on.
        rule("grants apply grants.yaml", "grants apply --yes grants.yaml"),
        rule("arn:aws:iam::123456789012:", format!("arn:aws:iam::{}:", MiniStack::ACCOUNT)),
        // It stays in the foreground of a shell of its own; the next line is typed when it listens.
        rule("lambda-registry proxy --login https://<RegistryHost>", IN_ANOTHER_SHELL),
        rule("<region>", REGION),
        rule("<TableName>", stack.output("TableName")),
        rule("<RegistryHost>", stack.host()),
    ];
    let (_, rest) = blocks();
    let told = run(&mut developer.shell(&apply(rest.concat(), &rules)));

    for words in ["Login Succeeded", "team/app"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // crane reads the password that docker keeps.
    let digest = run(developer.command("crane").args(["digest", &stack.image("team/app:1")]));
    assert!(digest.starts_with("sha256:"), "{digest}");
    let kubernetes = fs::read_to_string(developer.home.path("kubectl.arguments")).expect("kubectl's arguments");
    let value = |name: &str| kubernetes.lines().find_map(|line| line.strip_prefix(name)).expect("an argument");
    assert_eq!(value("--docker-server="), stack.host());
    let credentials = format!("{}:{}", value("--docker-username="), value("--docker-password="));
    let image = format!("docker://{}", stack.image("team/app:1"));
    run(developer.command("skopeo").args(["inspect", "--creds", &credentials, &image]));
}

fn blocks() -> (String, Vec<String>) {
    let mut blocks = shell_blocks("README.md", HEADING);
    assert!(blocks.len() >= 5, "{blocks:?}");
    (blocks.remove(0), blocks)
}

#[track_caller]
fn apply(script: String, rules: &[Rule]) -> String {
    let script = rules.iter().fold(script, |script, Rule { words, instead }| {
        assert!(script.contains(words), "README.md doesn't say {words:?} any more: {script}");
        script.replace(words, instead)
    });
    if let Some(placeholder) = placeholder(&script) {
        panic!("no rule for {placeholder}: {script}");
    }
    script
}

/// Letters between angle brackets.
fn placeholder(script: &str) -> Option<&str> {
    let after = script.split('<').skip(1);
    after
        .filter_map(|rest| rest.split_once('>'))
        .map(|(name, _)| name)
        .find(|name| !name.is_empty() && name.chars().all(|character| character.is_ascii_alphabetic()))
}
