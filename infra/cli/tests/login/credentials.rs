//! Where AWS credentials come from: the chain that every AWS tool walks.

use crate::desk::{Desk, SECRET_KEY, SESSION_TOKEN, Told, run};
use crate::signature::assert_signed;

/// Runs `login-password` in an environment of `variables`.
fn login(desk: &Desk, variables: &[(&str, &str)]) -> Told {
    run(desk.login_password(&desk.host()).envs(variables.iter().copied()))
}

fn profile(name: &str, access_key_id: &str, region: &str) -> String {
    format!("[{name}]\naws_access_key_id={access_key_id}\naws_secret_access_key={SECRET_KEY}\nregion={region}\n")
}

#[test]
fn profiles_are_found_in_the_home_directory_and_chosen_by_name() {
    let desk = Desk::new();
    let work = profile("profile work", "AKIDWORK", "us-west-2");
    desk.write(".aws/config", &(profile("default", "AKIDDEFAULT", "eu-west-1") + &work));
    assert!(login(&desk, &[]).success);
    assert!(login(&desk, &[("AWS_PROFILE", "work")]).success);
    let seen = desk.registry.seen();
    assert_signed(&seen[0], "AKIDDEFAULT", None, "eu-west-1");
    assert_signed(&seen[1], "AKIDWORK", None, "us-west-2");
}

#[test]
fn profiles_may_be_in_files_elsewhere_and_the_environment_stands_before_them() {
    let desk = Desk::new();
    let config = desk.write("elsewhere/config", "[default]\nregion=eu-north-1\n");
    let keys = desk.write("elsewhere/keys", &profile("default", "AKIDFILE", "unused-1"));
    let files =
        [("AWS_CONFIG_FILE", config.to_str().unwrap()), ("AWS_SHARED_CREDENTIALS_FILE", keys.to_str().unwrap())];
    let environment = [("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT"), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)];
    assert!(login(&desk, &[files[0], files[1], ("AWS_REGION", "eu-north-1")]).success);
    assert!(login(&desk, &[files[0], files[1], environment[0], environment[1], ("AWS_REGION", "sa-east-1")]).success);
    let seen = desk.registry.seen();
    assert_signed(&seen[0], "AKIDFILE", None, "eu-north-1");
    assert_signed(&seen[1], "AKIDENVIRONMENT", None, "sa-east-1");
}

#[test]
fn a_process_may_say_them() {
    let desk = Desk::new();
    let answer = format!(
        r#"{{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"{SECRET_KEY}","SessionToken":"{SESSION_TOKEN}"}}"#
    );
    let file = desk.write("answer.json", &answer);
    desk.write(".aws/config", &format!("[default]\nregion=eu-west-1\ncredential_process=cat {}\n", file.display()));
    let told = login(&desk, &[]);
    assert!(told.success, "{told:?}");
    assert_signed(&desk.registry.seen()[0], "AKIDPROCESS", Some(SESSION_TOKEN), "eu-west-1");
}

#[test]
fn one_who_has_none_is_told_where_to_get_them() {
    let desk = Desk::new();
    let told = login(&desk, &[("AWS_REGION", "eu-central-1")]);
    assert!(!told.success && told.stdout.is_empty(), "{told:?}");
    for advice in ["no AWS credentials in the environment", "aws sso login", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"] {
        assert!(told.stderr.contains(advice), "{told:?}");
    }
    assert!(desk.registry.seen().is_empty());
}

#[test]
fn credentials_that_cant_be_had_are_told_with_the_reason() {
    let desk = Desk::new();
    desk.write(".aws/config", "[default]\nregion=eu-west-1\ncredential_process=echo the session is over >&2; exit 1\n");
    let told = login(&desk, &[]);
    assert!(!told.success && told.stderr.contains("the session is over"), "{told:?}");
    let told = login(&desk, &[("AWS_PROFILE", "nobodys"), ("AWS_REGION", "eu-west-1")]);
    assert!(!told.success && told.stderr.contains("nobodys"), "{told:?}");
    let told = login(
        &desk,
        &[("AWS_ACCESS_KEY_ID", "two\nlines"), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY), ("AWS_REGION", "eu-west-1")],
    );
    assert!(!told.success && told.stderr.contains("characters that can't be sent"), "{told:?}");
    assert!(desk.registry.seen().is_empty());
}
