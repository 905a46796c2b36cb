//! What to serve by tag.

use std::cmp::Reverse;

use protocol::{Accept, MediaType};

use crate::{ChildFormat, Target, table};

/// One thing to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// The stored bytes. Always the last candidate: they can always be had.
    Stored,
    /// A conversion of them.
    Convert(Target),
    /// The child of a list that [`select_child`](crate::select_child) picks, negotiated in its turn.
    Child,
}

/// What to try, best first, until one isn't refused. Empty when nothing fits.
///
/// - Types that the client names beat wildcards, and among them the higher `q` wins. With equal `q` the stored form
///   comes first, then the nearest one: schema 2 and OCI are nearer to each other than to schema 1.
/// - A wildcard means that the stored form is fine.
/// - No `Accept` at all is Docker 1.9, which reads nothing but schema 1; where that can't be had, the stored form.
/// - A list goes as its linux/amd64 child to clients that name images and no lists.
/// - A client that names formats of images beside lists gets lists over those.
///
/// ```
/// use conversion::{Candidate, Target, negotiate};
/// use protocol::{Accept, MediaType};
/// let docker_only = Accept::parse([MediaType::DockerSchema2.as_str()]);
/// assert_eq!(negotiate(&MediaType::OciManifest, &docker_only), [Candidate::Convert(Target::DockerSchema2)]);
/// ```
pub fn negotiate(stored: &MediaType, accept: &Accept) -> Vec<Candidate> {
    if accept.is_absent() {
        return without_accept(stored);
    }
    let forms = forms(stored, accept);
    let mut named: Vec<_> = forms.iter().filter(|form| form.quality > 0).collect();
    // The sort is stable: the order of forms() decides between equals.
    named.sort_by_key(|form| Reverse(form.quality));
    let mut candidates: Vec<_> = named.iter().map(|form| form.candidate).collect();
    if let Some(at) = candidates.iter().position(|candidate| *candidate == Candidate::Stored) {
        // What follows the stored form is never tried.
        candidates.truncate(at + 1);
    } else if accept.takes(stored) {
        candidates.push(Candidate::Stored);
    } else if candidates.is_empty() {
        // The stored form is ruled out with q=0, and a wildcard may take another one.
        candidates.extend(forms.iter().filter(|form| form.by_wildcard).map(|form| form.candidate));
    }
    candidates
}

fn without_accept(stored: &MediaType) -> Vec<Candidate> {
    if stored.is_index() {
        return vec![Candidate::Child, Candidate::Stored];
    }
    if stored.is_schema1() {
        return vec![Candidate::Stored];
    }
    let schema1 = table::find(stored, &Target::DockerSchema1).map(|edge| Candidate::Convert(edge.to));
    schema1.into_iter().chain([Candidate::Stored]).collect()
}

/// A form that the stored manifest can be had in.
struct Form {
    candidate: Candidate,
    /// How much the client wants it by name; 0 when it doesn't name it.
    quality: u16,
    /// Whether the client takes it by a wildcard.
    by_wildcard: bool,
}

impl Form {
    fn new(candidate: Candidate, media_type: &MediaType, accept: &Accept) -> Self {
        let quality = named_quality(media_type, accept);
        Self { candidate, quality, by_wildcard: quality == 0 && accept.takes(media_type) }
    }

    fn target(target: Target, accept: &Accept) -> Self {
        Self::new(Candidate::Convert(target), &target.media_type(), accept)
    }

    /// The child of a list, which can be had in any format of images that the client names.
    fn child(accept: &Accept) -> Self {
        let images = [MediaType::DockerSchema2, MediaType::OciManifest, MediaType::DockerSchema1Signed];
        let quality = images.iter().map(|image| named_quality(image, accept)).max().unwrap_or_default();
        Self { candidate: Candidate::Child, quality, by_wildcard: false }
    }
}

/// The forms that a manifest of the stored type can be had in, the nearest first.
fn forms(stored: &MediaType, accept: &Accept) -> Vec<Form> {
    let stored_form = Form::new(Candidate::Stored, stored, accept);
    if !stored.is_index() {
        let others = table::from(stored).map(|edge| Form::target(edge.to, accept));
        return [stored_form].into_iter().chain(others).collect();
    }
    let format = ChildFormat::named_by(accept);
    type List = fn(ChildFormat) -> Target;
    let (same, other, others_images): (List, List, _) = match stored {
        MediaType::DockerManifestList => (Target::DockerManifestList, Target::OciIndex, ChildFormat::OciManifest),
        _ => (Target::OciIndex, Target::DockerManifestList, ChildFormat::DockerSchema2),
    };
    // A list of the stored type over other children, for a client that can't read every format of images.
    let reads_all = format == Some(ChildFormat::Any) && is_named(&MediaType::DockerSchema1Signed, accept);
    let over_others = format.filter(|_| !reads_all).map(|format| Form::target(same(format), accept));
    let other_list = Form::target(other(format.unwrap_or(others_images)), accept);
    over_others.into_iter().chain([stored_form, other_list, Form::child(accept)]).collect()
}

/// Whether the client names a type, and so takes it other than by a wildcard.
pub fn is_named(media_type: &MediaType, accept: &Accept) -> bool {
    named_quality(media_type, accept) > 0
}

/// How much the client wants a type by name; 0 when it doesn't name it. Signed schema 1 has two names: who asks for the
/// unsigned form can read it too.
fn named_quality(media_type: &MediaType, accept: &Accept) -> u16 {
    let quality = |name: &MediaType| if accept.names(name) { accept.quality(name) } else { 0 };
    if *media_type == MediaType::DockerSchema1Signed {
        quality(&MediaType::DockerSchema1Signed).max(quality(&MediaType::DockerSchema1))
    } else {
        quality(media_type)
    }
}
