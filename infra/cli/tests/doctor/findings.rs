//! Each fault has its finding, and no other.

use crate::faults::Fault;
use crate::meddler::Part;
use crate::visits::visit_ill;

const LOGIN: [&str; 3] = ["token", "token-clock", "password"];
const PUSHED: [&str; 8] = [
    "pull",
    "manifest-head",
    "conversion",
    "blob-redirect",
    "blob-download",
    "blob-range",
    "blob-head",
    "blob-credentials",
];
const UPLOADS: [&str; 3] = ["chunked-patch", "chunked-put", "direct-upload"];

/// The doctor finds this of the fault: a check, its verdict, words of the finding, and what can't be checked then.
async fn finds(fault: Fault, expected: &[(&str, &str, &str)], not_checked: &[&str]) {
    let (visit, _) = visit_ill(Some(fault)).await;
    let mut bad: Vec<_> =
        expected.iter().map(|(check, verdict, _)| ((*check).to_owned(), (*verdict).to_owned())).collect();
    bad.extend(not_checked.iter().map(|check| ((*check).to_owned(), "not-checked".to_owned())));
    let mut found = visit.bad();
    found.sort();
    bad.sort();
    assert_eq!(found, bad, "{}", visit.stdout);
    for (check, _, words) in expected {
        let finding = visit.finding(check);
        assert!(finding.contains(words), "{finding}");
        assert!(finding.contains("\"meaning\":\"") && finding.contains("\"remedy\":\""), "{finding}");
    }
    let failed = expected.iter().any(|(_, verdict, _)| *verdict == "failure");
    assert_eq!(visit.code, i32::from(failed), "{visit:?}");
}

/// A test for each fault: its name, the fault, what is found, and what can't be checked then.
macro_rules! faults {
    ($($name:ident: $fault:expr => [$($expected:expr),*], $not_checked:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            finds($fault, &[$($expected),*], &$not_checked).await;
        }
    )*};
}

const NOTHING: [&str; 0] = [];

