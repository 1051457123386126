//! How PostgreSQL would read a page: whether an index serves it.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{plan::Plan, select, view::View};
use crate::db::{
    Connection,
    sql::{Row, Value},
};

/// The plan of each statement of a page, in the words of `explain (format json)`.
pub async fn page(
    view: &View,
    plan: &Plan,
    connection: &mut Connection,
) -> QueryResult<Vec<String>> {
    let mut plans = Vec::new();
    for part in select::parts(view, plan) {
        let statement = select::page(view, plan, &[], *part, plan.limit).explained().once();
        let Row(values) = statement.get_result(connection).await?;
        plans.extend(values.into_iter().filter_map(|value| match value {
            Value::Text(plan) => Some(plan),
            _ => None,
        }));
    }
    Ok(plans)
}
