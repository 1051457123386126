//! `q`: full-text search in a table's prose.
//!
//! PostgreSQL does the searching, by an index on the words of the prose (the migration
//! `dotted_words`), so the expression here is to the letter the index's. What is searched for is
//! joined to the table, once, as `search.query`, and where the best come first, the rank as
//! `ranked.rank`: a column that no row shows, so that order and cursor treat it like any other.

use diesel::{
    QueryResult,
    pg::Pg,
    result::Error,
    row::{Field, Row},
};
use diesel_async::RunQueryDsl;

use super::{
    column::{Column, Type},
    include, relation, render,
    resource::Resource,
    value,
    view::View,
};
use crate::{
    db::{
        Connection,
        sql::{Row as Values, Statement, Value},
    },
    http::problem::Fault,
};

/// Characters of a text that are searched, as the migration has it.
pub const SEARCHED: usize = 50_000;
/// Most characters of a `q`.
pub const MAX_SEARCH: usize = 1_000;
/// Characters of a row's prose that its snippet is taken from.
const SNIPPET_SOURCE: usize = 10_000;

/// The rank as a column.
pub(super) const RANK: Column = Column {
    name: "rank",
    table: "ranked",
    column: "rank",
    ty: Type::BigInt,
    nullable: false,
    indexed: false,
    prefix: false,
    order: None,
    references: None,
    doc: "How well the row matches.",
};

/// The prose of a resource, as SQL.
#[derive(Debug)]
pub(super) struct Prose {
    /// Its words.
    words: String,
    /// How well they match, as a whole number: a cursor holds it without loss.
    rank: String,
    /// The text that snippets are taken from.
    text: String,
}

impl Prose {
    /// The prose of a resource, if it has some. Of several columns the first weighs most.
    pub(super) fn of(resource: &Resource) -> Option<Self> {
        let columns = resource.prose.iter().filter_map(|name| resource.column(name));
        let paths: Vec<_> = columns.map(Column::path).collect();
        let words: Vec<_> = paths
            .iter()
            .enumerate()
            .map(|(place, path)| {
                let words = format!(
                    "to_tsvector('english', translate(left({path}, {SEARCHED}), '<>./', '  __'))"
                );
                let is_title = place == 0 && paths.len() > 1;
                if is_title { format!("setweight({words}, 'A')") } else { words }
            })
            .collect();
        let words = format!("({})", words.join(" || "));
        let texts = paths.join(" || E'\\n' || ");
        (!paths.is_empty()).then(|| Self {
            rank: format!("(1000000 * ts_rank_cd({words}, search.query, 1))::bigint"),
            // 2 and 3 will enclose a match, 4 to 7 stand for `<`, `>`, `.` and `/`: see `marked`.
            text: format!(
                "translate(left({texts}, {SNIPPET_SOURCE}), \
                 E'<>./\\x02\\x03\\x04\\x05\\x06\\x07', E'\\x04\\x05\\x06\\x07')"
            ),
            words,
        })
    }

    /// The condition that a row matches.
    pub(super) fn matches(&self) -> String {
        format!("{} @@ search.query", self.words)
    }

    /// Joins the rank to a statement's tables. `offset 0` has it worked out once a row; written into
    /// the order and the cursor's condition, it would be twice.
    pub(super) fn join_rank(&self, sql: &mut Statement) {
        sql.push(" cross join lateral (select ")
            .push(&self.rank)
            .push(" as rank offset 0) as ranked");
    }
}

/// Joins what is searched for to a statement's tables.
pub(super) fn join(sql: &mut Statement, text: &str) {
    let ty = Type::Text.sql();
    sql.push(" cross join websearch_to_tsquery('english', translate(");
    sql.bind(ty, Value::Text(text.to_owned())).push(", './', '__')) as search(query)");
}

