//! Negotiation.

use conversion::{Candidate, Target, negotiate as candidates};
use protocol::{Accept, MediaType};

use super::pieces::Pieces;

/// An `Accept` header put together from pieces, and every stored type.
pub fn negotiate(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let lines: Vec<String> = pieces.several(4, |pieces| pieces.several(6, range).join(","));
    let accept = Accept::parse(lines.iter().map(String::as_str));
    for stored in manifests() {
        check(stored, &accept);
    }
}

fn manifests() -> impl Iterator<Item = &'static MediaType> {
    MediaType::KNOWN.iter().filter(|media_type| media_type.is_manifest())
}

fn range(pieces: &mut Pieces<'_>) -> String {
    let others = ["*/*", "application/*", "application/vnd.oci.*", "*", "text/html", "application/json", "/", ""];
    let named = match pieces.below(4) {
        0 => pieces.one_of(&others).to_owned(),
        1 => pieces.text(),
        _ => pieces.one_of(&manifests().collect::<Vec<_>>()).to_string(),
    };
    let weights = [";q=0", ";q=0.5", "; Q=1.0 ", ";q=0.0004", ";q=1e3", ";q=", ";q=-1", ";q=nan", ";a=b;q=0.7;q=0"];
    format!("{named}{}", pieces.mostly("", &weights))
}

fn check(stored: &MediaType, accept: &Accept) {
    let found = candidates(stored, accept);
    let context = format!("{stored} for {accept:?}: {found:?}");
    assert_eq!(found, candidates(stored, accept));
    for (index, candidate) in found.iter().enumerate() {
        assert!(!found[..index].contains(candidate), "{context}");
        match candidate {
            Candidate::Stored => assert_eq!(index + 1, found.len(), "{context}"),
            Candidate::Convert(target) => assert!(is_in_the_table(stored, target), "{context}"),
            Candidate::Child => assert!(stored.is_index(), "{context}"),
        }
        assert!(accept.is_absent() || is_taken(stored, candidate, accept), "{context}");
    }
    assert!(
        accept.is_absent() || found.is_sorted_by_key(|candidate| u16::MAX - weight(stored, candidate, accept)),
        "{context}"
    );
    if accept.is_absent() || accept.takes(stored) {
        assert_eq!(found.last(), Some(&Candidate::Stored), "{context}");
    }
}

/// Every format becomes every other one of its kind; schema 1 is at most signed.
fn is_in_the_table(stored: &MediaType, target: &Target) -> bool {
    match target {
        Target::DockerManifestList(_) | Target::OciIndex(_) => stored.is_index(),
        image => stored.is_image() && *stored != image.media_type(),
    }
}

/// The types that a candidate may turn out to have.
fn types(stored: &MediaType, candidate: &Candidate) -> Vec<MediaType> {
    let form = match candidate {
        Candidate::Stored => stored.clone(),
        Candidate::Convert(target) => target.media_type(),
        Candidate::Child => return manifests().filter(|manifest| manifest.is_image()).cloned().collect(),
    };
    // Who asks for unsigned schema 1 can read the signed form.
    let also = (form == MediaType::DockerSchema1Signed).then_some(MediaType::DockerSchema1);
    [form].into_iter().chain(also).collect()
}

/// The client takes one of them: what it rules out isn't offered.
fn is_taken(stored: &MediaType, candidate: &Candidate, accept: &Accept) -> bool {
    types(stored, candidate).iter().any(|form| accept.takes(form))
}

/// How much the client wants a candidate by name.
fn weight(stored: &MediaType, candidate: &Candidate, accept: &Accept) -> u16 {
    let named = |form: &&MediaType| accept.names(form);
    types(stored, candidate).iter().filter(named).map(|form| accept.quality(form)).max().unwrap_or_default()
}
