//! People for the demo. Ingest joins nobody, so sample data alone has profiles and no identity.

use diesel::{ExpressionMethods as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use uuid::Uuid;

use crate::{
    app::App,
    domains::users::identities::{
        operation::{About, Operation},
        perform::{Who, perform},
        suggestions,
    },
    schema::{identity_operation, identity_suggestion},
};

/// Joins the two profiles for which most speaks, and stages the next two for review; what else is
/// suggested is left to decide on. Where somebody has done something to identities it does nothing: a
/// demo that is started again goes on where it was.
pub async fn introduce(app: &App, subject: &str) -> anyhow::Result<()> {
    let mut conn = app.pool.get().await?;
    let done: i64 = identity_operation::table.count().get_result(&mut *conn).await?;
    if done > 0 {
        return Ok(());
    }
    suggestions::compute(app, true).await?;
    let best: Vec<(i64, i64, i64)> = identity_suggestion::table
        .filter(identity_suggestion::status.eq("open"))
        .order((identity_suggestion::score.desc(), identity_suggestion::id))
        .select((
            identity_suggestion::id,
            identity_suggestion::profile_id,
            identity_suggestion::other_profile_id,
        ))
        .limit(2)
        .load(&mut *conn)
        .await?;
    drop(conn);
    let mut best = best.into_iter();
    let accept = best.next().map(|(suggestion, ..)| Operation::Accept { suggestion });
    let stage = best.next().map(|(_, one, other)| Operation::Stage {
        about: About {
            display_name: "Proposed for review".to_owned(),
            description: "Two profiles of one address: promote or discard them.".to_owned(),
        },
        profiles: vec![one, other],
    });
    for operation in accept.into_iter().chain(stage) {
        let request_id = Uuid::now_v7().to_string();
        perform(app, Who { subject, request_id: &request_id }, &operation).await?;
    }
    Ok(())
}
