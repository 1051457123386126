//! The layout of an archive, read backwards: what a path says about the document in it.
//!
//! The collectors that came before this server keep their payloads under the same names, so their
//! folders can be ingested as they are. Names that were changed to fit the layout (`~` and a hash) say
//! nothing; then the payload has to.

use super::repo_name::RepoName;

/// What a path tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The kind, `domain/kind`.
    pub kind: String,
    /// The context parameters that the path holds.
    pub params: Vec<(&'static str, String)>,
    /// The media type of the document.
    pub media: &'static str,
    /// Whether the name is that of one version of the document.
    pub is_version: bool,
}

/// What the path of a document, relative to `raw/`, tells; nothing if it is none of the layout.
pub fn origin(path: &str, clang_mirror: &RepoName) -> Option<Origin> {
    let (folder, file) = path.rsplit_once('/')?;
    let (stem, extension) = file.rsplit_once('.')?;
    let media = match extension {
        "json" => "application/json",
        "csv" => "text/csv",
        "txt" => "text/plain",
        "vtt" => "text/vtt",
        _ => return None,
    };
    let (plain, is_version) = match stem.rsplit_once('@') {
        Some((plain, hash)) if is_hash(hash) => (plain, true),
        _ => (stem, false),
    };
    let mut params = Vec::new();
    let mut told = |name: &'static str, value: &str| {
        if !value.contains('~') {
            params.push((name, value.to_owned()));
        }
    };
    let folders: Vec<&str> = folder.split('/').collect();
    let kind = match folders.as_slice() {
        ["github_activity_tracker", "_accounts"] => "github/accounts",
        ["github_activity_tracker", "_created_repos"] => "github/created-repos-by-language",
        ["github_activity_tracker", owner, name, rest @ ..] => {
            let repo = format!("{owner}/{name}");
            told("repo", &repo);
            let is_clang = RepoName::parse(&repo).is_some_and(|repo| repo.same(clang_mirror));
            of_repository(rest, plain, is_clang)?
        }
        ["boost_library_tracker", "versions"] => "boost/versions",
        ["boost_library_tracker", "libraries", version, owner] => {
            told("version", version);
            told("repo", &format!("{owner}/{plain}"));
            "boost/libraries"
        }
        ["boost_library_tracker", "dependencies"] => {
            told("version", plain);
            "boost/dependencies"
        }
        ["boost_library_tracker", "headers"] => "boost/headers",
        ["boost_usage_tracker", "scans", owner, name] => {
            told("repo", &format!("{owner}/{name}"));
            "usage/repository-scans"
        }
        ["boost_usage_tracker", "csv", "external-repositories"] => "usage/external-repositories",
        ["boost_usage_tracker", "csv", "files"] => "usage/files",
        ["boost_usage_tracker", "csv", "usages"] => "usage/usages",
        ["boost_mailing_list_tracker", list] | ["boost_mailing_list_tracker", list, "threads"] => {
            told("list", list);
            "mailing-list/messages"
        }
        ["cppa_slack_tracker", _] if plain == "team" => "slack/teams",
        ["cppa_slack_tracker", team, "users"] => {
            if *team != "_" {
                told("team", team);
            }
            "slack/users"
        }
        ["cppa_slack_tracker", team, "channels"] => {
            told("team", team);
            "slack/channels"
        }
        ["cppa_slack_tracker", team, channel] => {
            told("team", team);
            told("channel", channel);
            if plain == "members" { "slack/channel-members" } else { "slack/messages" }
        }
        ["wg21_paper_tracker", "mailings"] => "wg21/mailings",
        ["wg21_paper_tracker", "papers"] => {
            told("mailing", plain);
            "wg21/papers"
        }
        ["wg21_paper_tracker", "metadata"] => "wg21/metadata",
        ["website_tracker", _] => "website/days",
        ["cppa_pinecone_sync", app_type, "acks"] => {
            told("app_type", app_type);
            "pinecone/acks"
        }
        ["cppa_pinecone_sync", app_type, "fail-lists"] => {
            told("app_type", app_type);
            "pinecone/fail-lists"
        }
        ["boost_library_docs_tracker", version, library] => {
            told("version", version);
            told("library", library);
            "docs/pages"
        }
        ["cppa_youtube_script_tracker", "metadata"] => "youtube/videos",
        ["cppa_youtube_script_tracker", "transcripts"] => {
            // Names that were changed end in a hash, so their parts cannot be told apart.
            if let Some((video, lang)) = plain.rsplit_once('.').filter(|_| !plain.contains('~')) {
                told("video", video);
                told("lang", lang);
            }
            "youtube/transcripts"
        }
        ["discord_activity_tracker", _, _] => "discord/exports",
        _ => return None,
    };
    Some(Origin { kind: kind.to_owned(), params, media, is_version })
}

/// The kind of a document of a repository.
fn of_repository(folders: &[&str], stem: &str, is_clang: bool) -> Option<&'static str> {
    Some(match (folders, stem, is_clang) {
        ([], "repository", _) => "github/repositories",
        ([], "languages", _) => "github/repo-languages",
        (["commits"], _, false) => "github/commits",
        (["issues"], _, false) => "github/issues",
        (["prs"], _, false) => "github/pull-requests",
        (["commits"], _, true) => "clang/commits",
        (["issues"], _, true) => "clang/issues",
        (["prs"], _, true) => "clang/pull-requests",
        _ => return None,
    })
}

