//! Secrets Manager with the real SDK.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_secretsmanager::primitives::Blob;
use local::iam::{Identity, Medium, Secrets};
use tempfile::TempDir;

use crate::harness::{Api, REGION, credentials, session, unknown, user, with_another_secret};

const NAME: &str = "registry/ecs";

fn client(api: &Api, identity: &Identity) -> Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(api.endpoint())
        .credentials_provider(credentials(identity));
    Client::from_conf(config.build())
}

async fn started() -> (Api, Client) {
    let api = Api::start().await;
    let client = client(&api, &user());
    (api, client)
}

async fn put(client: &Client, value: &str) -> String {
    client.put_secret_value().secret_id(NAME).secret_string(value).send().await.unwrap().version_id.unwrap()
}

/// Values of the current and the previous version.
async fn values(client: &Client) -> [Option<String>; 2] {
    let mut values = [const { None }; 2];
    for (value, stage) in values.iter_mut().zip(["AWSCURRENT", "AWSPREVIOUS"]) {
        let got = client.get_secret_value().secret_id(NAME).version_stage(stage).send().await;
        *value = got.ok().map(|got| {
            assert_eq!(got.version_stages(), [stage]);
            got.secret_string.unwrap()
        });
    }
    values
}

#[track_caller]
fn code<T: std::fmt::Debug, E: aws_sdk_secretsmanager::error::ProvideErrorMetadata>(
    result: Result<T, SdkError<E>>,
) -> String {
    result.unwrap_err().code().unwrap().to_owned()
}

#[tokio::test]
async fn a_secret_is_found_by_its_name_and_its_arn() {
    let (_api, client) = started().await;
    let made = client.create_secret().name(NAME).secret_string("first").send().await.unwrap();
    let arn = made.arn.unwrap();
    let (partial, suffix) = arn.rsplit_once('-').unwrap();
    assert_eq!(partial, format!("arn:aws:secretsmanager:{REGION}:000000000000:secret:{NAME}"));
    assert_eq!(suffix.len(), 6);
    assert_eq!(made.name.as_deref(), Some(NAME));
    for id in [NAME, &arn, partial] {
        let got = client.get_secret_value().secret_id(id).send().await.unwrap();
        assert_eq!(got.secret_string(), Some("first"), "{id}");
        assert_eq!((got.arn(), got.name()), (Some(arn.as_str()), Some(NAME)));
        assert_eq!(got.version_id, made.version_id);
        assert_eq!(got.version_stages(), ["AWSCURRENT"]);
        assert!(got.created_date().unwrap().secs() > 1_700_000_000);
    }
    for id in ["registry/ec", "registry/ecs/", "Registry/ecs", &partial[..partial.len() - 1], &format!("{arn}x")] {
        let got = client.get_secret_value().secret_id(id).send().await;
        assert!(got.unwrap_err().into_service_error().is_resource_not_found_exception(), "{id}");
        let put = client.put_secret_value().secret_id(id).secret_string("x").send().await;
        assert!(put.unwrap_err().into_service_error().is_resource_not_found_exception(), "{id}");
    }
}

#[tokio::test]
async fn rotation_keeps_the_version_before() {
    let (_api, client) = started().await;
    let first = client.create_secret().name(NAME).secret_string("first").send().await.unwrap().version_id.unwrap();
    assert_eq!(values(&client).await, [Some("first".to_owned()), None]);
    let second = put(&client, "second").await;
    assert_eq!(values(&client).await, [Some("second".to_owned()), Some("first".to_owned())]);
    let third = put(&client, "third").await;
    assert_eq!(values(&client).await, [Some("third".to_owned()), Some("second".to_owned())]);

    let get = || client.get_secret_value().secret_id(NAME);
    assert_eq!(get().version_id(&second).send().await.unwrap().secret_string(), Some("second"));
    let both = get().version_id(&third).version_stage("AWSCURRENT").send().await.unwrap();
    assert_eq!(both.secret_string(), Some("third"));
    for missing in [
        get().version_id(first),
        get().version_id(second).version_stage("AWSCURRENT"),
        get().version_stage("AWSPENDING"),
    ] {
        assert!(missing.send().await.unwrap_err().into_service_error().is_resource_not_found_exception());
    }
}

