//! `repository create`, and who may.

use crate::deployment::{Deployment, command};

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_created_once_and_then_listed() {
    let deployment = Deployment::start().await;
    deployment.says(&["create", "team/app"], "created team/app").await;
    deployment.says(&["create", "team/app"], "team/app exists already").await;
    let catalog = deployment.storage.catalog("", None, 10).await.unwrap();
    assert_eq!(catalog.items, ["team/app".parse().unwrap()]);
    deployment.storage.start_upload(&"team/app".parse().unwrap(), &storage::new_upload_id().unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn region_and_credentials_may_be_a_profiles() {
    let deployment = Deployment::start().await;
    let home = tempfile::tempdir().unwrap();
    let keys = "aws_access_key_id=test\naws_secret_access_key=a-secret-of-the-test\n";
    let config = home.path().join("config");
    std::fs::write(&config, format!("[profile desk]\nregion=us-east-1\n{keys}")).unwrap();
    let mut command = command(&["create", "team/app"]);
    command.env_remove("AWS_REGION").env("AWS_CONFIG_FILE", config).env("AWS_PROFILE", "desk");
    command.env("AWS_ENDPOINT_URL_DYNAMODB", &deployment.endpoint);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "created team/app\n");
}

#[test]
fn what_is_missing_is_named_and_no_secret_is_shown() {
    let without = command(&["create", "team/app"]).output().unwrap();
    let message = String::from_utf8(without.stderr).unwrap();
    assert!(!without.status.success() && message.contains("no AWS credentials in the environment"), "{message}");
    let anywhere = command(&["create", "team/app"]).env_remove("AWS_REGION").output().unwrap();
    let message = String::from_utf8(anywhere.stderr).unwrap();
    assert!(!anywhere.status.success() && message.contains("no AWS region"), "{message}");
    let help = command(&["create", "--help"]).env("AWS_SECRET_ACCESS_KEY", "do-not-show").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("REGISTRY_TABLE") && !help.contains("do-not-show"), "{help}");
    let invalid = command(&["create", "Team/App"]).output().unwrap();
    assert!(String::from_utf8(invalid.stderr).unwrap().contains("Team/App"));
}
