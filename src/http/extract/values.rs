//! Query pairs as a struct, through serde: the struct's fields are the names that are allowed.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::StrDeserializer,
    },
};

use crate::http::problem::Fault;

/// Reads `T`, or says everything that is wrong with the names, or the first wrong value.
pub(super) fn read<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Vec<Fault>> {
    T::deserialize(Pairs(pairs)).map_err(|error| error.0)
}

#[derive(Debug)]
struct Error(Vec<Fault>);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.first().map_or("", |fault| &fault.detail))
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<M: fmt::Display>(message: M) -> Self {
        let mut fault = Fault::parameter("", "invalid_parameter", message.to_string());
        fault.parameter = None;
        Self(vec![fault])
    }

    fn missing_field(field: &'static str) -> Self {
        let detail = format!("The parameter `{field}` is required.");
        Self(vec![Fault::parameter(field, "missing_parameter", detail)])
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let detail = format!("`{variant}` is none of {}.", expected.join(", "));
        let mut fault = Fault::parameter("", "invalid_parameter", detail);
        fault = fault.suggest(variant, expected.iter().copied());
        fault.parameter = None;
        Self(vec![fault])
    }
}

/// All pairs.
struct Pairs<'a>(&'a [(String, String)]);

impl<'de> Deserializer<'de> for Pairs<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Entries { rest: self.0.iter(), current: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let unknown: Vec<Fault> = self
            .0
            .iter()
            .filter(|(name, _)| !fields.contains(&name.as_str()))
            .map(|(name, _)| {
                let detail = format!("There is no parameter `{name}`.");
                Fault::parameter(name, "unknown_parameter", detail)
                    .suggest(name, fields.iter().copied())
            })
            .collect();
        if unknown.is_empty() { self.deserialize_any(visitor) } else { Err(Error(unknown)) }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The pairs one by one.
struct Entries<'a> {
    rest: std::slice::Iter<'a, (String, String)>,
    current: Option<&'a (String, String)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.rest.next();
        self.current
            .map(|(name, _)| seed.deserialize(name.as_str().into_deserializer()))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((name, value)) = self.current else {
            return Err(de::Error::custom("a value without a name"));
        };
        seed.deserialize(Text(value)).map_err(|mut error| {
            for fault in &mut error.0 {
                fault.parameter = Some(name.clone());
            }
            error
        })
    }
}

/// One value: a text, or what it spells.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

macro_rules! spelt {
    ($($method:ident $visit:ident $what:literal,)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(de::Error::custom(format!("`{}` is not {}.", self.0, $what))),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Error;

    spelt! {
        deserialize_bool visit_bool "`true` or `false`",
        deserialize_i8 visit_i8 "a whole number in range",
        deserialize_i16 visit_i16 "a whole number in range",
        deserialize_i32 visit_i32 "a whole number in range",
        deserialize_i64 visit_i64 "a whole number in range",
        deserialize_u8 visit_u8 "a whole number in range",
        deserialize_u16 visit_u16 "a whole number in range",
        deserialize_u32 visit_u32 "a whole number in range",
        deserialize_u64 visit_u64 "a whole number in range",
        deserialize_f32 visit_f32 "a number",
        deserialize_f64 visit_f64 "a number",
        deserialize_char visit_char "one character",
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items(self.0.split(',')))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant: StrDeserializer<'de, Error> = self.0.into_deserializer();
        visitor.visit_enum(variant)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// The items of a list.
struct Items<'a>(std::str::Split<'a, char>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0.find(|item| !item.is_empty()).map(|item| seed.deserialize(Text(item))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Partial,
        Atomic,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Given {
        mode: Option<Mode>,
        #[serde(default)]
        dry_run: bool,
        domain: String,
        #[serde(default)]
        ids: Vec<i64>,
        since: Option<DateTime<Utc>>,
    }

    fn given(pairs: &[(&str, &str)]) -> Result<Given, Vec<Fault>> {
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        read(&pairs)
    }

    #[test]
    fn reads_typed_fields() {
        let read = given(&[
            ("mode", "atomic"),
            ("dry_run", "true"),
            ("domain", "github"),
            ("ids", "1,2"),
            ("since", "2026-01-01T00:00:00Z"),
        ])
        .unwrap();
        assert_eq!(read.mode, Some(Mode::Atomic));
        assert!(read.dry_run);
        assert_eq!(read.ids, [1, 2]);
        assert_eq!(read.since.unwrap().timestamp(), 1_767_225_600);
    }

    #[test]
    fn names_what_is_wrong() {
        let faults = given(&[("domian", "x"), ("dryrun", "x")]).unwrap_err();
        assert_eq!(faults.len(), 2);
        assert_eq!(faults[0].suggestion.as_deref(), Some("domain"));
        assert_eq!(faults[1].suggestion.as_deref(), Some("dry_run"));
        let fault = given(&[("domain", "x"), ("mode", "atomc")]).unwrap_err().remove(0);
        assert_eq!(fault.parameter.as_deref(), Some("mode"));
        assert_eq!(fault.suggestion.as_deref(), Some("atomic"));
        let fault = given(&[("domain", "x"), ("ids", "1,b")]).unwrap_err().remove(0);
        assert_eq!(fault.parameter.as_deref(), Some("ids"));
        let fault = given(&[]).unwrap_err().remove(0);
        assert_eq!(fault.code, "missing_parameter");
        assert_eq!(fault.parameter.as_deref(), Some("domain"));
    }
}
