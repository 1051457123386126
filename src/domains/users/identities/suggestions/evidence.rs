//! Weighs what speaks for a pair.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use serde_json::{Value as Json, json};

use super::{
    THRESHOLD,
    find::{By, Found},
};
use crate::{
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    domains::users::{ingest::name, named::NAMES},
};

/// A pair with enough evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The profile with the smaller id.
    pub one: i64,
    /// The other.
    pub other: i64,
    /// How likely they are one person.
    pub score: f64,
    /// What speaks for it.
    pub evidence: Json,
}

/// A kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    NoreplyId,
    Address,
    Handle,
    Name,
    AuthorAndSender,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::NoreplyId => "noreply_id",
            Self::Address => "address",
            Self::Handle => "handle",
            Self::Name => "name",
            Self::AuthorAndSender => "author_and_sender",
        }
    }

    const fn weight(self) -> f64 {
        match self {
            Self::NoreplyId => 0.95,
            Self::Address => 0.90,
            Self::Handle => 0.35,
            Self::Name => 0.25,
            Self::AuthorAndSender => 0.10,
        }
    }
}

/// Each kind of evidence with the rows that it rests on.
type Evidence = BTreeMap<Kind, BTreeSet<(&'static str, i64)>>;

/// How likely two profiles are one person: 1 − Π(1 − w) over the kinds.
fn score(evidence: &Evidence) -> f64 {
    let open: f64 = evidence.keys().map(|kind| 1.0 - kind.weight()).product();
    // Exact to where the weights are: binary fractions of decimals are not.
    ((1.0 - open) * 1e6).round() / 1e6
}

/// Adds names and handles to what addresses found; gives the pairs with enough evidence.
pub async fn weigh(conn: &mut Connection, found: Vec<Found>) -> QueryResult<Vec<Pair>> {
    let mut pairs: BTreeMap<(i64, i64), Evidence> = BTreeMap::new();
    for Found { one, other, by } in found {
        let evidence = pairs.entry((one, other)).or_default();
        let (kind, rows) = match by {
            By::Noreply { email, account } => {
                (Kind::NoreplyId, [("email", email), ("github_account", account)])
            }
            By::Address { email, other } => (Kind::Address, [("email", email), ("email", other)]),
        };
        evidence.entry(kind).or_default().extend(rows);
    }
    let profiles: BTreeSet<i64> = pairs.keys().flat_map(|(one, other)| [*one, *other]).collect();
    let facts = facts(conn, &profiles).await?;
    let weighed = pairs.into_iter().filter_map(|((one, other), mut evidence)| {
        if let (Some(a), Some(b)) = (facts.get(&one), facts.get(&other)) {
            for kind in compare(a, b) {
                evidence.insert(kind, [(a.table, one), (b.table, other)].into());
            }
        }
        let score = score(&evidence);
        (score >= THRESHOLD).then(|| Pair { one, other, score, evidence: shown(&evidence) })
    });
    Ok(weighed.collect())
}

fn shown(evidence: &Evidence) -> Json {
    let kinds = evidence.iter().map(|(kind, rows)| {
        let rows: Vec<Json> =
            rows.iter().map(|(table, id)| json!({"table": table, "id": id})).collect();
        json!({"kind": kind.name(), "weight": kind.weight(), "rows": rows})
    });
    kinds.collect()
}

/// What a profile is called.
#[derive(Debug, Clone)]
struct Facts {
    /// The table of its platform.
    table: &'static str,
    /// Its handle there, in lower case; empty where there are none.
    handle: String,
    /// Its full name, folded.
    name: String,
}

/// The names that speak for two profiles being one person.
fn compare(a: &Facts, b: &Facts) -> Vec<Kind> {
    let mut kinds = Vec::new();
    if a.table != b.table && a.handle == b.handle && a.handle.chars().count() >= 4 {
        kinds.push(Kind::Handle);
    }
    if a.name == b.name && a.name.contains(' ') {
        kinds.push(Kind::Name);
        let mut tables = [a.table, b.table];
        tables.sort_unstable();
        if tables == ["mailing_list_profile", "wg21_paper_author_profile"] {
            kinds.push(Kind::AuthorAndSender);
        }
    }
    kinds
}

async fn facts(
    conn: &mut Connection,
    profiles: &BTreeSet<i64>,
) -> QueryResult<HashMap<i64, Facts>> {
    let mut statement = Statement::new(
        "select profile.id, profile.type::text, named.username, named.display_name \
         from base_profile profile",
    );
    statement.push(NAMES).push(" where profile.id = any(");
    statement.bind_all(SqlType::BigInt, profiles.iter().copied().map(Value::BigInt)).push(")");
    let rows: Vec<Row> = statement.load(conn).await?;
    Ok(rows
        .into_iter()
        .filter_map(|Row(values)| match <[Value; 4]>::try_from(values) {
            Ok(
                [Value::BigInt(id), Value::Text(platform), Value::Text(handle), Value::Text(name)],
            ) => {
                let (handle, name) = (handle.to_lowercase(), name::fold(&name));
                Some((id, Facts { table: table(&platform)?, handle, name }))
            }
            _ => None,
        })
        .collect())
}

/// The table of a platform.
fn table(platform: &str) -> Option<&'static str> {
    Some(match platform {
        "github" => "github_account",
        "slack" => "slack_user",
        "mailing_list" => "mailing_list_profile",
        "wg21" => "wg21_paper_author_profile",
        "discord" => "discord_profile",
        "youtube" => "youtube_speaker",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(kinds: &[Kind]) -> f64 {
        score(&kinds.iter().map(|kind| (*kind, BTreeSet::new())).collect())
    }

    #[test]
    fn names_alone_never_reach_the_threshold() {
        let names = [Kind::Handle, Kind::Name, Kind::AuthorAndSender];
        for chosen in 0..8 {
            let some: Vec<Kind> =
                (0..3).filter(|bit| chosen >> bit & 1 == 1).map(|bit| names[bit]).collect();
            assert!(scored(&some) < THRESHOLD, "{some:?}");
        }
        assert!((scored(&names) - 0.561_25).abs() < 1e-9);
        assert!((scored(&[Kind::Handle, Kind::Name]) - 0.512_5).abs() < 1e-9);
    }

    #[test]
    fn scores_are_exact() {
        for (kinds, expected) in [
            (&[Kind::Address][..], 0.9),
            (&[Kind::NoreplyId], 0.95),
            (&[Kind::NoreplyId, Kind::Address], 0.995),
            (&[Kind::Address, Kind::Name], 0.925),
            (&[Kind::Address, Kind::Handle], 0.935),
        ] {
            assert!((scored(kinds) - expected).abs() < f64::EPSILON, "{kinds:?}");
        }
    }

    #[test]
    fn handles_are_of_two_platforms_and_names_of_two_words() {
        let facts = |table, handle: &str, name: &str| Facts {
            table,
            handle: handle.to_owned(),
            name: name.to_owned(),
        };
        let github = facts("github_account", "jroe", "jane roe");
        assert_eq!(compare(&github, &facts("slack_user", "jroe", "x")), [Kind::Handle]);
        assert_eq!(compare(&github, &facts("github_account", "jroe", "x")), []);
        assert_eq!(
            compare(&facts("slack_user", "jr", "x"), &facts("discord_profile", "jr", "y")),
            []
        );
        let (mail, paper) = ("mailing_list_profile", "wg21_paper_author_profile");
        let both = compare(&facts(mail, "", "jane roe"), &facts(paper, "", "jane roe"));
        assert_eq!(both, [Kind::Name, Kind::AuthorAndSender]);
        assert_eq!(compare(&facts(mail, "", "jane"), &facts(paper, "", "jane")), []);
    }
}
