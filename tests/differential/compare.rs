//! One specimen in both registries: what each of them answers, and whether that is as it should be.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::docker_registry::DockerRegistry;
use lambda_registry_tests::http::Answer;
use lambda_registry_tests::registry::Registry;
use serde_json::Value;

use crate::accept::{ABSENT, Accept, FORMS};
use crate::expected::{Expected, expected};
use crate::image::Format;
use crate::remote::Remote;
use crate::rules::{By, Case, Rule, explain, explain_push};
use crate::schema1::payload;
use crate::specimen::{Manifest, Specimen};
use crate::types::{INDEX, LIST, SCHEMA1, SCHEMA1_UNSIGNED};
use crate::upgraded::check_upgraded;

const TAG: &str = "latest";

/// How long this registry may take to read the layers of a schema 1 image.
const PATIENCE: Duration = Duration::from_secs(60);

/// Headers that name the one request that they answer.
const OF_THE_REQUEST: [&str; 3] = ["date", "x-request-id", "apigw-requestid"];

/// Both registries.
pub(crate) struct Pair {
    pub(crate) ours: Registry,
    pub(crate) reference: DockerRegistry,
}

/// What came of a comparison.
#[derive(Default)]
pub(crate) struct Findings {
    /// The rules that explained a difference.
    pub(crate) applied: BTreeSet<Rule>,
    /// What isn't as it should be.
    pub(crate) faults: Vec<Fault>,
}

/// Something that isn't as it should be.
pub(crate) struct Fault {
    /// The specimen's name.
    pub(crate) specimen: String,
    /// Everything about it, to be read.
    pub(crate) report: String,
}

/// What docker-registry makes of the default image in schema 1: its payload; None when it makes none.
type ByReference = Option<Vec<u8>>;

/// A repository in each, for one specimen.
struct Comparison<'a> {
    specimen: &'a Specimen,
    ours: Remote,
    reference: Remote,
    schema1: ByReference,
    reference_has_it: bool,
    findings: Findings,
    /// Converted digests that were looked at.
    seen: BTreeSet<String>,
}

/// Pushes the specimen to both and compares every answer.
pub(crate) fn examine(pair: &Pair, number: usize, specimen: &Specimen) -> Findings {
    let repository = format!("differential/image-{number}");
    let mut comparison = Comparison {
        specimen,
        ours: Remote::new(&pair.ours.url(""), &repository),
        reference: Remote::new(&pair.reference.url(""), &repository),
        schema1: None,
        reference_has_it: false,
        findings: Findings::default(),
        seen: BTreeSet::new(),
    };
    if comparison.push() {
        comparison.wait_for_upgrade();
        FORMS.iter().for_each(|accept| comparison.by_tag(accept));
        // What is asked for by digest isn't negotiated: a few forms show it.
        FORMS.iter().step_by(5).for_each(|accept| comparison.by_digest(accept));
    }
    comparison.findings
}

