//! How tables hang together: what `include` can add to a row, and by which name.
//!
//! It all follows from the foreign keys that [`resource!`](crate::resource) declares. A row has
//! the rows its own keys name, the rows that share its key (a profile's GitHub account), and the
//! rows whose keys name it. A subtype's row is one with its base's, so what refers to either
//! refers to it.

use std::{collections::HashMap, sync::LazyLock};

use super::{docs::singular, resource::Resource, value, view::View};
use crate::{domains, http::problem::Fault};

/// What a row has of another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its name in `include`, and in the row.
    pub name: String,
    /// How many there are.
    pub kind: Kind,
    /// Index of the row's own column that names them.
    pub from: usize,
    /// The other table.
    pub table: &'static str,
    /// Index of the other table's column that is equal.
    pub by: usize,
}

/// Which side has the foreign key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// This one: there is one row, or none.
    Parent,
    /// The other one, as its own key: there is one row, or none.
    Subtype,
    /// The other one: any number of rows.
    Children,
}

impl Relation {
    /// The other table, prepared for reading.
    ///
    /// # Panics
    /// Never: relations are made from the tables there are.
    pub fn target(&self) -> &'static View {
        &GRAPH[self.table].view
    }

    /// Whether it is one row at most, which a list can show.
    pub fn is_one(&self) -> bool {
        self.kind != Kind::Children
    }
}

/// A table, and what its rows have of others.
struct Node {
    view: View,
    relations: Vec<Relation>,
}

static GRAPH: LazyLock<HashMap<&'static str, Node>> = LazyLock::new(|| {
    let all: Vec<_> = domains::all().into_iter().flat_map(|domain| domain.resources).collect();
    let node = |resource: &Resource| {
        let relations = relations(resource, &all);
        (resource.table, Node { view: View::new(resource.clone()), relations })
    };
    all.iter().map(node).collect()
});

/// What rows of a resource have of other tables.
pub fn of(resource: &Resource) -> &'static [Relation] {
    GRAPH.get(resource.table).map_or(&[], |node| &node.relations)
}

/// The paths of the lists that have some property, in order.
pub(super) fn paths(is_meant: impl Fn(&Resource) -> bool) -> Vec<&'static str> {
    let resources = GRAPH.values().map(|node| node.view.resource());
    let mut paths: Vec<_> = resources.filter(|it| is_meant(it)).map(|it| it.path).collect();
    paths.sort_unstable();
    paths
}

fn relations(resource: &Resource, all: &[Resource]) -> Vec<Relation> {
    let mut relations = Vec::new();
    for (from, column) in resource.columns.iter().enumerate() {
        if let Some(table) = column.references {
            let name = column.name.trim_end_matches("_id").to_owned();
            relations.push(Relation { name, kind: Kind::Parent, from, table, by: 0 });
        }
    }
    for other in all.iter().filter(|other| other.base() == Some(resource.table)) {
        let (name, table) = (other.table.to_owned(), other.table);
        relations.push(Relation { name, kind: Kind::Subtype, from: 0, table, by: 0 });
    }
    for other in all {
        let keys = keys_to(resource, other);
        for by in &keys {
            let name = name_of_children(resource, other, *by, keys.len());
            let (kind, table) = (Kind::Children, other.table);
            relations.push(Relation { name, kind, from: 0, table, by: *by });
        }
    }
    relations
}

/// The columns of `other` that name rows of `resource`. Those of its base are the base's.
fn keys_to(resource: &Resource, other: &Resource) -> Vec<usize> {
    let named = [Some(resource.table), resource.base()];
    let columns = other.columns.iter().enumerate();
    columns
        .filter(|(_, it)| it.table == other.table && it.references.is_some())
        .filter(|(_, it)| named.contains(&it.references))
        .map(|(index, _)| index)
        .collect()
}

/// The list's own noun without the word for its parent: a comment of an issue is one of its
/// `comments`. Where that does not tell which key is meant, the key is named too.
fn name_of_children(resource: &Resource, other: &Resource, by: usize, keys: usize) -> String {
    let key = other.columns[by].name.trim_end_matches("_id");
    let noun = noun(other);
    let parents = [singular(&self::noun(resource)), key.to_owned()];
    let short = parents.iter().find_map(|it| noun.strip_prefix(it)?.strip_prefix('_'));
    let short = short.unwrap_or(&noun);
    let is_itself = [Some(resource.table), resource.base()].contains(&Some(other.table));
    if keys > 1 || is_itself { format!("{short}_by_{key}") } else { short.to_owned() }
}

