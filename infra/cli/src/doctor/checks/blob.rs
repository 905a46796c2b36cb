//! Blobs are had from the bucket.

use bytes::Bytes;
use http::Uri;
use lambda_registry::Registry;

use super::base::without_query;
use super::unanswered;
use crate::doctor::answer::{Head, Outcome, said};
use crate::doctor::check::Check;
use crate::doctor::finding::Finding;

const ROLE: &str = "the role of blob-get has to allow s3:GetObject on blobs/*; look at the bucket's policy and \
                    encryption; the bucket has to be reachable from where images are pulled";

/// What a range is asked of: these bytes of the blob.
pub(in crate::doctor) const RANGE: std::ops::RangeInclusive<usize> = 100..=199;

/// GET of a blob at the registry, and where it leads, if that can be followed.
pub(in crate::doctor) fn redirect(registry: &Registry, outcome: &Outcome) -> (Finding, Option<Uri>) {
    let check = Check::BlobRedirect;
    let failed = |observed: String| {
        let remedy = "look into the log of blob-get, and see that nothing before the gateway follows redirects itself";
        (Finding::failure(check, observed, "layers can't be pulled", remedy), None)
    };
    let answer = match outcome {
        Ok(answer) => answer,
        Err(reason) => return (unanswered(check, "GET of a blob", reason), None),
    };
    let location = answer.header("location");
    let url = location.and_then(|location| location.parse::<Uri>().ok()).filter(|url| url.host().is_some());
    let url = match (answer.status.as_u16(), url) {
        (307, Some(url)) => url,
        (307, None) => return failed("a blob is answered with 307, and a Location that is no URL".to_owned()),
        _ => return failed(format!("a blob is answered with {}, not with 307", answer.said())),
    };
    let there = without_query(&url.to_string());
    if registry.resolve(&url.to_string()).is_some() {
        let finding = Finding::failure(
            check,
            format!("a blob is redirected to the registry itself, {there}"),
            "clients send their credentials to the bucket, which refuses what has two of them",
            "see that nothing before the gateway rewrites Location",
        );
        // What it hands out is no object of the bucket.
        return (finding, None);
    }
    let finding = match registry.is_secure() && url.scheme_str() != Some("https") {
        true => Finding::failure(
            check,
            format!("a blob is redirected to {there}, without TLS"),
            "clients refuse to leave TLS, or show everybody what they pull",
            "the function blob-get has to sign for the bucket's own host: see that AWS_ENDPOINT_URL_S3 isn't set for \
             it",
        ),
        false => Finding::ok(check, format!("307 to {}", url.authority().map_or("", |authority| authority.as_str()))),
    };
    (finding, Some(url))
}

/// GET at the bucket, without credentials of the registry.
pub(in crate::doctor) fn download(blob: &Bytes, outcome: &Outcome) -> Finding {
    let check = Check::BlobDownload;
    match outcome {
        Err(reason) => unanswered(check, "GET at the bucket", reason),
        Ok(answer) if answer.status == 200 && answer.body == *blob => {
            Finding::ok(check, "the bucket hands the blob out as it went in")
        }
        Ok(answer) if answer.status == 200 => Finding::failure(
            check,
            format!("{} bytes went in and {} others came out of the bucket", blob.len(), answer.body.len()),
            "layers are changed on their way",
            "look at what stands between here and the bucket",
        ),
        Ok(_) => {
            Finding::failure(check, format!("the bucket answers {}", said(outcome)), "layers can't be pulled", ROLE)
        }
    }
}

/// GET of a part of it.
pub(in crate::doctor) fn range(blob: &Bytes, outcome: &Outcome) -> Finding {
    match outcome {
        Err(reason) => unanswered(Check::BlobRange, "GET of a range at the bucket", reason),
        Ok(answer) if answer.status == 206 && Some(&answer.body[..]) == blob.get(RANGE) => {
            Finding::ok(Check::BlobRange, "ranges of a blob can be had")
        }
        Ok(answer) => Finding::warning(
            Check::BlobRange,
            format!(
                "a range of {} bytes is answered with {} and {} bytes",
                RANGE.count(),
                said(outcome),
                answer.body.len()
            ),
            "downloads that broke off begin again, and clients that pull lazily don't work",
            "look at what stands between here and the bucket: it has to pass Range on",
        ),
    }
}

