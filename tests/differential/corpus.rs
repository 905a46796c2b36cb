//! Several hundred images: each edge alone in each format that has it, lists, schema 1, and mixtures of edges.

use fastrand::Rng;
use lambda_registry_tests::docker_registry::DockerRegistry;

use crate::draft::Draft;
use crate::edges;
use crate::image::{Format, Image};
use crate::lists;
use crate::remote::Remote;
use crate::schema1::Schema1;
use crate::specimen::{Manifest, Specimen};

const MIXTURES: usize = 60;
const MIXED_LISTS: usize = 20;

/// Everything that is pushed; the same for the same seed.
pub(crate) fn corpus(seed: u64, signer: &DockerRegistry) -> Vec<Specimen> {
    // A specimen doesn't depend on how many stand before it.
    let mut number = 0;
    let mut rng = || {
        number += 1;
        Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number))
    };
    let mut corpus = Vec::new();
    for format in [Format::Schema2, Format::Oci] {
        corpus.push(image("nothing odd", format, &[], &mut rng()));
        for edge in edges::all().filter(|edge| edge.only.is_none_or(|only| only == format)) {
            corpus.push(image(edge.name, format, &[edge], &mut rng()));
        }
        for mixture in 0..MIXTURES / 2 {
            corpus.push(mixed(mixture, format, &mut rng()));
        }
    }
    for (name, make) in lists::LISTS {
        corpus.push(make(name, &mut rng()));
    }
    for mixture in 0..MIXED_LISTS {
        corpus.push(lists::mixed(&format!("a mixed list, {mixture}"), &mut rng()));
    }
    corpus.extend(schema1(signer, &mut rng));
    corpus
}

fn image(name: &str, format: Format, edges: &[&edges::Edge], rng: &mut Rng) -> Specimen {
    let mut draft = Draft::new(format, rng);
    for edge in edges {
        (edge.apply)(&mut draft, rng);
    }
    let (content_type, refused) = (draft.content_type.clone(), draft.refused);
    let manifest = Manifest::Image(draft.finish(rng));
    Specimen { content_type, refused, ..Specimen::new(format!("{format:?}: {name}"), manifest) }
}

/// An image of several edges. What is refused at the door would hide the others.
fn mixed(number: usize, format: Format, rng: &mut Rng) -> Specimen {
    let let_in = |edge: &&edges::Edge| {
        let mut draft = Draft::new(format, &mut Rng::with_seed(0));
        (edge.apply)(&mut draft, &mut Rng::with_seed(0));
        draft.refused.is_none()
    };
    let fitting = edges::all().filter(|edge| edge.only.is_none_or(|only| only == format)).filter(let_in);
    let count = rng.usize(2..=5);
    let edges = rng.choose_multiple(fitting, count);
    let names: Vec<&str> = edges.iter().map(|edge| edge.name).collect();
    image(&format!("mixture {number} of {}", names.join(", ")), format, &edges, rng)
}

/// Images that docker-registry made schema 1 of.
fn schema1(signer: &DockerRegistry, rng: &mut impl FnMut() -> Rng) -> Vec<Specimen> {
    const ODDITIES: &[Option<&str>] = &[
        None,
        Some("layers: none"),
        Some("layers: the same twice"),
        Some("layers: not compressed"),
        Some("config: Windows"),
        Some("config: everything that Docker writes"),
        Some("history: a last step without a layer"),
        Some("history: author and comment"),
        Some("times: an offset"),
        Some("strings: characters of HTML"),
        Some("numbers: huge and odd"),
    ];
    let mut specimens = Vec::new();
    for oddity in ODDITIES {
        for signed in [true, false] {
            let mut rng = rng();
            let name = oddity.unwrap_or("nothing odd");
            let signer = Remote::new(&signer.url(""), "library/origin");
            let origin = origin(*oddity, &mut rng);
            let sort = if signed { "signed" } else { "unsigned" };
            let schema1 = Schema1::made_by(&signer, signed, origin);
            specimens.push(Specimen::new(format!("{sort} schema 1: {name}"), Manifest::Schema1(schema1)));
        }
    }
    specimens
}

fn origin(oddity: Option<&str>, rng: &mut Rng) -> Image {
    let mut draft = Draft::new(Format::Schema2, rng);
    if let Some(name) = oddity {
        let edge = edges::all().find(|edge| edge.name == name).unwrap_or_else(|| panic!("no edge {name}"));
        (edge.apply)(&mut draft, rng);
    }
    draft.finish(rng)
}
