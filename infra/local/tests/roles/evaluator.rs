//! That the roles are read as IAM reads them: what isn't allowed is found out.

use protocol::Function;

use crate::call::Call;
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
    // Two statements allow one each.
    let get = |keys: &[&str]| role.allows(&Call::new("dynamodb:GetItem", "Table.Arn", keys));
    assert!(get(&["REPOSITORY#team/app"]) && get(&["GRANTS"]));
    assert!(!get(&["REPOSITORY#team/app", "GRANTS"]));
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
fn what_no_call_needs_is_named() {
    let role = Role::of(Function::BlobGet);
    let calls = [
        Call::new("dynamodb:GetItem", "Table.Arn", &["BLOB#sha256:00"]),
        Call::new("dynamodb:Query", "Table.Arn", &["KEYPUBLIC"]),
    ];
    let unused = role.unused(&calls.iter().collect::<Vec<_>>());
    for expected in [
        "dynamodb:DeleteItem on REPOSITORY#*, BLOB#*",
        "REPOSITORY#* for dynamodb:GetItem, dynamodb:UpdateItem, dynamodb:DeleteItem",
        "GRANTS for dynamodb:GetItem, dynamodb:Query",
        "s3:GetObject on Bucket.Arn/blobs/*",
    ] {
        assert!(unused.contains(expected), "{expected} isn't in {unused:?}");
    }
    assert!(
        !unused.iter().any(|right| right.starts_with("dynamodb:Query") || right.starts_with("BLOB#")),
        "{unused:?}"
    );
}
