//! What a client says it can read.

use crate::MediaType;

/// A parsed `Accept` header (RFC 9110, section 12.5.1), every line of it.
///
/// ```
/// use protocol::{Accept, MediaType};
/// let accept = Accept::parse(["application/vnd.oci.image.index.v1+json, */*;q=0.1"]);
/// assert!(accept.names(&MediaType::OciIndex));
/// assert!(!accept.names(&MediaType::DockerSchema2) && accept.takes(&MediaType::DockerSchema2));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accept {
    named: Vec<(MediaType, Quality)>,
    ranges: Vec<(String, Quality)>,
}

/// A q-value in thousandths, so that it compares exactly.
type Quality = u16;
const FULL: Quality = 1000;

impl Accept {
    /// Reads every line of the header; each may hold a list.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut accept = Self::default();
        for range in lines.into_iter().flat_map(|line| line.split(',')) {
            let mut parameters = range.split(';').map(str::trim);
            let essence = parameters.next().unwrap_or_default().to_ascii_lowercase();
            if essence.is_empty() {
                continue;
            }
            let quality = parameters
                .filter_map(|parameter| parameter.split_once('='))
                .find(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
                .map_or(FULL, |(_, value)| quality(value.trim()));
            match essence.strip_suffix('*') {
                Some(prefix) => accept.ranges.push((prefix.to_owned(), quality)),
                None => accept.named.push((MediaType::from(essence.as_str()), quality)),
            }
        }
        accept
    }

    /// The client sent no `Accept`, as Docker 1.9 and older do.
    pub fn is_absent(&self) -> bool {
        self.named.is_empty() && self.ranges.is_empty()
    }

    /// The client names this type, and doesn't rule it out with `q=0`.
    pub fn names(&self, media_type: &MediaType) -> bool {
        self.named_quality(media_type).is_some_and(|quality| quality > 0)
    }

    /// The client names at least one manifest type that it would take.
    pub fn names_a_manifest(&self) -> bool {
        self.named.iter().any(|(media_type, quality)| *quality > 0 && media_type.is_manifest())
    }

    /// The client takes this type, by name or by a wildcard.
    pub fn takes(&self, media_type: &MediaType) -> bool {
        self.quality(media_type) > 0
    }

    /// How much the client wants this type, in thousandths: by name if it names it, else by the closest wildcard.
    pub fn quality(&self, media_type: &MediaType) -> u16 {
        self.named_quality(media_type).unwrap_or_else(|| {
            let matching = self.ranges.iter().filter(|(prefix, _)| prefix_matches(prefix, media_type.as_str()));
            matching.max_by_key(|(prefix, _)| prefix.len()).map_or(0, |(_, quality)| *quality)
        })
    }

    /// The types that are named and wanted, in the client's order.
    pub fn named(&self) -> impl Iterator<Item = &MediaType> {
        self.named.iter().filter(|(_, quality)| *quality > 0).map(|(media_type, _)| media_type)
    }

    fn named_quality(&self, media_type: &MediaType) -> Option<Quality> {
        self.named.iter().filter(|(named, _)| named == media_type).map(|(_, quality)| *quality).max()
    }
}

/// `*/*` leaves the prefix `*/`, `application/*` leaves `application/`, a bare `*` (Java's URLConnection) leaves nothing.
fn prefix_matches(prefix: &str, media_type: &str) -> bool {
    prefix == "*/" || media_type.starts_with(prefix)
}

/// A malformed weight counts as full, as most servers take it.
fn quality(value: &str) -> Quality {
    match value.parse::<f32>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => {
            // A weight has at most three decimals, so rounding is exact.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
            let thousandths = (weight * 1000.0).round() as Quality;
            thousandths
        }
        _ => FULL,
    }
}

impl std::fmt::Display for Accept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = self.named.iter().filter(|(_, q)| *q > 0).map(|(media_type, _)| media_type.as_str().to_owned());
        let ranges = self.ranges.iter().filter(|(_, q)| *q > 0).map(|(prefix, _)| format!("{prefix}*"));
        let all: Vec<String> = named.chain(ranges).collect();
        f.write_str(if all.is_empty() { "nothing by name" } else { "" })?;
        f.write_str(&all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_lists_are_joined() {
        let accept = Accept::parse(["application/vnd.oci.image.index.v1+json", "application/json, */*"]);
        assert!(accept.names(&MediaType::OciIndex));
        assert!(accept.names_a_manifest());
        assert!(accept.takes(&MediaType::DockerSchema1));
        assert!(!accept.names(&MediaType::DockerSchema1));
    }

    #[test]
    fn zero_rules_a_type_out_even_beside_a_wildcard() {
        let accept = Accept::parse(["application/vnd.oci.image.index.v1+json;q=0, */*;q=0.5"]);
        assert!(!accept.takes(&MediaType::OciIndex));
        assert_eq!(accept.quality(&MediaType::OciManifest), 500);
        assert!(!accept.names_a_manifest());
    }

    #[test]
    fn the_closest_wildcard_counts() {
        let accept = Accept::parse(["*/*;q=0.1, application/*;q=0.7"]);
        assert_eq!(accept.quality(&MediaType::OciManifest), 700);
        assert_eq!(accept.quality(&MediaType::Other("text/plain".into())), 100);
    }

    #[test]
    fn nothing_and_empty_lines_are_absent() {
        assert!(Accept::parse([]).is_absent());
        assert!(Accept::parse(["", " , "]).is_absent());
    }

    #[test]
    fn odd_weights_do_not_lose_a_type() {
        assert!(Accept::parse(["application/json;q=high"]).names(&MediaType::from("application/json")));
        assert_eq!(Accept::parse(["application/json; Q=0.125"]).quality(&MediaType::from("application/json")), 125);
    }
}
