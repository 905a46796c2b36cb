//! Tokens whose time is over while something is being pushed.

use lambda_registry_tests::content::Content;
use lambda_registry_tests::desk::{Desk, wait_until_it_expires};
use lambda_registry_tests::http::Answer;
use lambda_registry_tests::wire::Wire;

use crate::person::Person;
use crate::relay::Relay;
use crate::tool::Tool;

/// In seconds; long enough for what a client sends before it is made to wait.
const LIFETIME: &str = "5";

const SCOPE: &str = "repository:team/app:pull,push";

/// Side by side, because each of them mostly waits.
#[test]
fn clients_whose_token_expires_in_the_middle_of_a_push_get_another_one() {
    std::thread::scope(|scope| {
        for tool in Tool::ALL {
            scope.spawn(move || expect_another_token(tool));
        }
    });
}

fn expect_another_token(tool: Tool) {
    let desk = Desk::start(&["--token-lifetime", LIFETIME]);
    let relay = Relay::holding(
        &desk,
        match tool {
            // Between the bytes of a blob and the request that says that these were all.
            Tool::Podman | Tool::Skopeo | Tool::Buildah | Tool::Crane => "PATCH",
            // They send the token of the POST with the PUT that follows at once.
            Tool::Oras | Tool::Helm | Tool::Regctl => "HEAD",
        },
    );

    Person::logged_in(tool, &relay, &desk.admin).push("team/app").expect_success();

    relay.expect_another_token();
}

#[test]
fn a_session_goes_on_with_another_token_when_its_first_one_has_expired() {
    let desk = Desk::start(&["--token-lifetime", LIFETIME]);
    let content = Content { number: 1, length: 3_000_000 };
    let token = desk.bearer(&desk.admin, SCOPE);
    let location = open(&desk, &token);
    patch(&desk, &location, &token, content, (0, 1_000_000)).expect(202);
    wait_until_it_expires(desk.registry.address(), &token);

    let refused = patch(&desk, &location, &token, content, (1_000_000, 2_000_000));

    assert!(refused.expect_error(401, "UNAUTHORIZED").contains("expired"));
    let challenge = refused.expect_header("www-authenticate");
    assert!(challenge.contains("scope=\"repository:team/app:pull,push\",error=\"invalid_token\""), "{challenge}");
    let other = || desk.bearer(&desk.admin, SCOPE);
    let done = patch(&desk, &location, &other(), content, (1_000_000, 3_000_000)).expect(202);
    assert_eq!(done.expect_header("range"), "0-2999999");
    let finish = format!("{location}?digest={}", content.digest());
    desk.request("PUT", &finish, &other()).send().expect(201);
}

#[test]
fn a_body_that_is_on_its_way_when_its_token_expires_arrives() {
    let desk = Desk::start(&["--token-lifetime", LIFETIME]);
    let content = Content { number: 2, length: 20_000_000 };
    let token = desk.bearer(&desk.admin, SCOPE);
    let location = open(&desk, &token);
    let mut wire = Wire::open(desk.registry.address(), "PATCH", &location, &[("Authorization", &token)]);
    wire.send(content.range(0, 10_000_000));
    wait_until_it_expires(desk.registry.address(), &token);

    wire.send(content.range(10_000_000, 20_000_000));
    wire.finish().expect(202);

    let finish = format!("{location}?digest={}", content.digest());
    desk.request("PUT", &finish, &desk.bearer(&desk.admin, SCOPE)).send().expect(201);
}

/// Opens a session and returns its path.
#[track_caller]
fn open(desk: &Desk, token: &str) -> String {
    let opened = desk.request("POST", "/v2/team/app/blobs/uploads/", token).send().expect(202);
    opened.expect_header("location").to_owned()
}

#[track_caller]
fn patch(desk: &Desk, location: &str, token: &str, content: Content, (start, end): (u64, u64)) -> Answer {
    let range = format!("{start}-{}", end - 1);
    let headers = [("Authorization", token), ("Content-Range", &range)];
    let mut wire = Wire::open(desk.registry.address(), "PATCH", location, &headers);
    wire.send(content.range(start, end));
    wire.finish()
}
