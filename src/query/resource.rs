//! A resource: a table as it is read. It says what it is; `query` says how it is read.

use super::column::Column;
use crate::http::scope::Scope;

/// A table as it is served. Made by [`resource!`](crate::resource).
#[derive(Debug, Clone)]
pub struct Resource {
    /// Singular type name, the schema's name in OpenAPI: `GitCommit`.
    pub name: &'static str,
    /// Path below `/api/v1`, plural, kebab-case.
    pub path: &'static str,
    /// The table. A subtype's base is joined by the shared id.
    pub table: &'static str,
    /// What a row is: the type's doc comment.
    pub doc: &'static str,
    /// Every served column, the key first.
    pub columns: Vec<Column>,
    /// The main time column, for `window` and `stats`.
    pub time: Option<&'static str>,
    /// The columns that `q` searches. The first of several is what the row is called.
    pub prose: &'static [&'static str],
    /// The scope a read needs even where reads are open.
    pub scope: Scope,
    /// Whether one row is read by a route of the domain's own.
    pub own_row: bool,
    /// Which rows are public, as an SQL condition; the others are shown with `read:pii` only.
    pub public: Option<&'static str>,
    /// The key of a row of the sample data, for the documentation; none if that is 1.
    pub example: Option<&'static str>,
}

impl Resource {
    /// The key column: `id`, or the text key of YouTube's channels and videos.
    ///
    /// # Panics
    /// Never: a resource has columns.
    pub fn key(&self) -> &Column {
        &self.columns[0]
    }

    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The base table of a subtype: where some of its columns live.
    pub fn base(&self) -> Option<&'static str> {
        self.columns.iter().map(|column| column.table).find(|table| *table != self.table)
    }

    /// The `from` clause: the table, and the base table of a subtype.
    pub fn from_clause(&self) -> String {
        match self.base() {
            Some(base) => format!("{0} join {base} on {base}.id = {0}.id", self.table),
            None => self.table.to_owned(),
        }
    }
}

/// What every served row type knows: the resource it is a row of.
pub trait Served {
    /// The resource.
    fn resource() -> Resource;
}

/// Declares a row type and how it is served. One line a column: its doc comment, JSON name, Rust
/// type, and the diesel column it is read from; for a foreign key `->` and the table it refers to;
/// `indexed` where an index leads with it, or what else marks a
/// [`Column`](crate::query::column::Column). `prose` names what `q` searches. A `scope` guards all rows, `public` those that do not
/// fulfil its SQL condition. `example` is the key of a row of the sample data, where 1 is none.
///
/// ```ignore
/// resource! {
///     /// A commit of a GitHub repository.
///     pub struct GitCommit, table git_commit, path "/github/commits", time commit_at;
///     /// Surrogate key.
///     id: i64 = git_commit::id, indexed;
///     /// The repository, `github_repository.id`.
///     repo_id: i64 = git_commit::repo_id -> github_repository, indexed;
///     /// The full commit message.
///     comment: String = git_commit::comment;
/// }
/// ```
///
/// It writes the struct (`Queryable`, `Selectable`: typed diesel queries use it) and its
/// [`Resource`] (the grammar, OpenAPI and the exports use that), so the two cannot differ.
#[macro_export]
macro_rules! resource {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident, table $table:ident, path $path:literal
            $(, time $time:ident)? $(, prose [$($prose:ident),+])? $(, scope $scope:ident)?
            $(, example $example:literal)? $(, public $public:expr)?;
        $(
            $(#[doc = $field_doc:literal])+
            $field:ident: $ty:ty = $from:ident::$column:ident $(-> $parent:ident)?
                $(, $indexed:ident)?;
        )+
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, diesel::Queryable)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $ty, )+
        }

        impl diesel::Selectable<diesel::pg::Pg> for $name {
            type SelectExpression = ($($crate::schema::$from::$column,)+);
            fn construct_selection() -> Self::SelectExpression {
                ($($crate::schema::$from::$column,)+)
            }
        }

        impl $crate::query::resource::Served for $name {
            fn resource() -> $crate::query::resource::Resource {
                #[allow(unused_mut, unused_assignments, reason = "only some resources name them")]
                let (mut time, mut prose, mut scope, mut public, mut example): (_, &[_], _, _, _) =
                    (None, &[], $crate::http::scope::Scope::Read, None, None);
                $( time = Some(stringify!($time)); )?
                $( prose = &[$(stringify!($prose)),+]; )?
                $( scope = $crate::http::scope::Scope::$scope; )?
                $( public = Some($public); )?
                $( example = Some($example); )?
                $crate::query::resource::Resource {
                    name: stringify!($name),
                    path: $path,
                    table: stringify!($table),
                    doc: concat!($($doc, "\n"),+).trim(),
                    columns: vec![$(
                        $crate::query::column::Column::of::<$ty, _>(
                            stringify!($field),
                            stringify!($from),
                            $crate::schema::$from::$column,
                            concat!($($field_doc, "\n"),+),
                        )
                        $(.refers_to($crate::schema::$parent::table, stringify!($parent)))?
                        $(.$indexed())?
                    ),+],
                    time,
                    prose,
                    scope,
                    own_row: false,
                    public,
                    example,
                }
            }
        }
    };
}
