//! Who asks: every form of `Accept` that clients send, and a few that the specification of HTTP allows.

use std::borrow::Cow;

use crate::types::{INDEX, LIST, OCI, SCHEMA1, SCHEMA1_UNSIGNED, SCHEMA2};

/// A form of `Accept`, by its meaning; the header lines are written from it.
#[derive(Clone, Debug)]
pub(crate) struct Accept {
    pub(crate) client: &'static str,
    /// Types and wildcards with their weights in thousandths.
    ranges: Cow<'static, [(&'static str, u16)]>,
    layout: Layout,
}

/// Clients send one line for each type, or all of them in one.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Lines,
    OneLine,
}

const ANYTHING: &str = "*/*";

const fn lines(client: &'static str, ranges: &'static [(&'static str, u16)]) -> Accept {
    Accept { client, ranges: Cow::Borrowed(ranges), layout: Layout::Lines }
}

const fn one_line(client: &'static str, ranges: &'static [(&'static str, u16)]) -> Accept {
    Accept { client, ranges: Cow::Borrowed(ranges), layout: Layout::OneLine }
}

macro_rules! all {
    ($($range:expr),*) => { &[$(($range, 1000)),*] };
}

/// Nothing at all, as Docker 1.9 asks.
pub(crate) const ABSENT: &Accept = &lines("Docker 1.9 and older", &[]);

/// Every form.
pub(crate) const FORMS: &[Accept] = &[
    lines("Docker 1.9 and older", &[]),
    one_line("curl", all![ANYTHING]),
    lines("Docker 1.10 to 18.09", all![LIST, "application/json", SCHEMA1, SCHEMA2]),
    lines("Docker 19.03 to 28", all![SCHEMA2, LIST, INDEX, OCI, SCHEMA1, "application/json"]),
    one_line("containerd", all![SCHEMA2, LIST, OCI, INDEX, ANYTHING]),
    lines("containers/image", all![OCI, SCHEMA2, SCHEMA1, SCHEMA1_UNSIGNED, LIST, INDEX]),
    one_line("go-containerregistry", all![SCHEMA1_UNSIGNED, SCHEMA1, SCHEMA2, OCI, LIST, INDEX]),
    one_line("oras and Helm", all![SCHEMA2, LIST, OCI, INDEX, "application/vnd.oci.artifact.manifest.v1+json"]),
    lines(
        "regclient",
        all![INDEX, OCI, LIST, SCHEMA2, SCHEMA1, SCHEMA1_UNSIGNED, "application/vnd.oci.artifact.manifest.v1+json"],
    ),
    lines("docker manifest", all![SCHEMA2, LIST, INDEX, OCI]),
    lines("docker manifest, up to 20.10", all![SCHEMA2, LIST, INDEX]),
    lines("schema 1", all![SCHEMA1]),
    lines("unsigned schema 1", all![SCHEMA1_UNSIGNED]),
    lines("schema 2", all![SCHEMA2]),
    lines("manifest list", all![LIST]),
    lines("OCI image", all![OCI]),
    lines("OCI index", all![INDEX]),
    one_line("both schemas", all![SCHEMA1, SCHEMA2]),
    one_line("schema 1 or OCI", all![OCI, SCHEMA1]),
    one_line("images without lists", all![SCHEMA2, OCI]),
    one_line("Docker's formats", all![SCHEMA2, LIST]),
    one_line("OCI's formats", all![OCI, INDEX]),
    one_line("lists without images", all![LIST, INDEX]),
    one_line("indexes over schema 2", all![SCHEMA2, INDEX]),
    one_line("lists over OCI", all![OCI, LIST]),
    one_line("schema 1 or anything", all![SCHEMA1, ANYTHING]),
    one_line("OCI or anything", all![OCI, ANYTHING]),
    one_line("a list or anything", all![LIST, ANYTHING]),
    one_line("any application", all!["application/*"]),
    one_line("any text", all!["text/*"]),
    lines("JSON", all!["application/json"]),
    one_line("rather OCI than schema 2", &[(SCHEMA2, 500), (OCI, 1000)]),
    one_line("rather schema 2 than OCI", &[(OCI, 400), (SCHEMA2, 500)]),
    one_line("rather schema 1 than schema 2", &[(SCHEMA2, 100), (SCHEMA1, 900)]),
    one_line("rather an index than a list", &[(LIST, 200), (INDEX, 900), (SCHEMA2, 900)]),
    one_line("rather an image than a list", &[(LIST, 500), (INDEX, 500), (SCHEMA2, 900)]),
    one_line("anything but schema 2", &[(SCHEMA2, 0), (ANYTHING, 1000)]),
    one_line("OCI and no schema 2", &[(OCI, 1000), (SCHEMA2, 0)]),
    one_line("OCI, at worst anything", &[(OCI, 1000), (ANYTHING, 1)]),
    one_line("nothing", &[(ANYTHING, 0)]),
];

impl Accept {
    /// The header, line by line.
    pub(crate) fn header(&self) -> Vec<String> {
        let weighed = |(range, weight): &(&str, u16)| match weight {
            1000 => (*range).to_owned(),
            weight => format!("{range};q=0.{weight:03}"),
        };
        let ranges: Vec<String> = self.ranges.iter().map(weighed).collect();
        match self.layout {
            Layout::OneLine => vec![ranges.join(", ")],
            Layout::Lines => ranges,
        }
    }

    /// The client sends no header.
    pub(crate) fn is_absent(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How much the client wants this type by name; 0 when it doesn't name it. Who names unsigned schema 1 reads the
    /// signed one too.
    pub(crate) fn named(&self, media_type: &str) -> u16 {
        let also = if media_type == SCHEMA1 { SCHEMA1_UNSIGNED } else { media_type };
        [media_type, also].into_iter().filter_map(|name| self.weight(name)).max().unwrap_or_default()
    }

    /// The client takes this type, by name or by a wildcard.
    pub(crate) fn takes(&self, media_type: &str) -> bool {
        let wildcard = || self.weight("application/*").or_else(|| self.weight(ANYTHING));
        self.weight(media_type).or_else(wildcard).is_some_and(|weight| weight > 0)
    }

    /// Whether the type stands in the header, whatever its weight: all that docker-registry looks at.
    pub(crate) fn mentions(&self, media_type: &str) -> bool {
        self.weight(media_type).is_some()
    }

    /// The same types, each with the full weight.
    pub(crate) fn without_weights(&self) -> Self {
        Self { ranges: self.ranges.iter().map(|(range, _)| (*range, 1000)).collect(), ..self.clone() }
    }

    fn weight(&self, range: &str) -> Option<u16> {
        self.ranges.iter().find(|(name, _)| *name == range).map(|(_, weight)| *weight)
    }
}
