//! Intended differences from docker-registry, each with the circumstances in which it shows.
//!
//! What this registry answers is checked elsewhere, whatever docker-registry does. A rule only says why docker-registry
//! answers something else. The table in docs/conversion.md has the reasons; a test keeps the two in step.

use lambda_registry_tests::http::Answer;

use crate::accept::Accept;
use crate::compare::code;
use crate::expected::expected;
use crate::obstacle::Obstacle;
use crate::schema1::payload;
use crate::specimen::{Manifest, Specimen};
use crate::types::{INDEX, LIST, OCI, SCHEMA1, SCHEMA1_UNSIGNED, SCHEMA2};

/// An intended difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    FixedSignature,
    KeptSignature,
    UntypedPush,
    UnsignedSchema1,
    AmbiguousManifest,
    StoredByDigest,
    ConvertedDigest,
    Weights,
    Wildcards,
    UntypedIndex,
    UpgradedSchema1,
    UnwantedSchema1,
    NearestForm,
    OciConverted,
    ListsConverted,
    ChildrenConverted,
    NestedDefault,
    NoDefaultPlatform,
    LayersOutsideOfSchema1,
    Artifacts,
    LostLayers,
    NoRootfs,
    NoHistory,
    AmbiguousConfig,
    NotUnicode,
    MalformedConfig,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Tag,
    Digest,
    /// The digest that a conversion by tag handed out.
    ConvertedDigest,
}

/// Two answers that differ.
pub(crate) struct Case<'a> {
    pub(crate) specimen: &'a Specimen,
    pub(crate) accept: &'a Accept,
    pub(crate) by: By,
    pub(crate) ours: &'a Answer,
    /// None when docker-registry crashed.
    pub(crate) reference: Option<&'a Answer>,
}