faults! {
    a_renamed_challenge_is_named: Fault::RenamedChallenge =>
        [("challenge", "failure", "came as x-amzn-remapped-www-authenticate")], NOTHING;
    a_challenge_that_wasnt_mapped_back_is_named: Fault::OnlyTheCopy =>
        [("challenge", "failure", "came as x-registry-challenge")], NOTHING;
    a_challenge_that_is_gone_is_missed: Fault::NoChallenge =>
        [("challenge", "failure", "401 without WWW-Authenticate")], ["realm"];
    a_challenge_that_came_twice_is_none: Fault::ChallengeTwice =>
        [("challenge", "failure", "no single Bearer challenge")], ["realm"];
    a_redirect_to_another_host_is_named_without_its_query: Fault::RedirectsElsewhere =>
        [("redirect", "failure", "GET /v2 is redirected to https://registry.example.com/v2/"),
         ("trailing-slash", "warning", "/v2 with 301")], NOTHING;
    a_missing_slash_that_matters_is_a_warning: Fault::NotFoundWithoutSlash =>
        [("trailing-slash", "warning", "404 (the gateway: Not Found)")], NOTHING;
    a_missing_version_is_a_warning: Fault::NoApiVersion => [("api-version", "warning", "missing")], NOTHING;
    a_clock_five_minutes_off_is_a_failure: Fault::ClockBehind(300) =>
        [("clock", "failure", "ahead of the deployment's")], NOTHING;
    a_clock_half_a_minute_off_is_a_warning: Fault::ClockBehind(30) =>
        [("clock", "warning", "ahead of the deployment's")], NOTHING;
    an_answer_without_a_date_is_a_warning: Fault::NoDate => [("clock", "warning", "no Date")], NOTHING;
    a_realm_elsewhere_is_a_failure: Fault::RealmElsewhere =>
        [("realm", "failure", "http://registry.example.com/token")], NOTHING;
    a_service_elsewhere_is_a_failure: Fault::ServiceElsewhere =>
        [("realm", "failure", "the service registry.example.com"), ("token", "failure", "registry.example.com")],
        ["token-clock", "push", "chunked-patch", "chunked-put", "direct-upload", "pull", "manifest-head", "conversion",
         "blob-redirect", "blob-download", "blob-range", "blob-head", "blob-credentials", "cleanup"];
    an_error_of_the_gateway_is_told_from_the_registrys: Fault::GatewaysNotFound =>
        [("error-shape", "warning", "the gateway: Not Found")], NOTHING;
    names_with_too_many_components_are_told: Fault::NoDeepNames =>
        [("names", "failure", "lambda-registry-doctor/1/2/3/4/5/6/7")], NOTHING;
    an_encoded_slash_that_is_lost_is_a_warning: Fault::NoEncodedSlash => [("encoded-slash", "warning", "404")], NOTHING;
    an_upload_that_isnt_opened_without_a_slash_is_a_warning: Fault::NoUploadWithoutSlash =>
        [("upload-route", "warning", "404")], NOTHING;
    headers_that_are_too_short_for_tokens_are_a_failure: Fault::ShortHeaders =>
        [("header-size", "failure", "431")], NOTHING;
    a_server_that_hangs_up_on_overlong_headers_is_a_warning: Fault::HangsUpOnOverlongHeaders =>
        [("header-size", "warning", "broke off")], NOTHING;
    less_than_a_deployment_carries_is_a_warning_with_the_number: Fault::NoLargeBodies =>
        [("body-size", "warning", "carries 4000000 bytes, not 4400000; 4400000 bytes: 413")], NOTHING;
    less_than_the_proxy_sends_is_a_failure: Fault::SmallBodies =>
        [("body-size", "failure", "not even 4000000 bytes")], NOTHING;
    a_password_that_isnt_taken_is_a_failure: Fault::PasswordRefused => [("password", "failure", "401")], NOTHING;
    a_token_that_ends_sooner_than_it_says_is_a_failure: Fault::TokenLastsLessThanSaid =>
        [("token-clock", "failure", "said to be valid for 3600 s and is for 300 s")], NOTHING;
    a_manifest_that_was_stored_as_another_is_a_failure: Fault::ManifestStoredAsAnother =>
        [("push", "failure", "was stored as sha256:0000")], NOTHING;
    bodies_in_chunks_that_are_refused_are_warnings: Fault::ChunkedRefused =>
        [("chunked-patch", "warning", "413"), ("chunked-put", "warning", "413")], NOTHING;
    bodies_in_chunks_that_get_lost_are_warnings: Fault::ChunkedLost =>
        [("chunked-patch", "warning", "0-0 arrived"), ("chunked-put", "warning", "DIGEST_INVALID")], NOTHING;
    a_registry_without_direct_uploads_is_a_warning: Fault::NoDirectUpload =>
        [("direct-upload", "warning", "no URL")], NOTHING;
    a_bucket_that_refuses_uploads_is_a_failure: Fault::BucketRefusesUpload =>
        [("direct-upload", "failure", "the bucket refuses the blob: 403 (AccessDenied)")], NOTHING;
    a_direct_upload_that_isnt_found_is_a_failure: Fault::DirectUploadNotFound =>
        [("direct-upload", "failure", "BLOB_UPLOAD_INVALID")], NOTHING;
    a_signed_url_of_the_registry_itself_is_a_failure: Fault::DirectUrlIsRegistrys =>
        [("direct-upload", "failure", "/bucket\"")], NOTHING;
    a_manifest_that_is_changed_is_a_failure: Fault::ManifestChanged =>
        [("pull", "failure", "by digest"), ("conversion", "failure", "by its own digest")], NOTHING;
    a_head_with_a_body_is_a_failure: Fault::HeadHasBody => [("manifest-head", "failure", "19 bytes of body")], NOTHING;
    a_head_without_a_length_is_a_failure: Fault::HeadHasNoLength =>
        [("manifest-head", "failure", "Content-Length that is missing")], NOTHING;
    a_manifest_that_head_doesnt_find_is_a_failure: Fault::HeadNotFound =>
        [("manifest-head", "failure", "404")], NOTHING;
    a_lost_accept_is_a_failure_of_the_conversion: Fault::AcceptIsLost =>
        [("conversion", "failure", "answers with application/vnd.oci.image.manifest.v1+json")], NOTHING;
    a_conversion_that_hides_its_source_is_a_failure: Fault::NoStoredDigest =>
        [("conversion", "failure", "X-Registry-Stored-Digest")], NOTHING;
    a_conversion_that_cant_be_had_by_digest_is_a_failure: Fault::ConversionNotFoundByDigest =>
        [("conversion", "failure", "MANIFEST_UNKNOWN")], NOTHING;
    a_blob_without_a_redirect_is_a_failure: Fault::BlobWithoutRedirect =>
        [("blob-redirect", "failure", "200, not with 307")], ["blob-download", "blob-range", "blob-credentials"];
    a_blob_that_leads_back_to_the_registry_is_a_failure: Fault::BlobRedirectsToRegistry =>
        [("blob-redirect", "failure", "redirected to the registry itself")],
        ["blob-download", "blob-range", "blob-credentials"];
    a_bucket_that_refuses_downloads_is_a_failure: Fault::BucketRefusesDownload =>
        [("blob-download", "failure", "403 (AccessDenied)")], NOTHING;
    a_bucket_that_changes_bytes_is_a_failure: Fault::BucketChangesBytes =>
        [("blob-download", "failure", "2048 bytes went in and 2049")], NOTHING;
    a_bucket_that_ignores_ranges_is_a_warning: Fault::BucketIgnoresRange =>
        [("blob-range", "warning", "200 and 2048 bytes")], NOTHING;
    a_bucket_that_refuses_head_is_a_failure: Fault::BucketRefusesHead =>
        [("blob-head", "failure", "HEAD at the bucket is answered with 403")], NOTHING;
    a_redirect_with_a_body_to_head_is_a_failure: Fault::BlobHeadHasBody =>
        [("blob-head", "failure", "18 bytes of body")], NOTHING;
    a_bucket_that_breaks_at_credentials_is_a_warning: Fault::BucketFailsWithCredentials =>
        [("blob-credentials", "warning", "500")], NOTHING;
    what_cant_be_deleted_is_a_warning_with_its_digest: Fault::DeleteDenied =>
        [("cleanup", "warning", "/manifests/sha256:")], NOTHING;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_well_has_no_bad_finding_behind_the_meddler() {
    let (visit, seen) = visit_ill(None).await;
    assert_eq!((visit.bad(), visit.code), (Vec::new(), 0), "{}", visit.stdout);
    let passwords = seen.iter().filter(|(_, request)| {
        request.headers.get("authorization").is_some_and(|value| value.starts_with("Basic "))
            && request.path() != "/v2/"
    });
    assert!(passwords.clone().count() > 0 && passwords.into_iter().all(|(_, request)| request.path() == "/token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_credentials_besides_its_own_is_s3s_way_and_good() {
    let (visit, _) = visit_ill(Some(Fault::BucketRefusesCredentials)).await;
    assert_eq!((visit.bad(), visit.code), (Vec::new(), 0), "{}", visit.stdout);
    assert!(visit.finding("blob-credentials").contains("400 (InvalidArgument)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_isnt_opened_at_all_leaves_nothing_to_check() {
    let not_checked: Vec<_> = UPLOADS.into_iter().chain(PUSHED).chain(["cleanup"]).collect();
    let expected = [("upload-route", "failure", "404"), ("push", "failure", "POST of an upload: 404")];
    finds(Fault::NoUploadWithSlash, &expected, &not_checked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_isnt_let_in_is_told_so_and_what_needs_that_isnt_checked() {
    let inside: Vec<_> = ["push"].into_iter().chain(UPLOADS).chain(PUSHED).chain(["cleanup"]).collect();
    let after_login: Vec<_> = LOGIN.into_iter().chain(inside.clone()).collect();
    finds(Fault::LoginForbidden, &[("login", "failure", "execute-api:Invoke")], &after_login).await;
    let after_token: Vec<_> = ["token-clock"].into_iter().chain(inside).collect();
    finds(Fault::TokenRefused, &[("token", "failure", "401 (UNAUTHORIZED: because)")], &after_token).await;
    finds(Fault::NoTokenInAnswer, &[("token", "failure", "has no token in it")], &after_token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_ended_when_it_comes_is_a_failure_and_so_is_a_push_with_it() {
    let not_checked: Vec<_> = UPLOADS.into_iter().chain(PUSHED).chain(["cleanup"]).collect();
    let expected = [("token-clock", "failure", "has ended"), ("push", "failure", "UNAUTHORIZED")];
    finds(Fault::TokenIsOld, &expected, &not_checked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_fails_halfway_is_cleaned_up() {
    let expected = [("push", "failure", "PUT of a manifest: 500 (the gateway: Internal Server Error)")];
    finds(Fault::ManifestRefused, &expected, &PUSHED).await;
    let (_, seen) = visit_ill(Some(Fault::ManifestRefused)).await;
    let paths = |method: &str| {
        let of = seen.iter().filter(|(part, request)| *part == Part::Registry && request.method == method);
        of.map(|(_, request)| request.target.clone()).collect::<Vec<_>>()
    };
    let deleted = paths("DELETE");
    let pushed = paths("PUT").into_iter().filter_map(|path| Some(path.split_once("digest=")?.1.to_owned()));
    for digest in pushed {
        assert!(deleted.iter().any(|path| path.ends_with(&digest)), "{digest}: {deleted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_hangs_up_cant_be_examined() {
    let (visit, _) = visit_ill(Some(Fault::HangsUp)).await;
    assert_eq!(visit.code, 2, "{visit:?}");
    assert!(visit.finding("reachable").contains("broke off"), "{visit:?}");
    assert!(visit.bad().iter().skip(1).all(|(_, verdict)| verdict == "not-checked"), "{visit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_no_registry_is_told_so_and_gets_no_password() {
    let (visit, seen) = visit_ill(Some(Fault::NoRegistry)).await;
    assert_eq!(visit.code, 1, "{visit:?}");
    assert!(visit.finding("challenge").contains("GET /v2/ is answered with 404"), "{visit:?}");
    assert!(seen.iter().all(|(_, request)| request.headers.get("authorization").is_none()));
}
