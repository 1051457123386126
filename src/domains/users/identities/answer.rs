//! Answers: the rows that an operation was about, and its number in the journal.

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::{
    ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{AllOfBuilder, ArrayBuilder, ObjectBuilder, OneOfBuilder, Type},
    },
};

use super::{
    changes::{self, Table, integer},
    perform::Done,
};
use crate::{
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    domains::users::{
        email::Email, identity::Identity, identity_suggestion::IdentitySuggestion, named::NAMES,
        profile::BaseProfile, temp_profile_identity_relation::TempProfileIdentityRelation,
        tmp_identity::TmpIdentity,
    },
    http::{
        json::Json,
        problem::{Problem, Result},
    },
    query::{
        list,
        plan::{Filter, Shown},
        resource::Served,
        view::View,
    },
};

/// What an operation is answered with.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = IdentityAnswer)]
pub struct Answer {
    /// The operation's number in the journal, by which it is undone; null if everything was as it was
    /// to be.
    pub operation_id: Option<i64>,
    /// The identity with its profiles; null where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = maybe_identity)]
    identity: Option<Box<RawValue>>,
    /// The profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = profile_schema)]
    profile: Option<Box<RawValue>>,
    /// The address's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    email_id: Option<i64>,
    /// The address; shown with `read:pii`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = email_schema)]
    email: Option<Box<RawValue>>,
    /// The temporary identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = tmp_identity_schema)]
    tmp_identity: Option<Box<RawValue>>,
    /// The proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = relation_schema)]
    relation: Option<Box<RawValue>>,
    /// The suggestion.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = suggestion_schema)]
    suggestion: Option<Box<RawValue>>,
}

macro_rules! referred {
    ($($name:ident => $schema:literal),+ $(,)?) => {$(
        fn $name() -> RefOr<Schema> {
            RefOr::Ref(Ref::from_schema_name($schema))
        }
    )+};
}
referred! {
    profile_schema => "BaseProfile",
    email_schema => "Email",
    tmp_identity_schema => "TmpIdentity",
    relation_schema => "TempProfileIdentityRelation",
    suggestion_schema => "IdentitySuggestion",
}

/// The same, or null.
fn maybe_identity() -> RefOr<Schema> {
    let nothing = ObjectBuilder::new().schema_type(Type::Null);
    RefOr::T(Schema::OneOf(OneOfBuilder::new().item(nothing).item(identity_schema()).build()))
}

/// An identity with its profiles.
pub fn identity_schema() -> RefOr<Schema> {
    let profile = ObjectBuilder::new()
        .description(Some(
            "A profile: `id`, `profile_type`, `username`, `display_name`, `avatar_url`, `is_bot`, \
             and with `read:pii` its `emails`.",
        ))
        .build();
    // Not required: like a column, `fields` may leave it out.
    let profiles = ObjectBuilder::new().property("profiles", ArrayBuilder::new().items(profile));
    let both = AllOfBuilder::new().item(Ref::from_schema_name("Identity")).item(profiles);
    RefOr::T(Schema::AllOf(both.build()))
}

static IDENTITY: LazyLock<View> = LazyLock::new(view::<Identity>);
static PROFILE: LazyLock<View> = LazyLock::new(view::<BaseProfile>);
static EMAIL: LazyLock<View> = LazyLock::new(view::<Email>);
static TMP_IDENTITY: LazyLock<View> = LazyLock::new(view::<TmpIdentity>);
static RELATION: LazyLock<View> = LazyLock::new(view::<TempProfileIdentityRelation>);
static SUGGESTION: LazyLock<View> = LazyLock::new(view::<IdentitySuggestion>);

fn view<R: Served>() -> View {
    View::new(R::resource())
}

