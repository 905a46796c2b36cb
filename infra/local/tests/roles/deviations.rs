//! What roles allow though no function is seen to call it, each with its reason. One that is called after all, or that no
//! role allows, fails the test.

use std::collections::BTreeSet;

use protocol::Function;

use crate::right::Right;

/// Something that is allowed on purpose.
pub(crate) struct Deviation {
    pub(crate) functions: &'static [Function],
    pub(crate) actions: &'static [&'static str],
    /// `{Function}` stands for the function's name as it is in the template.
    place: &'static str,
    pub(crate) reason: &'static str,
}

pub(crate) const ALL: &[Deviation] = &[
    Deviation {
        functions: Function::ALL,
        actions: &["logs:CreateLogStream", "logs:PutLogEvents"],
        place: "{Function}Logs.Arn",
        reason: "Lambda writes the function's log with its role",
    },
    Deviation {
        functions: Function::ALL,
        actions: &["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        place: "*",
        reason: "with Tracing, Lambda sends traces with the function's role; X-Ray has no resources to name",
    },
    Deviation {
        functions: &[Function::BlobUpload, Function::ManifestPut, Function::ManifestGet, Function::Schema1Upgrade],
        actions: &["s3:ListBucket"],
        place: "Bucket.Arn",
        reason: "isn't called, but lets S3 say that an object is absent; without it the answer is 403",
    },
    Deviation {
        functions: &[Function::Schema1Upgrade],
        actions: &["lambda:InvokeFunction"],
        place: "Schema1UpgradeFunction.Arn",
        reason: "it goes on in another run when its 15 minutes are nearly over",
    },
    Deviation {
        functions: &[Function::Collector],
        actions: &["lambda:InvokeFunction"],
        place: "CollectorFunction.Arn",
        reason: "it goes on in another run when its 15 minutes are nearly over",
    },
];

impl Deviation {
    /// Where a function may do it.
    pub(crate) fn place(&self, function: Function) -> String {
        self.place.replace("{Function}", &in_the_template(function))
    }

    fn rights(&self, function: Function) -> impl Iterator<Item = Right> {
        self.actions.iter().map(move |action| Right::new(action, &self.place(function)))
    }
}

pub(crate) fn of(function: Function) -> BTreeSet<Right> {
    ALL.iter().filter(|it| it.functions.contains(&function)).flat_map(|it| it.rights(function)).collect()
}

/// `ManifestPut` for `manifest-put`.
fn in_the_template(function: Function) -> String {
    function.name().split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
