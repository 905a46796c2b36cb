//! An image comes out as it went in, and in other formats.

use bytes::Bytes;
use protocol::{Digest, MediaType};

use super::unanswered;
use crate::doctor::answer::{Answer, Head, Outcome, said};
use crate::doctor::check::Check;
use crate::doctor::finding::Finding;

/// What was pushed.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Stored {
    pub(in crate::doctor) digest: Digest,
    pub(in crate::doctor) media_type: MediaType,
    pub(in crate::doctor) bytes: Bytes,
}

/// The manifest by tag and by digest.
pub(in crate::doctor) fn pull(stored: &Stored, by_tag: &Outcome, by_digest: &Outcome) -> Finding {
    for (what, outcome) in [("by tag", by_tag), ("by digest", by_digest)] {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(reason) => return unanswered(Check::Pull, &format!("GET of the manifest {what}"), reason),
        };
        if let Some(fault) = difference(stored, answer) {
            return Finding::failure(
                Check::Pull,
                format!("the manifest {what}: {fault}"),
                "images can't be pulled, or their digests don't hold",
                "look into the log of manifest-get, and at what stands before the gateway: it must not change bodies \
                 or headers, or keep answers",
            );
        }
    }
    Finding::ok(Check::Pull, "by tag and by digest the manifest comes out as it went in")
}

fn difference(stored: &Stored, answer: &Answer) -> Option<String> {
    if answer.status != 200 {
        return Some(answer.said());
    }
    if answer.body != stored.bytes {
        return Some(format!("{} bytes went in and {} others came out", stored.bytes.len(), answer.body.len()));
    }
    let headers =
        [("content-type", stored.media_type.to_string()), ("docker-content-digest", stored.digest.to_string())];
    let wrong = headers.into_iter().find(|(name, expected)| answer.header(name) != Some(expected));
    wrong.map(|(name, expected)| format!("{name} is {}, not {expected}", answer.header(name).unwrap_or("missing")))
}

/// HEAD of the manifest, by tag and by digest.
pub(in crate::doctor) fn head(stored: &Stored, by_tag: &Outcome<Head>, by_digest: &Outcome<Head>) -> Finding {
    for (what, outcome) in [("by tag", by_tag), ("by digest", by_digest)] {
        let head = match outcome {
            Ok(head) => head,
            Err(reason) => return unanswered(Check::ManifestHead, &format!("HEAD of the manifest {what}"), reason),
        };
        let (answer, digest) = (&head.answer, stored.digest.to_string());
        let fault = if answer.status != 200 {
            format!("is answered with {}", answer.said())
        } else if head.trailing > 0 {
            format!("is answered with {} bytes of body", head.trailing)
        } else if answer.length() != Some(stored.bytes.len() as u64) {
            let length = answer.header("content-length").unwrap_or("missing");
            format!("has a Content-Length that is {length}, of {} bytes", stored.bytes.len())
        } else if answer.header("docker-content-digest") != Some(&digest) {
            "has no Docker-Content-Digest, or another one than GET".to_owned()
        } else {
            continue;
        };
        return Finding::failure(
            Check::ManifestHead,
            format!("HEAD of the manifest {what} {fault}"),
            "containerd and others ask HEAD first: they take the image for absent, or its size for wrong",
            "the gateway has to drop the body of HEAD and keep its length: see that nothing before it changes the \
             two, and that the route HEAD leads to manifest-get as in the template",
        );
    }
    Finding::ok(
        Check::ManifestHead,
        format!("HEAD has the length of {} bytes, the digest, and no body", stored.bytes.len()),
    )
}

/// The image as schema 2, and then by the digest that it has in that format.
pub(in crate::doctor) fn conversion(stored: &Stored, by_tag: &Outcome, by_digest: Option<&Outcome>) -> Finding {
    let failed = |observed: String| {
        Finding::failure(
            Check::Conversion,
            observed,
            "clients that don't know OCI manifests can't pull what others pushed",
            "look into the log of manifest-get; see that nothing before the gateway changes Accept, or keeps answers \
             without regard to it (Vary)",
        )
    };
    let converted = match by_tag {
        Ok(answer) if answer.status == 200 => answer,
        Ok(answer) => return failed(format!("as schema 2 the image is answered with {}", answer.said())),
        Err(reason) => return unanswered(Check::Conversion, "GET of the manifest as schema 2", reason),
    };
    if converted.header("content-type") != Some(MediaType::DockerSchema2.as_str()) {
        let media_type = converted.header("content-type").unwrap_or("nothing that was named");
        return failed(format!("asked for schema 2, the registry answers with {media_type}"));
    }
    let digest = Digest::sha256(&converted.body).to_string();
    if converted.header("docker-content-digest") != Some(&digest) {
        return failed("the digest in the header isn't that of the converted image".to_owned());
    }
    if converted.header("x-registry-stored-digest") != Some(&stored.digest.to_string()) {
        return failed("X-Registry-Stored-Digest doesn't name what was pushed".to_owned());
    }
    match by_digest {
        Some(Ok(again)) if again.status == 200 && again.body == converted.body => {
            Finding::ok(Check::Conversion, "the image comes as schema 2 as well, under a digest that can be pulled")
        }
        Some(outcome) => failed(format!("by its own digest the converted image is answered with {}", said(outcome))),
        None => failed("the converted image has no digest to pull it by".to_owned()),
    }
}