/// HEAD of a blob at the registry, and then where that leads.
pub(in crate::doctor) fn head(size: usize, at_registry: &Outcome<Head>, at_bucket: Option<&Outcome<Head>>) -> Finding {
    let check = Check::BlobHead;
    let failed = |observed: String, remedy: &str| {
        Finding::failure(
            check,
            observed,
            "clients that look whether a blob is there push it again, or don't find it",
            remedy,
        )
    };
    let gateway = "see that the route HEAD leads to blob-get as in the template, and that nothing before the gateway \
                   follows redirects or adds bodies";
    match at_registry {
        Err(reason) => return unanswered(check, "HEAD of a blob", reason),
        Ok(head) if head.answer.status != 307 => {
            return failed(format!("HEAD of a blob is answered with {}, not with 307", head.answer.said()), gateway);
        }
        Ok(head) if head.trailing > 0 => {
            return failed(format!("HEAD of a blob is answered with {} bytes of body", head.trailing), gateway);
        }
        Ok(_) => {}
    }
    match at_bucket {
        None => failed("HEAD of a blob leads nowhere".to_owned(), gateway),
        Some(Err(reason)) => unanswered(check, "HEAD at the bucket", reason),
        Some(Ok(head)) if head.answer.status != 200 => {
            failed(format!("HEAD at the bucket is answered with {}", head.answer.said()), ROLE)
        }
        Some(Ok(head)) if head.answer.length() != Some(size as u64) || head.trailing > 0 => failed(
            format!(
                "HEAD at the bucket says {} bytes and sends {}; the blob has {size}",
                head.answer.header("content-length").unwrap_or("no"),
                head.trailing
            ),
            "look at what stands between here and the bucket",
        ),
        Some(Ok(_)) => Finding::ok(check, format!("HEAD leads to the bucket, which says {size} bytes")),
    }
}

/// GET at the bucket with an `Authorization` besides the signature in the URL.
pub(in crate::doctor) fn credentials(outcome: &Outcome) -> Finding {
    match outcome {
        Err(reason) => unanswered(Check::BlobCredentials, "GET at the bucket with Authorization", reason),
        Ok(answer) if answer.status.is_success() => {
            Finding::ok(Check::BlobCredentials, "the bucket doesn't mind an Authorization besides the URL's signature")
        }
        Ok(answer) if matches!(answer.status.as_u16(), 400 | 401 | 403) => {
            let said = answer.said();
            let observed = format!("an Authorization besides the URL's signature is refused with {said}, as S3 does");
            Finding::ok(Check::BlobCredentials, observed)
        }
        Ok(_) => Finding::warning(
            Check::BlobCredentials,
            format!("an Authorization besides the URL's signature is answered with {}", said(outcome)),
            "S3 answers 400; clients that send one may fail in other ways",
            "look whether the redirect leads to S3 itself",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::answer;
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_redirect_out_of_tls_is_a_failure_and_shows_no_signature() {
        let registry: Registry = "registry.example.com".parse().unwrap();
        let redirected = |location| redirect(&registry, &Ok(answer(307, &[("location", location)], ""))).0;
        let finding = redirected("http://bucket.example.com/blobs/1?X-Amz-Signature=abc");
        assert!(finding.verdict == Verdict::Failure && finding.observed.contains("without TLS"), "{finding:?}");
        assert!(!finding.observed.contains("abc"), "{finding:?}");
        let finding = redirected("https://bucket.example.com/blobs/1?X-Amz-Signature=abc");
        assert!(finding.verdict == Verdict::Ok && finding.observed == "307 to bucket.example.com", "{finding:?}");
        assert_eq!(redirected("/blobs/1").verdict, Verdict::Failure);
    }
}
