//! JSON that knows where it stands: every complaint names the path of the value it is about.
//!
//! Values stay text until they are asked for, so numbers keep their spelling and objects the order of their keys.

use std::collections::BTreeMap;
use std::fmt;

use protocol::{Descriptor, Digest, MediaType, Platform};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::ParseError;

/// The names in one have 127 characters each at the most (RFC 6838, 4.2), and parameters may follow. It is kept in
/// records, which aren't for texts of any length.
const LONGEST_MEDIA_TYPE: usize = 1_000;

/// A JSON value and its path.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    path: String,
    text: &'a str,
}

/// A JSON object and its path.
#[derive(Clone, Debug)]
pub(crate) struct Object<'a> {
    path: String,
    fields: Vec<(String, &'a RawValue)>,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(crate) fn document(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(bytes).map_err(|error| ParseError::NotJson(error.to_string()))?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| ParseError::NotJson(error.to_string()))?;
        Ok(Self { path: String::new(), text: raw.get() })
    }

    /// A complaint about this value.
    pub(crate) fn error(&self, problem: impl Into<String>) -> ParseError {
        ParseError::Field { path: self.path.clone(), problem: problem.into() }
    }

    fn is_null(&self) -> bool {
        self.text == "null"
    }

    fn read<T: Deserialize<'a>>(&self, expected: &str) -> Result<T, ParseError> {
        serde_json::from_str(self.text).map_err(|_| self.error(format!("must be {expected}")))
    }

    pub(crate) fn object(&self) -> Result<Object<'a>, ParseError> {
        let Fields(fields) = self.read("an object")?;
        Ok(Object { path: self.path.clone(), fields })
    }

    pub(crate) fn array(&self) -> Result<Vec<Node<'a>>, ParseError> {
        let items: Vec<&RawValue> = self.read("an array")?;
        let node =
            |(index, item): (usize, &'a RawValue)| Node { path: format!("{}[{index}]", self.path), text: item.get() };
        Ok(items.into_iter().enumerate().map(node).collect())
    }

    /// An array; null counts as an empty one, because that is how Go writes a slice without elements.
    pub(crate) fn array_or_null(&self) -> Result<Vec<Node<'a>>, ParseError> {
        if self.is_null() { Ok(Vec::new()) } else { self.array() }
    }

    pub(crate) fn string(&self) -> Result<String, ParseError> {
        self.read("a string")
    }

    pub(crate) fn boolean(&self) -> Result<bool, ParseError> {
        self.read("true or false")
    }

    /// A length in bytes. Clients keep it in a signed 64-bit integer, so nothing above that is one.
    pub(crate) fn size(&self) -> Result<u64, ParseError> {
        let expected = "an integer from 0 to 9223372036854775807";
        let size: u64 = self.read(expected)?;
        if i64::try_from(size).is_ok() { Ok(size) } else { Err(self.error(format!("must be {expected}"))) }
    }

    pub(crate) fn digest(&self) -> Result<Digest, ParseError> {
        self.string()?.parse().map_err(|invalid: protocol::InvalidDigest| self.error(invalid.to_string()))
    }

    /// `type/subtype` (RFC 6838, section 4.2), so far as anything depends on it.
    pub(crate) fn media_type(&self) -> Result<MediaType, ParseError> {
        let text = self.string()?;
        if text.len() > LONGEST_MEDIA_TYPE {
            return Err(self.error(format!("a media type may have at most {LONGEST_MEDIA_TYPE} characters")));
        }
        let is_visible = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        match text.split_once('/') {
            Some((kind, subtype)) if is_visible && !kind.is_empty() && !subtype.is_empty() => {
                Ok(MediaType::from(text.as_str()))
            }
            _ => Err(self.error(format!("{text:?} is not a media type"))),
        }
    }

    pub(crate) fn strings(&self) -> Result<Vec<String>, ParseError> {
        self.array_or_null()?.iter().map(Node::string).collect()
    }

    /// Text by key: an object of strings. Its keys are anybody's, so unlike field names they differ by case.
    pub(crate) fn annotations(&self) -> Result<BTreeMap<String, String>, ParseError> {
        let object = self.object()?;
        let text = |(key, value): &(String, &'a RawValue)| {
            let node = Node { path: object.path_of(key), text: value.get() };
            Ok((key.clone(), node.string()?))
        };
        object.fields.iter().map(text).collect()
    }

    /// A reference to content (image specification, "OCI Content Descriptors"; the same in Docker's formats).
    pub(crate) fn descriptor(&self) -> Result<Descriptor, ParseError> {
        let object = self.object()?;
        Ok(Descriptor {
            media_type: object.require("mediaType")?.media_type()?,
            digest: object.require("digest")?.digest()?,
            size: object.require("size")?.size()?,
            urls: object.read("urls", Node::strings)?.unwrap_or_default(),
            annotations: object.read("annotations", Node::annotations)?.unwrap_or_default(),
            platform: object.read("platform", Node::platform)?,
            artifact_type: object.read("artifactType", Node::string)?,
        })
    }

    /// Image specification, "Image Index", `platform`. A missing name is an empty one, as Go reads it.
    fn platform(&self) -> Result<Platform, ParseError> {
        let object = self.object()?;
        Ok(Platform {
            architecture: object.read("architecture", Node::string)?.unwrap_or_default(),
            os: object.read("os", Node::string)?.unwrap_or_default(),
            os_version: object.read("os.version", Node::string)?,
            os_features: object.read("os.features", Node::strings)?.unwrap_or_default(),
            variant: object.read("variant", Node::string)?,
            features: object.read("features", Node::strings)?.unwrap_or_default(),
        })
    }
}

