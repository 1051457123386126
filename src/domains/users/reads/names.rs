//! What profiles are called.

use axum::{http::Uri, response::Response};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    db::sql::{Row, SqlType, Statement, Value},
    domains::users::identities::redirect,
    http::problem::{Problem, Result},
};

/// ` cross join lateral (…) named`: what a `profile` is called, and whether it is nobody's: GitHub's
/// `ghost`, Discord's unknown author, or an account of which only the login was mentioned.
pub(super) const NAMES: &str = " cross join lateral (\
    select coalesce(github.username, slack.username, discord.username, '') as username, \
        coalesce(github.display_name, slack.display_name, discord.display_name, \
            mail.display_name, author.display_name, speaker.display_name, '') as display_name, \
        coalesce(github.avatar_url, slack.avatar_url, discord.avatar_url, '') as avatar_url, \
        coalesce(github.github_account_id = 10137 or github.stub_key like 'login:%' \
            or discord.discord_user_id = 0, false) as is_nobody \
    from (select profile.id) one \
    left join github_account github on github.id = one.id \
    left join slack_user slack on slack.id = one.id \
    left join discord_profile discord on discord.id = one.id \
    left join mailing_list_profile mail on mail.id = one.id \
    left join wg21_paper_author_profile author on author.id = one.id \
    left join youtube_speaker speaker on speaker.id = one.id) named";

/// A profile with its names.
#[derive(Debug, Serialize, QueryableByName, ToSchema)]
#[schema(as = NamedProfile)]
pub(super) struct Profile {
    /// The profile, `base_profile.id`.
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// Where it is from: `github`, `slack`, `mailing_list`, `wg21`, `discord` or `youtube`.
    #[diesel(sql_type = Text)]
    profile_type: String,
    /// The user name; empty where there are none.
    #[diesel(sql_type = Text)]
    username: String,
    /// The name.
    #[diesel(sql_type = Text)]
    display_name: String,
    /// The picture; empty if there is none.
    #[diesel(sql_type = Text)]
    avatar_url: String,
}

/// The columns of a [`Profile`], of `base_profile profile` with its [`NAMES`].
pub(super) const PROFILE: &str = "select profile.id, profile.type::text as profile_type, \
    named.username, named.display_name, named.avatar_url from base_profile profile";

/// What is answered instead of nothing: none if there is such an identity, the survivor's address if
/// it was merged away, else that there is none.
pub(super) async fn instead(id: i64, uri: &Uri, app: &App) -> Result<Option<Response>> {
    let mut sql = Statement::new("select id from identity where id = ");
    sql.bind(SqlType::BigInt, Value::BigInt(id));
    let mut connection = app.pool.get().await?;
    let found: Vec<Row> = sql.load(&mut connection).await?;
    if !found.is_empty() {
        return Ok(None);
    }
    match redirect::survivor(&mut connection, id).await? {
        Some(survivor) => Ok(Some(redirect::moved(uri, id, survivor))),
        None => Err(Problem::not_found("There is no such identity.")),
    }
}