#[tokio::test]
async fn a_request_sent_twice_changes_nothing_more() {
    let (_api, client) = started().await;
    let [first, second] = ["1", "2"].map(|digit| digit.repeat(32));
    let create = |value| client.create_secret().name(NAME).secret_string(value).client_request_token(&first).send();
    let put = |value, token| {
        client.put_secret_value().secret_id(NAME).secret_string(value).client_request_token(token).send()
    };
    let made = create("first").await.unwrap();
    assert_eq!(made.version_id.as_ref(), Some(&first));
    assert_eq!(create("first").await.unwrap().arn, made.arn);
    assert_eq!(code(create("other").await), "ResourceExistsException");
    assert_eq!(code(client.create_secret().name(NAME).secret_string("first").send().await), "ResourceExistsException");
    for _ in 0..3 {
        put("second", &second).await.unwrap();
    }
    assert_eq!(code(put("other", &second).await), "ResourceExistsException");
    assert_eq!(values(&client).await, [Some("second".to_owned()), Some("first".to_owned())]);
}

#[tokio::test]
async fn what_secrets_manager_doesnt_take_is_refused() {
    let (_api, client) = started().await;
    let create = |name: &str, value: String| client.create_secret().name(name).secret_string(value).send();
    for name in ["", "a b", "a:b", "ä", &"a".repeat(513)] {
        assert_eq!(code(create(name, "x".to_owned()).await), "ValidationException", "{name}");
    }
    for value in [String::new(), "x".repeat(65_537)] {
        assert_eq!(code(create("a", value).await), "ValidationException");
    }
    create(&"a".repeat(512), "\u{1}".repeat(65_536)).await.unwrap();
    create("/_+=.@-!", "x".to_owned()).await.unwrap();

    let token = client.create_secret().name("b").secret_string("x").client_request_token("short");
    assert_eq!(code(token.send().await), "ValidationException");
    let binary = client.create_secret().name("b").secret_binary(Blob::new("x"));
    assert_eq!(code(binary.send().await), "InvalidParameterException");
    let pending = client.put_secret_value().secret_id("/_+=.@-!").secret_string("y").version_stages("AWSPENDING");
    assert_eq!(code(pending.send().await), "InvalidParameterException");
    assert_eq!(code(client.delete_secret().secret_id("b").send().await), "UnknownOperationException");
}

#[tokio::test]
async fn who_cant_be_told_gets_no_secret() {
    let (api, owner) = started().await;
    owner.create_secret().name(NAME).secret_string("the-password").send().await.unwrap();
    let cases = [
        (unknown(), "UnrecognizedClientException"),
        (Identity { session_token: None, ..session() }, "UnrecognizedClientException"),
        (with_another_secret(user()), "InvalidSignatureException"),
    ];
    for (identity, expected) in cases {
        let client = client(&api, &identity);
        let error = client.get_secret_value().secret_id(NAME).send().await.unwrap_err();
        assert_eq!(error.code(), Some(expected));
        assert!(!format!("{error:?}").contains("the-password"));
        let put = client.put_secret_value().secret_id(NAME).secret_string("other").send().await;
        assert_eq!(code(put), expected);
        assert_eq!(code(client.create_secret().name("other").secret_string("other").send().await), expected);
    }
    assert_eq!(values(&owner).await, [Some("the-password".to_owned()), None]);
    client(&api, &session()).get_secret_value().secret_id(NAME).send().await.unwrap();
}

#[tokio::test]
async fn a_file_keeps_the_secrets_over_a_restart() {
    let directory = TempDir::new().unwrap();
    let open = || Secrets::open(REGION, Medium::File(directory.path().join("secrets.json"))).unwrap();
    let api = Api::with(open()).await;
    let first = client(&api, &user());
    let arn = first.create_secret().name(NAME).secret_string("first").send().await.unwrap().arn;
    put(&first, "second").await;
    drop(api);
    let api = Api::with(open()).await;
    let second = client(&api, &user());
    assert_eq!(values(&second).await, [Some("second".to_owned()), Some("first".to_owned())]);
    assert_eq!(second.get_secret_value().secret_id(NAME).send().await.unwrap().arn, arn);
}