/// The 16 hexadecimal digits of a version.
fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str) -> Option<String> {
        let clang = RepoName::parse("llvm/llvm-project").unwrap();
        let Origin { kind, params, .. } = origin(path, &clang)?;
        let params = params.iter().map(|(name, value)| format!(" {name}={value}"));
        Some(kind + &params.collect::<String>())
    }

    #[test]
    fn every_path_of_the_layout_leads_to_its_kind() {
        for (path, expected) in [
            ("github_activity_tracker/_accounts/17.json", "github/accounts"),
            (
                "github_activity_tracker/boostorg/json/repository.json",
                "github/repositories repo=boostorg/json",
            ),
            (
                "github_activity_tracker/boostorg/json/languages.json",
                "github/repo-languages repo=boostorg/json",
            ),
            (
                "github_activity_tracker/_created_repos/C++-2020.json",
                "github/created-repos-by-language",
            ),
            (
                "github_activity_tracker/boostorg/json/commits/ab12.json",
                "github/commits repo=boostorg/json",
            ),
            (
                "github_activity_tracker/boostorg/json/issues/601@9f2c61d07be4a315.json",
                "github/issues repo=boostorg/json",
            ),
            (
                "github_activity_tracker/boostorg/json/prs/7.json",
                "github/pull-requests repo=boostorg/json",
            ),
            (
                "github_activity_tracker/llvm/llvm-project/commits/ab.json",
                "clang/commits repo=llvm/llvm-project",
            ),
            (
                "github_activity_tracker/llvm/llvm-project/issues/1.json",
                "clang/issues repo=llvm/llvm-project",
            ),
            (
                "github_activity_tracker/llvm/llvm-project/prs/1.json",
                "clang/pull-requests repo=llvm/llvm-project",
            ),
            ("boost_library_tracker/versions/boost-1.84.0.json", "boost/versions"),
            (
                "boost_library_tracker/libraries/boost-1.84.0/boostorg/json.json",
                "boost/libraries version=boost-1.84.0 repo=boostorg/json",
            ),
            (
                "boost_library_tracker/dependencies/boost-1.84.0.txt",
                "boost/dependencies version=boost-1.84.0",
            ),
            ("boost_library_tracker/headers/2024-05-01.csv", "boost/headers"),
            ("boost_usage_tracker/scans/a/b/2024-05-01.json", "usage/repository-scans repo=a/b"),
            (
                "boost_usage_tracker/csv/external-repositories/2024-05-01.csv",
                "usage/external-repositories",
            ),
            ("boost_usage_tracker/csv/files/2024-05-01.csv", "usage/files"),
            ("boost_usage_tracker/csv/usages/2024-05-01.csv", "usage/usages"),
            (
                "boost_mailing_list_tracker/boost@lists.boost.org/ABC.json",
                "mailing-list/messages list=boost@lists.boost.org",
            ),
            (
                "boost_mailing_list_tracker/boost@lists.boost.org/threads/ABC.json",
                "mailing-list/messages list=boost@lists.boost.org",
            ),
            ("cppa_slack_tracker/T1/team.json", "slack/teams"),
            ("cppa_slack_tracker/_/users/U1.json", "slack/users"),
            ("cppa_slack_tracker/T1/channels/C1.json", "slack/channels team=T1"),
            ("cppa_slack_tracker/T1/C1/members.json", "slack/channel-members team=T1 channel=C1"),
            ("cppa_slack_tracker/T1/C1/2024-05-01.json", "slack/messages team=T1 channel=C1"),
            ("wg21_paper_tracker/mailings/2024-05.json", "wg21/mailings"),
            ("wg21_paper_tracker/papers/2024-05.json", "wg21/papers mailing=2024-05"),
            ("wg21_paper_tracker/metadata/2024-05-01.csv", "wg21/metadata"),
            ("website_tracker/2024/2024-05-01.json", "website/days"),
            ("cppa_pinecone_sync/slack/acks/2024-05-01.json", "pinecone/acks app_type=slack"),
            (
                "cppa_pinecone_sync/slack/fail-lists/2024-05-01.json",
                "pinecone/fail-lists app_type=slack",
            ),
            (
                "boost_library_docs_tracker/boost-1.84.0/json/0123456789abcdef.json",
                "docs/pages version=boost-1.84.0 library=json",
            ),
            ("cppa_youtube_script_tracker/metadata/dQw4w9WgXcQ.json", "youtube/videos"),
            (
                "cppa_youtube_script_tracker/transcripts/dQw4w9WgXcQ.en.vtt",
                "youtube/transcripts video=dQw4w9WgXcQ lang=en",
            ),
            ("discord_activity_tracker/1/2/2024-05-01.json", "discord/exports"),
            ("discord_activity_tracker/1/2/full.json", "discord/exports"),
        ] {
            assert_eq!(told(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn other_files_are_none_of_ours() {
        for path in [
            "_manifest/2024-05-01.server.ndjson",
            "_rejected/github/commits/2024-05-01/ab.json",
            "webhooks/github/2024-05-01/ab.json",
            "github_activity_tracker/boostorg/json/notes.json",
            "github_activity_tracker/boostorg/json/issues/601.bak",
            "README.json",
        ] {
            assert_eq!(told(path), None, "{path}");
        }
        let changed = told("boost_mailing_list_tracker/a_b~c14cddc0/x.json");
        assert_eq!(changed.as_deref(), Some("mailing-list/messages"));
    }
}
