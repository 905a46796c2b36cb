//! STS with the real SDK.

use aws_sdk_sts::Client;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::{BehaviorVersion, Region};
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use local::iam::Identity;

use crate::harness::{Api, REGION, credentials, session, unknown, user, with_another_secret};

fn client(api: &Api, region: &'static str, identity: &Identity) -> Client {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(api.endpoint())
        .credentials_provider(credentials(identity));
    Client::from_conf(config.build())
}

#[tokio::test]
async fn who_calls_learns_who_they_are() {
    let api = Api::start().await;
    for identity in [user(), session()] {
        let answer = client(&api, REGION, &identity).get_caller_identity().send().await.unwrap();
        assert_eq!(answer.arn(), Some(identity.arn.as_str()));
        assert_eq!(answer.account(), Some(identity.account_id.as_str()));
        assert_eq!(answer.user_id(), Some(identity.user_id.as_str()));
    }
}

#[tokio::test]
async fn who_cant_be_told_gets_no_answer() {
    let api = Api::start().await;
    let without_token = Identity { session_token: None, ..session() };
    let cases = [
        (REGION, unknown(), "InvalidClientTokenId"),
        (REGION, without_token, "InvalidClientTokenId"),
        (REGION, with_another_secret(user()), "SignatureDoesNotMatch"),
        ("eu-west-1", user(), "SignatureDoesNotMatch"),
    ];
    for (region, identity, code) in cases {
        let error = client(&api, region, &identity).get_caller_identity().send().await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 403, "{code}");
        assert_eq!(error.code(), Some(code));
        let shown = format!("{error:?}");
        assert!(!shown.contains(&user().secret_access_key) && !shown.contains(&session().secret_access_key), "{shown}");
    }
}

#[tokio::test]
async fn other_actions_are_refused_by_name() {
    let api = Api::start().await;
    let error = client(&api, REGION, &user()).get_session_token().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidAction"));
}
