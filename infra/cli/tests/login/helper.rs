//! `docker-credential-lambda-registry`, as clients call it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::desk::{Desk, SECRET_KEY, Told, ask, finish, run, start};
use crate::registry::{Answer, TWELVE_HOURS};
use crate::signature::assert_signed;

/// What clients take as "go on without": word for word.
const NOT_FOUND: &str = "credentials not found in native keychain\n";

const HALF_AN_HOUR: u64 = 30 * 60;

fn get(desk: &Desk) -> Told {
    ask(&mut desk.helper("get"), &desk.host())
}

/// As somebody with another environment.
fn get_with(desk: &Desk, variables: &[(&str, &str)]) -> Told {
    ask(desk.helper("get").envs(variables.iter().copied()), &desk.host())
}

#[track_caller]
fn assert_password(told: &Told, desk: &Desk, password: &str) {
    let host = desk.host();
    assert!(told.success, "{told:?}");
    assert_eq!(told.stdout, format!("{{\"ServerURL\":\"{host}\",\"Username\":\"AWS\",\"Secret\":\"{password}\"}}\n"));
}

/// The desk's directory of passwords for its registry.
fn directory(desk: &Desk) -> PathBuf {
    desk.path(".cache/lambda-registry").join(desk.host())
}

fn files(desk: &Desk) -> Vec<PathBuf> {
    std::fs::read_dir(directory(desk)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_to_ask_signs_in_and_the_next_get_the_same_password() {
    let desk = Desk::new();
    for _ in 0..3 {
        let told = get(&desk);
        assert_password(&told, &desk, "password-1");
        assert_eq!(told.stderr, "");
    }
    let seen = desk.registry.seen();
    assert_eq!(seen.len(), 1);
    assert_signed(&seen[0], "AKIDTEST", None, "eu-central-1");
}

#[test]
fn the_server_comes_back_as_it_was_named() {
    let desk = Desk::new();
    let named = format!("http://{}/", desk.host());
    let told = ask(&mut desk.helper("get"), &format!("{named}\n"));
    assert!(told.success && told.stdout.contains(&format!("\"ServerURL\":\"{named}\"")), "{told:?}");
    assert_password(&get(&desk), &desk, "password-1");
}

#[test]
fn only_the_owner_may_read_what_is_kept() {
    let desk = Desk::new();
    let readable = std::fs::Permissions::from_mode(0o755);
    std::fs::create_dir_all(directory(&desk)).unwrap();
    std::fs::set_permissions(directory(&desk), readable).unwrap();
    assert_password(&get(&desk), &desk, "password-1");
    let files = files(&desk);
    assert_eq!(files.len(), 1);
    assert_eq!(mode(&files[0]), 0o600);
    assert_eq!(mode(&directory(&desk)), 0o700);
    assert_eq!(mode(directory(&desk).parent().unwrap()), 0o700);
    let kept = std::fs::read_to_string(&files[0]).unwrap();
    assert!(kept.contains("password-1") && !kept.contains(SECRET_KEY), "{kept}");
}

#[test]
fn the_cache_is_where_the_environment_says() {
    let desk = Desk::new();
    let elsewhere = desk.path("elsewhere");
    assert_password(&get_with(&desk, &[("XDG_CACHE_HOME", elsewhere.to_str().unwrap())]), &desk, "password-1");
    assert!(elsewhere.join("lambda-registry").join(desk.host()).is_dir());
    assert!(!desk.path(".cache").exists());
}

#[test]
fn a_password_is_renewed_in_its_last_hour() {
    let desk = Desk::new();
    desk.registry.answer(Answer::Password(HALF_AN_HOUR));
    assert_password(&get(&desk), &desk, "password-1");
    assert_password(&get(&desk), &desk, "password-2");
    assert_password(&get(&desk), &desk, "password-2");
    assert_eq!(files(&desk).len(), 1);
}

#[test]
fn a_password_that_cant_be_renewed_is_used_to_its_end() {
    let desk = Desk::new();
    desk.registry.answer(Answer::Password(HALF_AN_HOUR));
    assert_password(&get(&desk), &desk, "password-1");
    desk.registry.answer(Answer::Failure(503, "", r#"{"message":"Service Unavailable"}"#));
    let told = get(&desk);
    assert_password(&told, &desk, "password-1");
    assert!(told.stderr.contains("couldn't be renewed") && told.stderr.contains("503"), "{told:?}");

    let desk = Desk::new();
    desk.registry.answer(Answer::Password(0));
    assert_password(&get(&desk), &desk, "password-1");
    desk.registry.answer(Answer::Failure(503, "", r#"{"message":"Service Unavailable"}"#));
    let told = get(&desk);
    assert!(!told.success && told.stdout.contains("503"), "{told:?}");
}

#[test]
fn whoever_switches_identities_gets_no_other_ones_password() {
    let desk = Desk::new();
    let profiles = |first: &str, second: &str| {
        let keys = |id| format!("aws_access_key_id={id}\naws_secret_access_key={SECRET_KEY}\n");
        desk.write(".aws/credentials", &format!("[first]\n{}[second]\n{}", keys(first), keys(second)));
    };
    // No variable at all is what an empty one is.
    let by_profile = |name| [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""), ("AWS_PROFILE", name)];
    profiles("AKIDFIRST", "AKIDSECOND");
    assert_password(&get(&desk), &desk, "password-1");
    assert_password(&get_with(&desk, &[("AWS_ACCESS_KEY_ID", "AKIDOTHER")]), &desk, "password-2");
    assert_password(&get_with(&desk, &by_profile("first")), &desk, "password-3");
    assert_password(&get_with(&desk, &by_profile("second")), &desk, "password-4");
    // And back: each has kept its own.
    assert_password(&get(&desk), &desk, "password-1");
    assert_password(&get_with(&desk, &[("AWS_ACCESS_KEY_ID", "AKIDOTHER")]), &desk, "password-2");
    assert_password(&get_with(&desk, &by_profile("first")), &desk, "password-3");
    // The same name, somebody else.
    profiles("AKIDTHIRD", "AKIDSECOND");
    assert_password(&get_with(&desk, &by_profile("first")), &desk, "password-5");
    let seen = desk.registry.seen();
    let keys: Vec<_> = seen.iter().map(|seen| seen.access_key_id()).collect();
    assert_eq!(keys, ["AKIDTEST", "AKIDOTHER", "AKIDFIRST", "AKIDSECOND", "AKIDTHIRD"]);
}

#[test]
fn a_new_session_of_the_same_key_signs_in_no_second_time() {
    let desk = Desk::new();
    assert_password(&get_with(&desk, &[("AWS_SESSION_TOKEN", "monday")]), &desk, "password-1");
    assert_password(&get_with(&desk, &[("AWS_SESSION_TOKEN", "tuesday")]), &desk, "password-1");
}

#[test]
fn what_isnt_a_password_in_the_cache_is_replaced() {
    let desk = Desk::new();
    assert_password(&get(&desk), &desk, "password-1");
    let file = files(&desk).remove(0);
    let good = std::fs::read_to_string(&file).unwrap();
    let expires_at = u64::MAX;
    for (number, broken) in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        "\0\u{fffd}".to_owned(),
        format!(r#"{{"password":"","expires_at":{expires_at}}}"#),
        format!(r#"{{"password":"a b","expires_at":{expires_at}}}"#),
        r#"{"password":"password-1","expires_at":-1}"#.to_owned(),
    ]
    .iter()
    .enumerate()
    {
        std::fs::write(&file, broken).unwrap();
        assert_password(&get(&desk), &desk, &format!("password-{}", number + 2));
    }
}

#[test]
fn a_password_that_cant_be_kept_is_still_a_password() {
    let desk = Desk::new();
    desk.write(".cache", "not a directory");
    for number in 1..=2 {
        let told = get(&desk);
        assert_password(&told, &desk, &format!("password-{number}"));
        assert!(told.stderr.contains("can't be kept"), "{told:?}");
    }
}

#[test]
fn of_many_at_once_one_signs_in_and_the_others_wait() {
    let desk = Desk::new();
    desk.registry.hold();
    let helpers: Vec<_> = (0..8).map(|_| start(&mut desk.helper("get"), &desk.host())).collect();
    desk.registry.release();
    for helper in helpers {
        assert_password(&finish(helper), &desk, "password-1");
    }
    assert_eq!(desk.registry.seen().len(), 1);
    assert_eq!(files(&desk).len(), 1, "nothing is left over");
}

#[test]
fn expired_passwords_of_other_identities_go_when_a_new_one_comes() {
    let desk = Desk::new();
    desk.registry.answer(Answer::Password(0));
    assert_password(&get_with(&desk, &[("AWS_ACCESS_KEY_ID", "AKIDGONE")]), &desk, "password-1");
    assert_password(&get_with(&desk, &[("AWS_ACCESS_KEY_ID", "AKIDSTAYS")]), &desk, "password-2");
    assert_password(&get(&desk), &desk, "password-3");
    assert_eq!(files(&desk).len(), 2);
    assert_password(&get_with(&desk, &[("AWS_ACCESS_KEY_ID", "AKIDSTAYS")]), &desk, "password-2");
}

#[test]
fn erase_forgets_a_registry_and_no_other() {
    let (desk, other) = (Desk::new(), crate::registry::Registry::start());
    let other = other.address.to_string();
    assert_password(&get(&desk), &desk, "password-1");
    assert_password(&get_with(&desk, &[("AWS_ACCESS_KEY_ID", "AKIDOTHER")]), &desk, "password-2");
    assert!(ask(&mut desk.helper("get"), &other).success);
    for _ in 0..2 {
        let told = ask(&mut desk.helper("erase"), &format!("{}\n", desk.host()));
        assert!(told.success && told.stdout.is_empty() && told.stderr.is_empty(), "{told:?}");
    }
    assert!(files(&desk).is_empty());
    let listed = run(&mut desk.helper("list"));
    assert_eq!(listed.stdout, format!("{{\"{other}\":\"AWS\"}}\n"));
    assert_password(&get(&desk), &desk, "password-3");
    for unknown in ["registry.example.com", "https://index.docker.io/v1/"] {
        assert!(ask(&mut desk.helper("erase"), unknown).success);
    }
}

#[test]
fn list_names_the_registries_whose_passwords_are_good() {
    let desk = Desk::new();
    assert_eq!(run(&mut desk.helper("list")).stdout, "{}\n");
    desk.registry.answer(Answer::Password(0));
    assert_password(&get(&desk), &desk, "password-1");
    desk.write(".cache/lambda-registry/notes.txt", "not a registry");
    assert_eq!(run(&mut desk.helper("list")).stdout, "{}\n");
    desk.registry.answer(Answer::Password(TWELVE_HOURS));
    assert_password(&get(&desk), &desk, "password-2");
    assert_eq!(run(&mut desk.helper("list")).stdout, format!("{{\"{}\":\"AWS\"}}\n", desk.host()));
}

#[test]
fn store_says_why_it_stores_nothing() {
    let desk = Desk::new();
    let input = format!(r#"{{"ServerURL":"{}","Username":"robot","Secret":"from-elsewhere"}}"#, desk.host());
    let told = ask(&mut desk.helper("store"), &input);
    assert!(!told.success && told.stdout.contains("can't be stored"), "{told:?}");
    assert!(!told.stdout.contains("from-elsewhere") && !desk.path(".cache").exists(), "{told:?}");
}

#[test]
fn clients_go_on_without_a_password_where_there_is_none_to_have() {
    let desk = Desk::new();
    for elsewhere in ["https://index.docker.io/v1/", "http://registry.example.com", "not a host"] {
        let told = ask(&mut desk.helper("get"), elsewhere);
        assert!(!told.success && !told.stderr.is_empty(), "{told:?}");
        assert_eq!(told.stdout, NOT_FOUND);
    }
    assert!(desk.registry.seen().is_empty());

    desk.registry.answer(Answer::Failure(404, "", r#"{"message":"Not Found"}"#));
    let told = get(&desk);
    assert_eq!((told.success, told.stdout.as_str()), (false, NOT_FOUND));
    assert!(told.stderr.contains("is no lambda-registry"), "{told:?}");

    let nobody = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    let told = get_with(&desk, &nobody);
    assert_eq!((told.success, told.stdout.as_str()), (false, NOT_FOUND));
    assert!(told.stderr.contains("aws sso login"), "{told:?}");
    assert_eq!(desk.registry.seen().len(), 1);
}

#[test]
fn a_refusal_is_told_to_the_client() {
    let desk = Desk::new();
    desk.registry.answer(Answer::Failure(403, "", r#"{"message":"Forbidden"}"#));
    let told = get(&desk);
    assert!(!told.success && told.stdout.contains("execute-api:Invoke"), "{told:?}");
    assert_eq!(told.stdout.lines().count(), 1);
    desk.registry.answer(Answer::Cut);
    let told = get(&desk);
    assert!(!told.success && told.stdout.contains("can't be reached"), "{told:?}");
}

#[test]
fn a_call_that_isnt_the_protocols_is_explained() {
    let desk = Desk::new();
    for action in ["get", "erase"] {
        let told = ask(&mut desk.helper(action), " \n");
        assert_eq!((told.success, told.stdout.as_str()), (false, "no credentials server URL\n"));
    }
    for mut command in [desk.helper("put"), desk.helper("--help")] {
        let told = run(&mut command);
        assert!(!told.success && told.stdout.starts_with("usage: docker-credential-lambda-registry get|"), "{told:?}");
    }
    let told = run(desk.helper("get").arg("more"));
    assert!(!told.success && told.stdout.starts_with("usage: "), "{told:?}");
    let told = run(&mut desk.helper("version"));
    assert!(told.success && told.stdout.starts_with("docker-credential-lambda-registry "), "{told:?}");
}