impl<'a> Object<'a> {
    /// The fields in their order, duplicates included.
    pub(crate) fn fields(&self) -> &[(String, &'a RawValue)] {
        &self.fields
    }

    /// The value of `key`; None when it is missing or null.
    ///
    /// Clients written in Go match keys without regard to case and take the last of several. A document in which that
    /// reading differs from ours would be two manifests in one, so it is refused.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Node<'a>>, ParseError> {
        Ok(self.entry(key)?.filter(|node| !node.is_null()))
    }

    /// The same, and an error when it is missing or null.
    pub(crate) fn require(&self, key: &str) -> Result<Node<'a>, ParseError> {
        self.get(key)?.ok_or_else(|| self.missing(key))
    }

    /// The array behind `key`, which must be there; null counts as an empty one.
    pub(crate) fn require_array(&self, key: &str) -> Result<Vec<Node<'a>>, ParseError> {
        self.entry(key)?.ok_or_else(|| self.missing(key))?.array_or_null()
    }

    /// Reads the value of `key` when there is one.
    pub(crate) fn read<T>(
        &self,
        key: &str,
        read: impl Fn(&Node<'a>) -> Result<T, ParseError>,
    ) -> Result<Option<T>, ParseError> {
        self.get(key)?.as_ref().map(read).transpose()
    }

    pub(crate) fn missing(&self, key: &str) -> ParseError {
        self.error(key, "is missing")
    }

    /// A complaint about the field `key`.
    pub(crate) fn error(&self, key: &str, problem: impl Into<String>) -> ParseError {
        ParseError::Field { path: self.path_of(key), problem: problem.into() }
    }

    fn entry(&self, key: &str) -> Result<Option<Node<'a>>, ParseError> {
        let mut alike = self.fields.iter().filter(|(name, _)| name == key || folded(name).eq(folded(key)));
        let Some((name, value)) = alike.next() else { return Ok(None) };
        if alike.next().is_some() {
            return Err(self.error(key, "stands more than once (case doesn't count); leave one of them"));
        }
        if name != key {
            return Err(self.error(name, format!("must be written {key:?}")));
        }
        Ok(Some(Node { path: self.path_of(key), text: value.get() }))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// Go's folding of keys in encoding/json: upper case and then lower case also joins `ſ` to `s` and the Kelvin sign to `k`.
fn folded(key: &str) -> impl Iterator<Item = char> {
    key.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// An object's fields, in their order.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object<'_> {
        Node::document(text.as_bytes()).unwrap().object().unwrap()
    }

    #[test]
    fn complaints_name_the_path() {
        let root = object(r#"{"a":{"b":[1,{"size":-1}]}}"#);
        let items = root.require("a").unwrap().object().unwrap().require("b").unwrap().array().unwrap();
        let error = items[1].object().unwrap().require("size").unwrap().size().unwrap_err();
        assert_eq!(error.to_string(), "a.b[1].size: must be an integer from 0 to 9223372036854775807");
    }

    #[test]
    fn sizes_are_integers_a_client_can_hold() {
        for (text, expected) in [
            ("0", Some(0)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("9223372036854775808", None),
            ("1.0", None),
            ("1e3", None),
            ("-0", None),
            ("\"1\"", None),
        ] {
            assert_eq!(Node::document(text.as_bytes()).unwrap().size().ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_key_that_go_would_read_otherwise_is_refused() {
        assert!(object(r#"{"layers":1,"layers":2}"#).get("layers").is_err());
        assert!(object(r#"{"layers":1,"Layers":2}"#).get("layers").is_err());
        assert!(object(r#"{"LAYERS":1}"#).get("layers").is_err());
        assert!(object("{\"layer\u{17f}\":1}").get("layers").is_err());
        assert!(object(r#"{"layer":1}"#).get("layers").unwrap().is_none());
    }

    #[test]
    fn deep_nesting_is_no_danger() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(Node::document(deep.as_bytes()).unwrap().object().is_ok());
    }
}
