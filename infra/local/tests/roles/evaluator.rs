//! That the roles are read as IAM reads them: what isn't allowed is found out.

use protocol::Function;

use crate::call::Call;
use crate::differences;
use crate::right::{Needs, Right};
use crate::role::Role;

#[test]
fn nobody_but_auth_reaches_private_keys_and_users() {
    for &function in Function::ALL {
        for key in ["KEYPRIVATE", "USER"] {
            let read = Call::new("dynamodb:GetItem", "Table.Arn", &[key]);
            assert_eq!(Role::of(function).allows(&read), function == Function::Auth, "{} {key}", function.name());
            for action in ["Query", "BatchGetItem", "UpdateItem", "DeleteItem", "Scan"] {
                let call = Call::new(&format!("dynamodb:{action}"), "Table.Arn", &[key]);
                assert!(!Role::of(function).allows(&call), "{} may {call}", function.name());
            }
        }
    }
}

#[test]
fn a_key_that_is_allowed_lends_nothing_to_one_beside_it() {
    let role = Role::of(Function::ManifestGet);
    let batch = |keys: &[&str]| role.allows(&Call::new("dynamodb:BatchGetItem", "Table.Arn", keys));
    assert!(batch(&["REPOSITORY#team/app", "BLOB#sha256:00"]));
    assert!(!batch(&["REPOSITORY#team/app", "KEYPRIVATE"]));
    // What a statement allows for one action it doesn't for another.
    let role = Role::of(Function::ManifestPut);
    let both = |action| role.allows(&Call::new(action, "Table.Arn", &["REPOSITORY#team/app", "DERIVED#team/app"]));
    assert!(both("dynamodb:DeleteItem") && !both("dynamodb:PutItem"));
}

#[test]
fn an_action_is_allowed_on_the_resource_that_it_is_allowed_on() {
    let role = Role::of(Function::BlobGet);
    assert!(role.allows(&Call::new("s3:GetObject", "Bucket.Arn/blobs/1/object", &[])));
    for (action, resource) in [
        ("s3:GetObject", "Bucket.Arn/manifests/1"),
        ("s3:GetObject", "Bucket.Arn/blobs"),
        ("s3:PutObject", "Bucket.Arn/blobs/1/object"),
        ("dynamodb:GetItem", "Bucket.Arn/blobs/1/object"),
    ] {
        assert!(!role.allows(&Call::new(action, resource, &[])), "{action} {resource}");
    }
    // Other tables, and partitions that only begin like one.
    assert!(!role.allows(&Call::new("dynamodb:GetItem", "OtherTable.Arn", &["REPOSITORY#team/app"])));
    assert!(!role.allows(&Call::new("dynamodb:GetItem", "Table.Arn", &["REPOSITORY"])));
    assert!(!role.allows(&Call::new("dynamodb:GetItem", "Table.Arn", &["GRANTS#"])));
}

#[test]
fn what_no_call_needs_and_what_no_role_allows_is_named() {
    let calls = [
        Call::new("dynamodb:GetItem", "Table.Arn", &["REPOSITORY#team/app"]),
        Call::new("dynamodb:Query", "Table.Arn", &["KEYPRIVATE"]),
        Call::new("s3:GetObject", "Bucket.Arn/blobs/1/object", &[]),
        // A role allows it on purpose, to nobody who calls it.
        Call::new("logs:PutLogEvents", "BlobGetLogs.Arn", &[]),
    ];
    let differences = differences(Function::BlobGet, &Needs::of(&calls));
    for expected in [
        "blob-get is allowed, and never calls, dynamodb:GetItem on GRANTS",
        "blob-get is allowed, and never calls, dynamodb:DeleteItem on REPOSITORY#*",
        "blob-get calls, and isn't allowed, dynamodb:Query on KEYPRIVATE",
        "blob-get has no deviation in logs:PutLogEvents on BlobGetLogs.Arn",
    ] {
        assert!(differences.contains(&expected.to_owned()), "{expected:?} isn't in {differences:?}");
    }
    let fits = ["dynamodb:GetItem on REPOSITORY#*", "s3:GetObject"];
    assert!(!differences.iter().any(|difference| fits.iter().any(|fit| difference.contains(fit))), "{differences:?}");
}

#[test]
fn a_transaction_needs_each_action_on_its_own_partition_and_for_its_sake_on_the_others() {
    let in_one = |action, key: &str| Call {
        own_key: Some(key.to_owned()),
        ..Call::new(action, "Table.Arn", &["REPOSITORY#team/app", "CATALOG"])
    };
    let calls = [in_one("dynamodb:PutItem", "CATALOG"), in_one("dynamodb:UpdateItem", "REPOSITORY#team/app")];
    let needs = Needs::of(&calls);
    let right = Right::new;
    let own = [right("dynamodb:PutItem", "CATALOG"), right("dynamodb:UpdateItem", "REPOSITORY#*")];
    let together = [right("dynamodb:PutItem", "REPOSITORY#*"), right("dynamodb:UpdateItem", "CATALOG")];
    assert_eq!((needs.own, needs.together), (own.into(), together.into()));
}

#[test]
fn nothing_but_what_has_no_resources_is_allowed_on_all_of_them() {
    for &function in Function::ALL {
        let rights = Role::of(function).rights();
        let everywhere = rights.iter().filter(|right| right.place.starts_with('*'));
        assert!(
            everywhere.clone().all(|right| right.action.starts_with("xray:")),
            "{:?}",
            everywhere.collect::<Vec<_>>()
        );
    }
}
