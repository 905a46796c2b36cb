//! The two-minute story of docs/access.md, word for word.

use lambda_registry_tests::command::run;
use lambda_registry_tests::desk::{Desk, PULL_SECRET};
use lambda_registry_tests::document::shell_blocks;
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::plain;
use lambda_registry_tests::repository::strings;
use serde_json::Value;

use crate::person::{Person, path_with_programs};
use crate::tool::Tool;

const HEADING: &str = "The two-minute story";

#[test]
fn the_story_in_the_documentation_goes_as_it_is_told() {
    let desk = Desk::start(&[]);
    let person = Person::new(Tool::Podman, &desk);
    let variables = environment(&desk, &person);
    let person = person.with(variables);
    // Where the registry was started.
    std::os::unix::fs::symlink(desk.registry.data(), person.home.path(".lambda-registry")).expect("a link in a home");
    let app = person.home.path("app.tar");
    Layout::of_image(&plain("amd64")).archive(&app);
    run(person.command("podman").args(["load", "--quiet", "--input"]).arg(app));
    run(person.command("podman").args(["tag", Layout::TAG, "app"]));

    let told = run(person.command("bash").args(["-euo", "pipefail", "-c", &story()]));

    for (words, times) in [
        ("Login Succeeded!", 3),
        ("not ours: refused", 1),
        ("ECS pulls and pushes nothing", 1),
        ("not public: refused", 1),
        ("disabled: refused", 1),
        ("deleted ci", 1),
    ] {
        assert_eq!(told.lines().filter(|line| line.contains(words)).count(), times, "{words}: {told}");
    }
    let get =
        |path: &str, scope: &str| desk.request("GET", path, &desk.bearer(&desk.admin, scope)).send().expect(200).json();
    let catalog = get("/v2/_catalog", "registry:catalog:*");
    assert_eq!(strings(&catalog["repositories"]), ["public/app", "team/app"]);
    let tags = get("/v2/team/app/tags/list", "repository:team/app:pull");
    assert_eq!(strings(&tags["tags"]), ["1", "2"]);
    let users = run(&mut desk.lambda_registry(&["user", "list", "--json"]));
    let users: Value = serde_json::from_str(&users).expect("users in JSON");
    assert_eq!(strings(&users.as_array().expect("users").iter().map(|user| user["name"].clone()).collect()), ["admin"]);
    let grants = run(&mut desk.lambda_registry(&["grants", "show"]));
    assert!(grants.contains("user/admin") && !grants.contains("role/dev"), "{grants}");
    assert!(grants.contains("public/*"), "{grants}");
}

/// What the document says under its heading, in the blocks that are for a shell.
#[track_caller]
fn story() -> String {
    let blocks = shell_blocks("docs/access.md", HEADING);
    assert!(blocks.len() >= 7, "{blocks:?}");
    blocks.concat()
}

/// What somebody has who has installed the product and started the registry, and a podman that leaves the machine's own
/// storage alone.
fn environment(desk: &Desk, person: &Person) -> Vec<(String, String)> {
    let home = person.home.path("").display().to_string();
    let storage = format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{home}/storage\"\nrunroot = \"{home}/run\"\n");
    let engine = format!("[engine]\ncgroup_manager = \"cgroupfs\"\ntmp_dir = \"{home}/libpod\"\n");
    let file = |name: &str, content| person.home.write(name, content).display().to_string();
    vec![
        path_with_programs(),
        ("REGISTRY".to_owned(), desk.registry.address().to_owned()),
        ("PULL_SECRET".to_owned(), PULL_SECRET.to_owned()),
        ("CONTAINERS_STORAGE_CONF".to_owned(), file("storage.conf", storage)),
        ("CONTAINERS_CONF".to_owned(), file("containers.conf", engine)),
    ]
}
