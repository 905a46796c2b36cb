//! What this registry must answer: docs/conversion.md, written a second time and without the code under test.

use std::cmp::Reverse;

use crate::accept::Accept;
use crate::image::{Format, Image};
use crate::index::{Content, Index, Over, list_type};
use crate::obstacle::Obstacle;
use crate::schema1::{Schema1, payload};
use crate::specimen::Manifest;
use crate::types::{OCI, SCHEMA1, SCHEMA1_UNSIGNED, SCHEMA2};

/// What a pull by tag gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// These bytes.
    Bytes(&'static str, Vec<u8>),
    /// Signed schema 1 over the payload that docker-registry makes of the default image.
    AsTheReference,
    /// Signed schema 1 over this payload.
    Signed(Vec<u8>),
    /// The image that the stored schema 1 describes.
    Upgraded(Format),
    /// 404, and why.
    Refused(Obstacle),
}

/// A form that a manifest may be had in.
#[derive(Clone, Copy)]
enum Form {
    Stored,
    Schema1,
    Image(Format),
    List { docker: bool, over: Over },
    Child,
}

/// Why there is nothing for the client, if there is a reason besides that nothing was asked for that could be had.
type Nothing = Option<Obstacle>;

pub(crate) fn expected(manifest: &Manifest, accept: &Accept) -> Expected {
    let answer = match manifest {
        Manifest::Image(image) => of_image(image, accept),
        Manifest::Index(index) => of_index(index, accept),
        Manifest::Schema1(schema1) => of_schema1(schema1, accept),
    };
    answer.unwrap_or_else(|reason| Expected::Refused(reason.unwrap_or(Obstacle::NotAccepted)))
}

fn of_image(image: &Image, accept: &Accept) -> Result<Expected, Nothing> {
    let stored = image.format.media_type();
    let other = if image.format == Format::Oci { Format::Schema2 } else { Format::Oci };
    let forms = [(Form::Stored, stored), (Form::Image(other), other.media_type()), (Form::Schema1, SCHEMA1)];
    let without_accept = [Form::Schema1, Form::Stored];
    first(candidates(stored, &forms, &without_accept, accept), |form| match form {
        Form::Stored => Ok(Expected::Bytes(stored, image.manifest.clone())),
        Form::Schema1 => image.schema1_obstacles().first().map_or(Ok(Expected::AsTheReference), |why| Err(Some(*why))),
        Form::Image(format) => image.to(format).map(|bytes| Expected::Bytes(format.media_type(), bytes)).map_err(Some),
        Form::List { .. } | Form::Child => unreachable!("an image is no list"),
    })
}

fn of_index(index: &Index, accept: &Accept) -> Result<Expected, Nothing> {
    let stored = index.media_type();
    let over = match (accept.named(SCHEMA2) > 0, accept.named(OCI) > 0) {
        (true, true) => Some(Over::Both),
        (true, false) => Some(Over::One(Format::Schema2)),
        (false, true) => Some(Over::One(Format::Oci)),
        (false, false) => None,
    };
    // A client that names no format of images reads those that go with its lists.
    let of_its_kind = Over::One(if index.docker { Format::Oci } else { Format::Schema2 });
    let mut forms = Vec::new();
    if let Some(over @ Over::One(_)) = over {
        forms.push((Form::List { docker: index.docker, over }, stored));
    }
    let other = Form::List { docker: !index.docker, over: over.unwrap_or(of_its_kind) };
    forms.extend([(Form::Stored, stored), (other, list_type(!index.docker))]);
    // Any format of images will do for the child.
    let image = [SCHEMA2, OCI, SCHEMA1].into_iter().max_by_key(|image| accept.named(image)).unwrap_or(SCHEMA1);
    if accept.named(image) > 0 {
        forms.push((Form::Child, image));
    }
    first(candidates(stored, &forms, &[Form::Child, Form::Stored], accept), |form| match form {
        Form::Stored => Ok(Expected::Bytes(stored, index.manifest.clone())),
        Form::List { docker, over } => {
            index.to(docker, over).map(|bytes| Expected::Bytes(list_type(docker), bytes)).map_err(Some)
        }
        Form::Child => of_default_child(index, accept),
        Form::Schema1 | Form::Image(_) => unreachable!("a list is no image"),
    })
}

fn of_default_child(index: &Index, accept: &Accept) -> Result<Expected, Nothing> {
    match index.default_child().map(|child| &child.content) {
        Some(Content::Image(image)) => of_image(image, accept),
        Some(Content::Index(index)) => of_index(index, accept),
        Some(Content::Blob(..)) => Err(Some(Obstacle::NoDefaultPlatform)),
        None => {
            let mut nested = index.nested().map(|nested| of_default_child(nested, accept));
            nested.next().unwrap_or(Err(Some(Obstacle::NoDefaultPlatform)))
        }
    }
}

fn of_schema1(schema1: &Schema1, accept: &Accept) -> Result<Expected, Nothing> {
    let stored = if schema1.signed { SCHEMA1 } else { SCHEMA1_UNSIGNED };
    let mut forms = vec![(Form::Stored, stored)];
    if !schema1.signed {
        forms.push((Form::Schema1, SCHEMA1));
    }
    forms.extend([Format::Schema2, Format::Oci].map(|format| (Form::Image(format), format.media_type())));
    first(candidates(stored, &forms, &[Form::Stored], accept), |form| match form {
        Form::Stored => Ok(Expected::Bytes(stored, schema1.manifest.clone())),
        Form::Schema1 => Ok(Expected::Signed(payload(&schema1.manifest))),
        Form::Image(format) => Ok(Expected::Upgraded(format)),
        Form::List { .. } | Form::Child => unreachable!("an image is no list"),
    })
}

/// What to try, best first.
fn candidates(stored: &str, forms: &[(Form, &str)], without_accept: &[Form], accept: &Accept) -> Vec<Form> {
    if accept.is_absent() {
        return without_accept.to_vec();
    }
    let mut named: Vec<_> = forms.iter().filter(|(_, media_type)| accept.named(media_type) > 0).collect();
    named.sort_by_key(|(_, media_type)| Reverse(accept.named(media_type)));
    let nothing_named = named.is_empty();
    let mut candidates: Vec<Form> = named.into_iter().map(|(form, _)| *form).collect();
    if accept.takes(stored) {
        candidates.push(Form::Stored);
    } else if nothing_named {
        // The stored form is ruled out by its name, and a wildcard may take another one.
        let taken = forms.iter().filter(|(form, media_type)| !matches!(form, Form::Child) && accept.takes(media_type));
        candidates.extend(taken.map(|(form, _)| *form));
    }
    candidates
}

/// The first that can be had, or why the best one can't.
fn first(forms: Vec<Form>, make: impl Fn(Form) -> Result<Expected, Nothing>) -> Result<Expected, Nothing> {
    let mut reason = None;
    for form in forms {
        match make(form) {
            Ok(expected) => return Ok(expected),
            Err(why) => reason = reason.or(why),
        }
    }
    Err(reason)
}