impl Answer {
    /// Reads what an operation is answered with. `pii`: whether addresses are shown.
    pub async fn of(done: Done, pii: bool, conn: &mut Connection) -> Result<Self> {
        let mut answer = Self { operation_id: done.operation, ..Self::default() };
        let Some((table, id)) = done.row else {
            return Ok(answer);
        };
        match table {
            Table::Identity => answer.identity = Some(shown(identity(id, pii, conn).await?)),
            Table::BaseProfile => {
                answer.profile = row(&PROFILE, id, conn).await?;
                answer.identity = Some(shown(home(id, pii, conn).await?));
            }
            Table::Email => {
                answer.email_id = Some(id);
                answer.email = if pii { row(&EMAIL, id, conn).await? } else { None };
            }
            Table::TmpIdentity => answer.tmp_identity = row(&TMP_IDENTITY, id, conn).await?,
            Table::Relation => answer.relation = row(&RELATION, id, conn).await?,
            Table::Suggestion => {
                answer.suggestion = row(&SUGGESTION, id, conn).await?;
                let found = changes::read(conn, Table::Suggestion, "id", [id], "").await?;
                if let Some(profile) = found.get(&id).and_then(|row| integer(row, "profile_id")) {
                    answer.identity = Some(shown(home(profile, pii, conn).await?));
                }
            }
            Table::Redirect => {}
        }
        Ok(answer)
    }

    /// As a response. `made` is where what was made is read.
    pub fn respond(self, made: Option<String>) -> Response {
        match made.and_then(|path| HeaderValue::try_from(path).ok()) {
            Some(path) => {
                (StatusCode::CREATED, [(header::LOCATION, path)], Json(self)).into_response()
            }
            None => Json(self).into_response(),
        }
    }
}

/// What is not there is shown as null; where it is not asked for, it is left out.
fn shown(json: Option<Box<RawValue>>) -> Box<RawValue> {
    json.unwrap_or_else(|| RawValue::NULL.to_owned())
}

async fn row(view: &View, id: i64, conn: &mut Connection) -> Result<Option<Box<RawValue>>> {
    let filter = [Filter::equals(0, Value::BigInt(id))];
    let found = list::one(view, &Shown::default(), &filter, conn).await?;
    found.map(raw).transpose()
}

fn raw(json: Vec<u8>) -> Result<Box<RawValue>> {
    let text = String::from_utf8(json).map_err(Problem::internal)?;
    RawValue::from_string(text).map_err(Problem::internal)
}

/// The identity that a profile belongs to.
async fn home(profile: i64, pii: bool, conn: &mut Connection) -> Result<Option<Box<RawValue>>> {
    let found = changes::read(conn, Table::BaseProfile, "id", [profile], "").await?;
    match found.get(&profile).and_then(|row| integer(row, "identity_id")) {
        Some(id) => identity(id, pii, conn).await,
        None => Ok(None),
    }
}

async fn identity(id: i64, pii: bool, conn: &mut Connection) -> Result<Option<Box<RawValue>>> {
    let filter = [Filter::equals(0, Value::BigInt(id))];
    let Some(mut json) = list::one(&IDENTITY, &Shown::default(), &filter, conn).await? else {
        return Ok(None);
    };
    add_profiles(&mut json, id, pii, conn).await?;
    raw(json).map(Some)
}

/// Adds `profiles` to the JSON object of an identity.
pub async fn add_profiles(
    json: &mut Vec<u8>,
    identity: i64,
    pii: bool,
    conn: &mut Connection,
) -> Result<()> {
    let profiles = profiles(identity, pii, conn).await?;
    if json.last() == Some(&b'}') {
        json.pop();
        json.extend_from_slice(b",\"profiles\":");
        json.extend_from_slice(profiles.as_bytes());
        json.push(b'}');
    }
    Ok(())
}

/// The profiles of an identity as a JSON list.
async fn profiles(identity: i64, pii: bool, conn: &mut Connection) -> QueryResult<String> {
    let emails = if pii {
        ", 'emails', coalesce((select json_agg(json_build_object('id', e.id, 'email', e.email, \
         'is_primary', e.is_primary, 'is_active', e.is_active) order by not e.is_primary, e.id) \
         from email e where e.base_profile_id = profile.id), '[]')"
    } else {
        ""
    };
    let mut statement = Statement::new(format!(
        "select coalesce(json_agg(json_build_object('id', profile.id, 'profile_type', profile.type, \
         'username', named.username, 'display_name', named.display_name, \
         'avatar_url', named.avatar_url, 'is_bot', named.is_bot{emails}) \
         order by profile.id), '[]')::text from base_profile profile{NAMES} \
         where profile.identity_id = "
    ));
    statement.bind(SqlType::BigInt, Value::BigInt(identity));
    let Row(values) = statement.get_result(conn).await?;
    Ok(match values.into_iter().next() {
        Some(Value::Text(json)) => json,
        _ => "[]".to_owned(),
    })
}