type Applies = fn(&Case<'_>) -> bool;

/// The rules for pulls; the first that applies explains the difference.
const PULLS: &[(Rule, Applies)] = &[
    (Rule::ConvertedDigest, |case| case.by == By::ConvertedDigest && case.reference_says(404, "MANIFEST_UNKNOWN")),
    (Rule::KeptSignature, |case| case.only_signatures_differ() && case.stored() == SCHEMA1),
    (Rule::FixedSignature, |case| case.only_signatures_differ()),
    (Rule::StoredByDigest, |case| case.by == By::Digest && case.oci_not_accepted()),
    (Rule::UntypedIndex, |case| {
        matches!(&case.specimen.manifest, Manifest::Index(index) if !index.has_media_type)
            && case.reference_sends_stored()
    }),
    (Rule::Weights, |case| case.weights_matter()),
    (Rule::Wildcards, |case| case.ours_is(case.stored()) && case.stored_by_wildcard()),
    (Rule::UpgradedSchema1, |case| {
        case.stored() == SCHEMA1 && case.reference_is(SCHEMA1) && (case.ours_is(SCHEMA2) || case.ours_is(OCI))
    }),
    (Rule::NoDefaultPlatform, |case| {
        let has_default = case.specimen.manifest.default_image().is_some();
        case.accept.is_absent() && !has_default && case.ours_is(case.stored())
    }),
    (Rule::NestedDefault, |case| {
        let Manifest::Index(index) = &case.specimen.manifest else { return false };
        let nested = index.default_child().is_none() && case.specimen.manifest.default_image().is_some();
        nested && case.stored() == LIST && case.reference_says(404, "MANIFEST_UNKNOWN")
    }),
    (Rule::OciConverted, |case| case.oci_not_accepted() && case.ours.status == 200),
    (Rule::ListsConverted, |case| {
        case.stored_is_list() && (case.ours_is(LIST) || case.ours_is(INDEX)) && !case.ours_is(case.stored())
    }),
    (Rule::ChildrenConverted, |case| {
        case.stored_is_list() && case.reference_sends_stored() && case.ours_is(case.stored())
    }),
    (Rule::ChildrenConverted, |case| case.stored() == LIST && case.reference_is(OCI) && !case.accept.mentions(OCI)),
    (Rule::UnwantedSchema1, |case| case.reference_makes_schema1() && !case.wants_schema1() && case.ours.status == 404),
    (Rule::NearestForm, |case| {
        case.reference_makes_schema1() && (case.ours_is(OCI) || case.ours_is(SCHEMA2)) && case.named(case.ours)
    }),
    (Rule::LayersOutsideOfSchema1, |case| {
        case.reference_is(SCHEMA1)
            && case.obstacle_is(&[Obstacle::Zstd, Obstacle::Foreign, Obstacle::UnknownLayer, Obstacle::Encrypted])
    }),
    (Rule::Artifacts, |case| case.reference_makes_schema1() && case.obstacle_is(&[Obstacle::Artifact])),
    (Rule::NoHistory, |case| case.reference_says(400, "MANIFEST_INVALID") && case.obstacle_is(&[Obstacle::NoHistory])),
    (Rule::LostLayers, |case| {
        case.reference_makes_schema1()
            && case.obstacle_is(&[Obstacle::OtherNumberOfDiffIds, Obstacle::OtherNumberOfEntries])
    }),
    (Rule::NoRootfs, |case| case.reference_makes_schema1() && case.obstacle_is(&[Obstacle::NoRootfs])),
    (Rule::AmbiguousConfig, |case| case.reference_is(SCHEMA1) && case.obstacle_is(&[Obstacle::AmbiguousConfig])),
    (Rule::NotUnicode, |case| case.reference_is(SCHEMA1) && case.obstacle_is(&[Obstacle::NotUnicode])),
    (Rule::MalformedConfig, |case| {
        case.reference_says(400, "MANIFEST_INVALID") && case.obstacle_is(&[Obstacle::MalformedConfig])
    }),
];

impl Rule {
    /// Each with the words that its row of the table in docs/conversion.md begins with.
    pub(crate) const ALL: &[(Self, &str)] = &[
        (Self::FixedSignature, "key and time of the signature"),
        (Self::KeptSignature, "signed schema 1 that was pushed"),
        (Self::UntypedPush, "schema 2, OCI or an index pushed as `application/json` or without `Content-Type`"),
        (Self::UnsignedSchema1, "unsigned schema 1 pushed"),
        (Self::AmbiguousManifest, "a manifest that two clients would read differently"),
        (Self::StoredByDigest, "OCI by digest, not accepted"),
        (Self::ConvertedDigest, "the digest of a conversion"),
        (Self::Weights, "q-values"),
        (Self::Wildcards, "the stored form accepted by a wildcard"),
        (Self::UntypedIndex, "an index without `mediaType`"),
        (Self::UpgradedSchema1, "schema 1 stored, newer formats accepted"),
        (Self::UnwantedSchema1, "neither schema 1 nor what could be had is accepted"),
        (Self::NearestForm, "schema 2 stored, OCI accepted and schema 2 not"),
        (Self::OciConverted, "OCI stored, not accepted"),
        (Self::ListsConverted, "a list in the words of the other family accepted"),
        (Self::ChildrenConverted, "a list with children that the client can't read"),
        (Self::NestedDefault, "linux/amd64 only in a list inside of the list"),
        (Self::NoDefaultPlatform, "no `Accept`, and a list without linux/amd64"),
        (Self::LayersOutsideOfSchema1, "zstd, foreign or unknown layers to schema 1"),
        (Self::Artifacts, "artifacts to schema 1"),
        (Self::LostLayers, "another number of `diff_ids` or history entries than of layers"),
        (Self::NoRootfs, "no `rootfs`"),
        (Self::NoHistory, "no `history`"),
        (Self::AmbiguousConfig, "config with a field twice, or in another case"),
        (Self::NotUnicode, "config that isn't Unicode"),
        (Self::MalformedConfig, "config that can't be read"),
    ];
}

/// Why docker-registry answers a pull otherwise.
pub(crate) fn explain(case: &Case<'_>) -> Option<Rule> {
    PULLS.iter().find(|(_, applies)| applies(case)).map(|(rule, _)| *rule)
}

/// Why docker-registry answers a push otherwise.
pub(crate) fn explain_push(specimen: &Specimen, ours: &Answer, reference: &Answer) -> Option<Rule> {
    match (ours.status, reference.status) {
        (400, 201) if specimen.refused.is_some() => Some(Rule::AmbiguousManifest),
        (201, 400) if specimen.manifest.media_type() == SCHEMA1_UNSIGNED => Some(Rule::UnsignedSchema1),
        (201, 400) if specimen.content_type.as_deref().is_none_or(|header| header == "application/json") => {
            Some(Rule::UntypedPush)
        }
        _ => None,
    }
}

impl Case<'_> {
    fn stored(&self) -> &'static str {
        self.specimen.manifest.media_type()
    }

    fn stored_is_list(&self) -> bool {
        matches!(self.specimen.manifest, Manifest::Index(_))
    }

    fn ours_is(&self, media_type: &str) -> bool {
        is(self.ours, media_type)
    }

    fn reference_is(&self, media_type: &str) -> bool {
        self.reference.is_some_and(|reference| is(reference, media_type))
    }

    fn reference_says(&self, status: u16, error: &str) -> bool {
        self.reference.is_some_and(|reference| reference.status == status && code(reference).as_deref() == Some(error))
    }

    fn reference_sends_stored(&self) -> bool {
        self.reference.is_some_and(|reference| reference.body == self.specimen.manifest.bytes())
    }

    /// It serves OCI to nobody who doesn't name it.
    fn oci_not_accepted(&self) -> bool {
        [OCI, INDEX].contains(&self.stored())
            && !self.accept.mentions(self.stored())
            && self.reference_says(404, "MANIFEST_UNKNOWN")
    }

    /// It makes schema 1 for everybody who doesn't name schema 2, and may fail with it.
    fn reference_makes_schema1(&self) -> bool {
        !self.accept.mentions(SCHEMA2)
            && (self.reference.is_none() || self.reference_is(SCHEMA1) || self.reference_says(400, "MANIFEST_INVALID"))
    }

    fn wants_schema1(&self) -> bool {
        self.accept.is_absent() || self.accept.takes(SCHEMA1) || self.accept.takes(SCHEMA1_UNSIGNED)
    }

    fn named(&self, answer: &Answer) -> bool {
        answer.header("content-type").is_some_and(|media_type| self.accept.named(media_type) > 0)
    }

    fn only_signatures_differ(&self) -> bool {
        let Some(reference) = self.reference else { return false };
        is(self.ours, SCHEMA1) && is(reference, SCHEMA1) && payload(&self.ours.body) == payload(&reference.body)
    }

    /// Whether something else would be right if all the types had the same weight.
    fn weights_matter(&self) -> bool {
        let manifest = &self.specimen.manifest;
        expected(manifest, self.accept) != expected(manifest, &self.accept.without_weights())
    }

    fn stored_by_wildcard(&self) -> bool {
        self.accept.named(self.stored()) == 0 && self.accept.takes(self.stored())
    }

    /// The client would take schema 1, and one of these keeps the image from it.
    fn obstacle_is(&self, obstacles: &[Obstacle]) -> bool {
        let image = self.specimen.manifest.default_image();
        let found = image.map(|image| image.schema1_obstacles()).unwrap_or_default();
        self.wants_schema1() && found.iter().any(|obstacle| obstacles.contains(obstacle))
    }
}

fn is(answer: &Answer, media_type: &str) -> bool {
    answer.status == 200 && answer.header("content-type") == Some(media_type)
}
