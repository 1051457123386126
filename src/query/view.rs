//! A resource prepared for reading: what no request changes is worked out once.

use super::{
    column::{Column, PREFIX},
    resource::Resource,
    search::{Prose, RANK},
    shapes::Shapes,
};
use crate::db::sql::Statement;

/// A resource with its SQL.
#[derive(Debug)]
pub struct View {
    resource: Resource,
    /// `table."column"`, for each column.
    paths: Vec<String>,
    /// `left(table."column", 200)`, for each column.
    prefixes: Vec<String>,
    /// `"name":`, for each column.
    labels: Vec<Vec<u8>>,
    /// Every column, in order.
    everything: Vec<usize>,
    /// `select` every column.
    select: String,
    from: String,
    prose: Option<Prose>,
    shapes: Shapes,
}

impl View {
    /// Prepares a resource.
    pub fn new(resource: Resource) -> Self {
        let mut paths: Vec<_> = resource.columns.iter().map(Column::path).collect();
        let select = format!("select {}", paths.join(", "));
        let prose = Prose::of(&resource);
        // The rank stands behind the columns: see `rank`.
        paths.push(RANK.path());
        Self {
            labels: resource.columns.iter().map(|it| format!("\"{}\":", it.name).into()).collect(),
            everything: (0..resource.columns.len()).collect(),
            prefixes: paths.iter().map(|path| format!("left({path}, {PREFIX})")).collect(),
            select,
            prose,
            from: format!(" from {}", resource.from_clause()),
            shapes: Shapes::default(),
            paths,
            resource,
        }
    }

    /// The resource.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The column at an index.
    pub fn column(&self, index: usize) -> &Column {
        self.resource.columns.get(index).unwrap_or(&RANK)
    }

    /// The index at which the rank of a searched row stands, behind the columns.
    pub(super) fn rank(&self) -> usize {
        self.resource.columns.len()
    }

    /// The prose that `q` searches.
    pub(super) fn prose(&self) -> Option<&Prose> {
        self.prose.as_ref()
    }

    /// The index of a column.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.resource.columns.iter().position(|column| column.name == name)
    }

    /// The names of the columns that can be sorted by.
    pub fn sortable(&self) -> impl Iterator<Item = &'static str> {
        self.resource.columns.iter().filter(|column| column.indexed).map(|column| column.name)
    }

    /// The columns a request shows: those it names, else all.
    pub(super) fn shown<'a>(&'a self, fields: Option<&'a Vec<usize>>) -> &'a [usize] {
        fields.unwrap_or(&self.everything)
    }

    /// A statement on this resource, ready to run.
    pub(super) fn ready(&self, statement: Statement) -> Statement {
        self.shapes.mark(statement)
    }

    pub(super) fn path(&self, index: usize) -> &str {
        &self.paths[index]
    }

    pub(super) fn prefix(&self, index: usize) -> &str {
        &self.prefixes[index]
    }

    pub(super) fn label(&self, index: usize) -> &[u8] {
        &self.labels[index]
    }

    /// `select … from …`: the columns of `fields`, then those of `extra`.
    pub(super) fn select(&self, fields: Option<&Vec<usize>>, extra: &[usize]) -> String {
        let mut sql = String::with_capacity(self.select.len() + self.from.len() + 256);
        match fields {
            None => sql.push_str(&self.select),
            Some(fields) => {
                sql.push_str("select ");
                self.push_paths(&mut sql, fields);
            }
        }
        if !extra.is_empty() {
            sql.push_str(", ");
            self.push_paths(&mut sql, extra);
        }
        sql.push_str(&self.from);
        sql
    }

    pub(super) fn from(&self) -> &str {
        &self.from
    }

    fn push_paths(&self, sql: &mut String, columns: &[usize]) {
        for (position, column) in columns.iter().enumerate() {
            if position > 0 {
                sql.push_str(", ");
            }
            sql.push_str(&self.paths[*column]);
        }
    }
}