/// Reads `q`.
pub(super) fn read(resource: &Resource, text: &str) -> Result<String, Fault> {
    let refuse = |code, detail| Err(Fault::parameter("q", code, detail));
    if resource.prose.is_empty() {
        let paths = relation::paths(|it| !it.prose.is_empty());
        let lists = value::list(&paths);
        let detail = format!("There is no prose here to search in; there is in {lists}.");
        return refuse("not_searchable", detail);
    }
    if text.trim().is_empty() {
        return refuse("empty", "`q` needs some text.".to_owned());
    }
    let length = text.chars().count();
    if length > MAX_SEARCH {
        let detail = format!("`q` has at most {MAX_SEARCH} characters, not {length}.");
        return refuse("too_long", detail);
    }
    if text.contains('\0') {
        return refuse("invalid_type", "Text cannot hold the character NUL.".to_owned());
    }
    Ok(text.to_owned())
}

/// What is shown of the matches in a page's rows.
#[derive(Debug)]
pub(super) struct Snippets<'a> {
    text: Option<&'a str>,
    /// Where, in a selected row, the key stands.
    position: usize,
    keys: Vec<Vec<u8>>,
}

impl<'a> Snippets<'a> {
    /// Nothing yet; never anything unless there is a text that is searched for.
    pub(super) fn new(text: Option<&'a str>, position: usize) -> Self {
        Self { text, position, keys: Vec::new() }
    }

    /// Notes a row of the page.
    pub(super) fn note<'r>(&mut self, row: &impl Row<'r, Pg>) {
        if self.text.is_some()
            && let Some(field) = row.get(self.position)
            && let Some(raw) = field.value()
        {
            self.keys.push(raw.as_bytes().to_vec());
        }
    }

    /// The snippets of the noted rows by their keys, as a JSON object.
    pub(super) async fn read(
        self,
        view: &View,
        connection: &mut Connection,
    ) -> QueryResult<Option<Vec<u8>>> {
        let (Some(text), Some(prose)) = (self.text, view.prose()) else { return Ok(None) };
        let mut json = b"{".to_vec();
        if !self.keys.is_empty() {
            let ty = view.column(0).ty;
            let keys = self.keys.iter().map(|key| include::value(ty, key));
            let keys = keys.collect::<QueryResult<Vec<_>>>()?;
            let statement = view.ready(snippets(view, prose, text, keys));
            let found: Vec<Values> = statement.load(connection).await?;
            for Values(values) in found {
                let [key, Value::Text(snippet)] = &values[..] else { continue };
                let key = match key {
                    Value::BigInt(key) => key.to_string(),
                    Value::Text(key) => key.clone(),
                    _ => continue,
                };
                if json.len() > 1 {
                    json.push(b',');
                }
                write(&key, &mut json)?;
                json.push(b':');
                write(&marked(snippet), &mut json)?;
            }
        }
        json.push(b'}');
        Ok(Some(json))
    }
}

fn write(text: &str, out: &mut Vec<u8>) -> QueryResult<()> {
    render::text(text, out).map_err(|error| Error::SerializationError(error.into()))
}

fn snippets(view: &View, prose: &Prose, text: &str, keys: Vec<Value>) -> Statement {
    let key = view.path(0);
    let mut sql = Statement::new(format!(
        "select {key}, ts_headline('english', {}, search.query, E'StartSel=\"\\x02\", \
         StopSel=\"\\x03\", MaxFragments=2, MinWords=8, MaxWords=20, \
         FragmentDelimiter=\" … \"'){}",
        prose.text,
        view.from()
    ));
    join(&mut sql, text);
    sql.push(" where ").push(key).push(" = any(").bind_all(view.column(0).ty.sql(), keys);
    sql.push(")");
    sql
}

/// A snippet as HTML: its text escaped, its matches in `<mark>`.
fn marked(snippet: &str) -> String {
    let mut html = String::with_capacity(snippet.len() + 32);
    for character in snippet.chars() {
        match character {
            '\u{2}' => html.push_str("<mark>"),
            '\u{3}' => html.push_str("</mark>"),
            '<' | '\u{4}' => html.push_str("&lt;"),
            '>' | '\u{5}' => html.push_str("&gt;"),
            '\u{6}' => html.push('.'),
            '\u{7}' => html.push('/'),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marks_are_markup() {
        let shown = marked("\u{4}b\u{7}\u{5} <i> & \"\u{2}x\u{3}\u{6}\" 'y'");
        assert_eq!(shown, "&lt;b/&gt; &lt;i&gt; &amp; &quot;<mark>x</mark>.&quot; &#39;y&#39;");
    }
}