impl Comparison<'_> {
    /// Pushes it; whether this registry has it now.
    fn push(&mut self) -> bool {
        let manifest = &self.specimen.manifest;
        for blob in manifest.blobs() {
            self.ours.push_blob(blob);
            self.reference.push_blob(blob);
        }
        // Schema 1 contains the tag, so docker-registry is asked under the same one, before it gets the specimen.
        let twin = manifest.default_image().and_then(|image| image.to(Format::Schema2).ok());
        if let Some(twin) = twin {
            self.reference.put(TAG, Some(Format::Schema2.media_type()), &twin).expect(201);
            let answer = self.reference.pull("GET", TAG, ABSENT).filter(|answer| answer.status == 200);
            self.schema1 = answer.map(|answer| payload(&answer.body));
        }
        for (media_type, child) in manifest.children() {
            for remote in [&self.ours, &self.reference] {
                remote.put(&sha256(child), Some(media_type), child).expect(201);
            }
        }
        let header = self.specimen.content_type.as_deref();
        let ours = self.ours.put(TAG, header, manifest.bytes());
        let reference = self.reference.put(TAG, header, manifest.bytes());
        self.reference_has_it = reference.status == 201;
        self.compare_push(&ours, &reference);
        ours.status == 201
    }

    fn compare_push(&mut self, ours: &Answer, reference: &Answer) {
        let as_expected = match self.specimen.refused {
            Some(words) => ours.status == 400 && String::from_utf8_lossy(&ours.body).contains(words),
            None => ours.status == 201 && ours.header("docker-content-digest") == Some(&self.digest()),
        };
        if !as_expected {
            self.fault("push", "this registry's answer isn't as expected", both(ours, Some(reference)));
        }
        let same = ours.status == reference.status
            && (ours.status != 201
                || ours.header("docker-content-digest") == reference.header("docker-content-digest"));
        if same {
            return;
        }
        match explain_push(self.specimen, ours, reference) {
            Some(rule) => drop(self.findings.applied.insert(rule)),
            None => self.fault("push", "no rule explains the difference", both(ours, Some(reference))),
        }
    }

    /// Schema 1 is read in the background after its push. Nothing is compared before that is done.
    fn wait_for_upgrade(&mut self) {
        if !matches!(self.specimen.manifest, Manifest::Schema1(_)) {
            return;
        }
        let schema2 = FORMS.iter().find(|form| form.client == "schema 2").expect("a form for schema 2 alone");
        let asked = Instant::now();
        loop {
            let answer = self.ours.pull("GET", TAG, schema2).expect("an answer");
            if answer.status != 503 {
                return;
            }
            answer.expect_header("retry-after");
            assert!(asked.elapsed() < PATIENCE, "{}: still {}", self.specimen.name, answer.request);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn by_tag(&mut self, accept: &Accept) {
        let ours = self.ours.pull("GET", TAG, accept).expect("an answer");
        let reference = self.reference.pull("GET", TAG, accept);
        let expected = expected(&self.specimen.manifest, accept);
        if let Err(problem) = self.is_as_expected(&ours, &expected) {
            self.fault(
                &pull(accept),
                &format!("this registry's answer isn't as expected: {problem}"),
                both(&ours, reference.as_ref()),
            );
        }
        let head = self.ours.pull("HEAD", TAG, accept).expect("an answer");
        if (head.status, lasting(&head)) != (ours.status, lasting(&ours)) || !head.body.is_empty() {
            self.fault(&pull(accept), "HEAD isn't GET without the body", [("GET", Some(&ours)), ("HEAD", Some(&head))]);
        }
        self.compare(&ours, reference.as_ref(), accept, By::Tag);
        self.converted(&ours, accept);
    }

    /// By digest the stored bytes, whatever the client accepts.
    fn by_digest(&mut self, accept: &Accept) {
        let digest = self.digest();
        let ours = self.ours.pull("GET", &digest, accept).expect("an answer");
        let reference = self.reference.pull("GET", &digest, accept);
        let stored = Expected::Bytes(self.specimen.manifest.media_type(), self.specimen.manifest.bytes().to_vec());
        if let Err(problem) = self.is_as_expected(&ours, &stored) {
            let problem = format!("by digest, this registry's answer isn't as expected: {problem}");
            self.fault(&pull(accept), &problem, both(&ours, reference.as_ref()));
        }
        self.compare(&ours, reference.as_ref(), accept, By::Digest);
    }

    /// A digest that a conversion handed out is good, and so are those in a list.
    fn converted(&mut self, ours: &Answer, accept: &Accept) {
        let digest = ours.header("docker-content-digest").unwrap_or_default().to_owned();
        if ours.status != 200 || digest == self.digest() || !self.seen.insert(digest.clone()) {
            return;
        }
        let again = self.ours.pull("GET", &digest, accept).expect("an answer");
        let parts = |answer: &Answer| {
            let header = |name| answer.header(name).map(str::to_owned);
            (answer.status, header("content-type"), header("docker-content-digest"), answer.body.clone())
        };
        if parts(&again) != parts(ours) {
            self.fault(
                &pull(accept),
                "by its own digest the conversion is another one",
                [("by tag", Some(ours)), ("by digest", Some(&again))],
            );
        }
        let reference = self.reference.pull("GET", &digest, accept);
        self.compare(&again, reference.as_ref(), accept, By::ConvertedDigest);
        match ours.header("content-type") {
            Some(SCHEMA1) => self.verified_by_the_reference(ours, &digest),
            Some(LIST | INDEX) => self.children_are_there(ours, accept),
            _ => {}
        }
    }

    /// docker-registry verifies the signatures of what is pushed, and that the layers are there.
    fn verified_by_the_reference(&mut self, ours: &Answer, digest: &str) {
        let verdict = self.reference.put(digest, Some(SCHEMA1), &ours.body);
        if verdict.status != 201 {
            self.fault("signature", "docker-registry doesn't take the conversion", both(ours, Some(&verdict)));
        }
        let manifest: Value = serde_json::from_slice(&ours.body).expect("JSON");
        for layer in manifest["fsLayers"].as_array().expect("layers") {
            let layer = layer["blobSum"].as_str().expect("a digest");
            assert_eq!(sha256(&self.ours.blob(layer)), layer, "{}", self.specimen.name);
        }
    }

    fn children_are_there(&mut self, list: &Answer, accept: &Accept) {
        let manifest: Value = serde_json::from_slice(&list.body).expect("JSON");
        for child in manifest["manifests"].as_array().expect("children") {
            let digest = child["digest"].as_str().expect("a digest");
            let pulled = self.ours.pull("GET", digest, accept).expect("an answer");
            let found = (pulled.header("content-type"), pulled.body.len() as u64, sha256(&pulled.body));
            let named = (child["mediaType"].as_str(), child["size"].as_u64().unwrap_or_default(), digest.to_owned());
            if found != named {
                self.fault(
                    &pull(accept),
                    "a child isn't what the list says",
                    [("list", Some(list)), ("child", Some(&pulled))],
                );
            }
        }
    }

    fn is_as_expected(&self, ours: &Answer, expected: &Expected) -> Result<(), String> {
        let right = |right: bool, what: String| if right { Ok(()) } else { Err(what) };
        let is = (ours.status, ours.header("content-type"), ours.header("docker-content-digest"));
        // Schema 1 is known by the digest of what its signatures cover.
        let signed = |covered: &[u8]| {
            let digest = sha256(covered);
            let same = is == (200, Some(SCHEMA1), Some(&digest)) && payload(&ours.body) == covered;
            right(same && ours.body != covered, format!("{digest}, signed:\n{}", String::from_utf8_lossy(covered)))
        };
        match expected {
            Expected::Bytes(media_type, bytes) => {
                let is_schema1 = [SCHEMA1, SCHEMA1_UNSIGNED].contains(media_type);
                let digest = if is_schema1 { sha256(&payload(bytes)) } else { sha256(bytes) };
                let same = is == (200, Some(media_type), Some(&digest)) && ours.body == *bytes;
                right(same, format!("{media_type}, {digest}\n{}", String::from_utf8_lossy(bytes)))
            }
            Expected::AsTheReference => {
                signed(self.schema1.as_deref().ok_or("schema 1, but docker-registry makes none of it")?)
            }
            Expected::Signed(covered) => signed(covered),
            Expected::Upgraded(format) => match &self.specimen.manifest {
                Manifest::Schema1(schema1) => check_upgraded(ours, *format, schema1, &self.ours),
                Manifest::Image(_) | Manifest::Index(_) => unreachable!("only schema 1 is upgraded"),
            },
            Expected::Refused(obstacle) => {
                let text = String::from_utf8_lossy(&ours.body);
                let stored = format!("stored as {} ", self.specimen.manifest.media_type());
                let words = ["MANIFEST_UNKNOWN", &stored, obstacle.words()];
                let refused = ours.status == 404 && words.iter().all(|words| text.contains(words));
                right(refused, format!("refused, {:?}", obstacle.words()))
            }
        }
    }

    fn compare(&mut self, ours: &Answer, reference: Option<&Answer>, accept: &Accept, by: By) {
        // What docker-registry didn't let in can't be compared; a rule has said so.
        if !self.reference_has_it || reference.is_some_and(|reference| same(ours, reference)) {
            return;
        }
        let case = Case { specimen: self.specimen, accept, by, ours, reference };
        match explain(&case) {
            Some(rule) => drop(self.findings.applied.insert(rule)),
            None => {
                let problem = format!("by {by:?}, no rule explains the difference");
                self.fault(&pull(accept), &problem, both(ours, reference));
            }
        }
    }

    fn digest(&self) -> String {
        match &self.specimen.manifest {
            Manifest::Schema1(schema1) => sha256(&payload(&schema1.manifest)),
            other => sha256(other.bytes()),
        }
    }

    fn fault(&mut self, request: &str, problem: &str, answers: [(&str, Option<&Answer>); 2]) {
        let specimen = self.specimen.name.clone();
        let answers = answers.map(|(whose, answer)| {
            format!("--- {whose}: {}", answer.map_or("no answer: it crashed".to_owned(), shown))
        });
        let report = format!("{specimen}\n{request}: {problem}\n{}", answers.join("\n"));
        self.findings.faults.push(Fault { specimen, report });
    }
}

fn both<'a>(ours: &'a Answer, reference: Option<&'a Answer>) -> [(&'static str, Option<&'a Answer>); 2] {
    [("here", Some(ours)), ("docker-registry", reference)]
}

fn pull(accept: &Accept) -> String {
    format!("{} ({:?})", accept.client, accept.header())
}

/// The same in everything that is compared: status and error code, or type, digest and bytes.
fn same(ours: &Answer, reference: &Answer) -> bool {
    let header = |name| ours.header(name) == reference.header(name);
    match (ours.status, reference.status) {
        (200, 200) => header("content-type") && header("docker-content-digest") && ours.body == reference.body,
        (ours_status, reference_status) => ours_status == reference_status && code(ours) == code(reference),
    }
}

/// The code of an error.
pub(crate) fn code(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    Some(body["errors"][0]["code"].as_str()?.to_owned())
}

fn lasting(answer: &Answer) -> Vec<(String, String)> {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !OF_THE_REQUEST.contains(&name.as_str()));
    headers.sort();
    headers
}

fn shown(answer: &Answer) -> String {
    let header = |name| answer.header(name).unwrap_or_default();
    let body: String = String::from_utf8_lossy(&answer.body).chars().take(3_000).collect();
    format!("{} {} {}\n{body}", answer.status, header("content-type"), header("docker-content-digest"))
}
