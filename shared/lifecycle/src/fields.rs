//! JSON objects in which every field is accounted for.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::InvalidRule;

/// The fields of one object that nobody has taken yet.
pub(crate) struct Fields<'a> {
    /// What stands before a field's name in a complaint: nothing, or `selection.`.
    prefix: &'static str,
    entries: Vec<(String, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    /// The fields of an object; `prefix` is empty or ends in a dot.
    pub(crate) fn new(prefix: &'static str, object: Object<'a>) -> Result<Self, InvalidRule> {
        let Object(entries) = object;
        let is_repeated = |(index, (name, _)): (usize, &(String, _))| entries[..index].iter().any(|(n, _)| n == name);
        match entries.iter().enumerate().position(is_repeated) {
            Some(index) => Err(InvalidRule::Repeated { field: format!("{prefix}{}", entries[index].0) }),
            None => Ok(Self { prefix, entries }),
        }
    }

    /// Whether it is there. It counts as known from now on.
    pub(crate) fn has(&mut self, name: &str) -> bool {
        self.remove(name).is_some()
    }

    /// A field that may be left out; `expected` says what it must be, for the complaint.
    pub(crate) fn optional<T: Deserialize<'a>>(
        &mut self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, InvalidRule> {
        let Some(value) = self.remove(name) else { return Ok(None) };
        match serde_json::from_str(value.get()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(self.wrong(name, expected, value.get())),
        }
    }

    /// A field that has to be there.
    pub(crate) fn required<T: Deserialize<'a>>(
        &mut self,
        name: &str,
        expected: &'static str,
    ) -> Result<T, InvalidRule> {
        self.optional(name, expected)?.ok_or_else(|| InvalidRule::Missing { field: self.path(name), expected })
    }

    /// A field that is one of a few words, and what the word stands for.
    pub(crate) fn word<T>(
        &mut self,
        name: &str,
        words: impl IntoIterator<Item = (&'static str, T)>,
        expected: &'static str,
    ) -> Result<(&'static str, T), InvalidRule> {
        let text: String = self.required(name, expected)?;
        let known = words.into_iter().find(|(word, _)| *word == text);
        known.ok_or_else(|| self.wrong(name, expected, &format!("{text:?}")))
    }

    /// A whole number from 1 to 2,147,483,647.
    pub(crate) fn positive(&mut self, name: &str, expected: &'static str) -> Result<u32, InvalidRule> {
        let number: i32 = self.required(name, expected)?;
        match u32::try_from(number) {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(self.wrong(name, expected, &number.to_string())),
        }
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), InvalidRule> {
        match self.entries.first() {
            Some((name, _)) => Err(InvalidRule::Unknown { field: self.path(name) }),
            None => Ok(()),
        }
    }

    /// A complaint about a field's value.
    pub(crate) fn wrong(&self, name: &str, expected: &'static str, found: &str) -> InvalidRule {
        InvalidRule::Wrong { field: self.path(name), expected, found: shortened(found) }
    }

    /// The field's name with that of the object around it.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn remove(&mut self, name: &str) -> Option<&'a RawValue> {
        let index = self.entries.iter().position(|(field, _)| field == name)?;
        Some(self.entries.swap_remove(index).1)
    }
}

/// A value for a complaint, which isn't for texts of any length.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The fields of an object in their order, those that stand there twice as well.
pub(crate) struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
