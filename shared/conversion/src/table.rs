//! The table of conversions between images: what is here can be had, what isn't is refused by name.
//!
//! Lists and indexes aren't in it: they convert into each other by rewriting what they refer to, see
//! [`convert_index`](crate::convert_index).

use protocol::MediaType;

use crate::convert::{Converted, ImageInputs};
use crate::{Manifest, Needs, Refusal, Target, family, schema1};

/// One conversion.
pub(crate) struct Edge {
    pub(crate) from: MediaType,
    pub(crate) to: Target,
    /// What it reads besides the manifest.
    pub(crate) needs: Needs,
    pub(crate) convert: fn(&Manifest, &ImageInputs<'_>) -> Result<Converted, Refusal>,
}

/// Every conversion; for each source the nearest target first, which is the order in which they are preferred.
const EDGES: &[Edge] = &[
    // Clients want it signed, and the digest is the payload's either way.
    Edge {
        from: MediaType::DockerSchema1,
        to: Target::DockerSchema1,
        needs: Needs::Nothing,
        convert: |source, _| schema1::sign(source),
    },
    Edge {
        from: MediaType::DockerSchema1,
        to: Target::DockerSchema2,
        needs: Needs::Layers,
        convert: schema1::to_schema2,
    },
    Edge { from: MediaType::DockerSchema1, to: Target::OciManifest, needs: Needs::Layers, convert: schema1::to_oci },
    Edge {
        from: MediaType::DockerSchema1Signed,
        to: Target::DockerSchema2,
        needs: Needs::Layers,
        convert: schema1::to_schema2,
    },
    Edge {
        from: MediaType::DockerSchema1Signed,
        to: Target::OciManifest,
        needs: Needs::Layers,
        convert: schema1::to_oci,
    },
    Edge {
        from: MediaType::DockerSchema2,
        to: Target::OciManifest,
        needs: Needs::Nothing,
        convert: |source, _| family::to_oci(source),
    },
    Edge {
        from: MediaType::DockerSchema2,
        to: Target::DockerSchema1,
        needs: Needs::Config,
        convert: |source, inputs| {
            family::check_for_schema1(source)?;
            schema1::from_schema2(source, inputs)
        },
    },
    Edge {
        from: MediaType::OciManifest,
        to: Target::DockerSchema2,
        needs: Needs::Nothing,
        convert: |source, _| family::to_schema2(source),
    },
    Edge {
        from: MediaType::OciManifest,
        to: Target::DockerSchema1,
        needs: Needs::Config,
        convert: |source, inputs| {
            family::check_for_schema1(source)?;
            schema1::from_schema2(&family::to_schema2(source)?.manifest, inputs)
        },
    },
];

/// What an image of this type can become, the nearest first.
pub(crate) fn from(source: &MediaType) -> impl Iterator<Item = &'static Edge> {
    EDGES.iter().filter(move |edge| edge.from == *source)
}

/// The conversion between these two.
pub(crate) fn find(source: &MediaType, target: &Target) -> Option<&'static Edge> {
    from(source).find(|edge| edge.to == *target)
}