fn noun(resource: &Resource) -> String {
    resource.path.rsplit('/').next().unwrap_or_default().replace('-', "_")
}

/// Reads `include`: for a list only what a row has one of, for a single row all it has.
pub(super) fn read(
    resource: &Resource,
    text: &str,
    is_list: bool,
) -> Result<Vec<&'static Relation>, Vec<Fault>> {
    let (mut included, mut faults) = (Vec::<&Relation>::new(), Vec::new());
    let valid = of(resource).iter().filter(|relation| !is_list || relation.is_one());
    let most = of(resource).len().max(1);
    for name in value::items("include", text, most, "names").map_err(|fault| vec![fault])? {
        let found = of(resource).iter().find(|relation| relation.name == name);
        let (code, detail) = match found {
            Some(relation) if included.contains(&relation) => {
                ("duplicate_include", format!("`{name}` is named twice."))
            }
            Some(relation) if is_list && !relation.is_one() => (
                "unknown_include",
                format!(
                    "`{name}` are many for each row: they are included with a single row, or \
                     listed at `/api/v1{}`.",
                    relation.target().resource().path
                ),
            ),
            Some(relation) => {
                included.push(relation);
                continue;
            }
            None if valid.clone().next().is_none() => {
                ("unknown_include", "There is nothing to include here.".to_owned())
            }
            None => {
                let names: Vec<_> = valid.clone().map(|relation| relation.name.as_str()).collect();
                let names = value::list(&names);
                ("unknown_include", format!("`{name}` is none of {names}."))
            }
        };
        let names = valid.clone().map(|relation| relation.name.as_str());
        faults.push(Fault::parameter("include", code, detail).suggest(name, names));
    }
    if faults.is_empty() { Ok(included) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(table: &str, kind: Kind) -> Vec<&str> {
        let relations = GRAPH[table].relations.iter().filter(|it| it.kind == kind);
        relations.map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn names_are_what_one_would_say() {
        assert_eq!(names("issue", Kind::Parent), ["repo", "account"]);
        assert_eq!(names("issue", Kind::Children), ["comments", "assignees", "labels"]);
        assert_eq!(
            names("pull_request", Kind::Children),
            ["reviews", "comments", "assignees", "labels"]
        );
        assert_eq!(names("git_commit", Kind::Children), ["file_changes"]);
        assert_eq!(names("youtube_video", Kind::Children), ["speakers", "tags"]);
        assert_eq!(names("wg21_paper", Kind::Children), ["authors"]);
        assert_eq!(
            names("boost_library", Kind::Children),
            [
                "files",
                "versions",
                "dependencies_by_client_library",
                "dependencies_by_dep_library",
                "dependency_change_logs_by_client_library",
                "dependency_change_logs_by_dep_library",
                "category_relationships",
            ]
        );
        assert_eq!(names("github_repository", Kind::Subtype).len(), 2);
        // A Boost library's repository is a repository.
        assert_eq!(names("boost_library_repository", Kind::Parent), ["owner_account"]);
        let children = names("boost_library_repository", Kind::Children);
        assert!(children.contains(&"commits") && children.contains(&"libraries"), "{children:?}");
    }

    #[test]
    fn no_name_means_two_things() {
        for node in GRAPH.values() {
            let resource = node.view.resource();
            for (place, relation) in node.relations.iter().enumerate() {
                let name = &relation.name;
                let table = resource.table;
                assert!(resource.column(name).is_none() && name != "more", "{table}.{name}");
                let before = &node.relations[..place];
                assert!(before.iter().all(|other| other.name != *name), "{table}.{name} twice");
                let target = relation.target().resource();
                let (from, by) = (&resource.columns[relation.from], &target.columns[relation.by]);
                assert_eq!(from.ty, by.ty, "{table}.{name}");
                assert!(by.indexed, "{table}.{name}");
            }
        }
    }
}
