//! A small JSON body as a struct, through serde: the struct's fields are the members that are
//! allowed.

use std::{fmt, io};

use axum::{
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use futures_util::TryStreamExt as _;
use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, MapAccess, Visitor, value::StringDeserializer},
};
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::StreamReader;

use crate::http::{
    coding,
    problem::{Fault, Problem, Result},
};

/// The most bytes of a body that is one object.
const LARGEST: usize = 1 << 20;

/// A JSON object as a struct. A member that is not a field is refused with the nearest name. A body
/// without bytes is the empty object.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let bytes = bytes(body, header(header::CONTENT_ENCODING).unwrap_or_default()).await?;
        if bytes.is_empty() {
            return read(Value::Object(Map::new())).map(Self).map_err(Problem::invalid);
        }
        let media = header(header::CONTENT_TYPE).unwrap_or_default();
        let essence = media.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let detail = format!("The content type `{essence}` is not taken here: send JSON.");
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "unsupported_media_type", detail));
        }
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let detail = format!("The body is not JSON: {error}.");
            Problem::invalid(vec![Fault::pointer("", "malformed_json", detail)])
        })?;
        read(value).map(Self).map_err(Problem::invalid)
    }
}

/// The bytes of a body, its content-coding undone.
async fn bytes(body: axum::body::Body, coding: &str) -> Result<Vec<u8>> {
    let stream = body.into_data_stream().map_err(io::Error::other);
    let reader = coding::decode(Box::pin(StreamReader::new(stream)), coding)?;
    let mut bytes = Vec::new();
    let most = u64::try_from(LARGEST + 1).unwrap_or(u64::MAX);
    reader.take(most).read_to_end(&mut bytes).await.map_err(|_| {
        let detail = "The body ended early, or is not of the content-coding it names.";
        Problem::new(StatusCode::BAD_REQUEST, "unreadable_body", detail)
    })?;
    if bytes.len() > LARGEST {
        let detail = format!("The body has more than {LARGEST} bytes.");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
    }
    Ok(bytes)
}

/// Reads `T`, or says everything that is wrong with the names, or the first wrong value.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, Vec<Fault>> {
    let Value::Object(members) = value else {
        let detail = "The body is a JSON object.";
        return Err(vec![Fault::pointer("", "invalid_type", detail)]);
    };
    T::deserialize(Object(members)).map_err(|error| error.0)
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
        Self(vec![Fault::pointer("", "invalid_member", message.to_string())])
    }

    fn missing_field(field: &'static str) -> Self {
        let detail = format!("The member `{field}` is required.");
        Self(vec![Fault::pointer(format!("/{field}"), "missing_member", detail)])
    }
}

/// The body's members.
struct Object(Map<String, Value>);

impl<'de> Deserializer<'de> for Object {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Members { rest: self.0.into_iter(), current: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let unknown: Vec<Fault> = self
            .0
            .keys()
            .filter(|name| !fields.contains(&name.as_str()))
            .map(|name| {
                let detail = format!("There is no member `{name}`.");
                let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                Fault::pointer(pointer, "unknown_member", detail)
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

/// The members one by one.
struct Members {
    rest: serde_json::map::IntoIter,
    current: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.rest.next();
        let name = self.current.as_ref().map(|(name, _)| name.clone());
        name.map(|name| seed.deserialize(StringDeserializer::<Error>::new(name))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((name, value)) = self.current.take() else {
            return Err(de::Error::custom("a value without a name"));
        };
        if let Value::String(text) = &value
            && text.contains('\0')
        {
            let detail = "Text cannot hold the character NUL.";
            return Err(Error(vec![Fault::pointer(format!("/{name}"), "invalid_member", detail)]));
        }
        seed.deserialize(value).map_err(|error| {
            let detail = format!("The member `{name}` is wrong: {error}.");
            Error(vec![Fault::pointer(format!("/{name}"), "invalid_member", detail)])
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Given {
        display_name: String,
        #[serde(default)]
        profiles: Vec<i64>,
    }

    #[test]
    fn members_are_the_fields() {
        let given: Given = read(json!({"display_name": "Jane", "profiles": [1]})).unwrap();
        assert_eq!(given, Given { display_name: "Jane".to_owned(), profiles: vec![1] });
    }

    #[test]
    fn what_is_wrong_is_named() {
        let faults = |value| read::<Given>(value).unwrap_err();
        let unknown = faults(json!({"display_nam": "Jane", "x/y": 1}));
        assert_eq!(unknown[0].suggestion.as_deref(), Some("display_name"));
        assert_eq!(unknown[1].pointer.as_deref(), Some("/x~1y"));
        assert_eq!(faults(json!({}))[0].pointer.as_deref(), Some("/display_name"));
        let wrong = faults(json!({"display_name": "x", "profiles": ["a"]}));
        assert_eq!(wrong[0].pointer.as_deref(), Some("/profiles"));
        assert_eq!(faults(json!({"display_name": "\0"}))[0].code, "invalid_member");
        assert_eq!(faults(json!([]))[0].code, "invalid_type");
    }
}
