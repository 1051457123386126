//! Every number of the small world, worked out by hand.

use serde_json::{Value, json};

use super::{WEEK, section, world};

/// The series, without the zeros.
fn series(section: &Value) -> Value {
    let points = section["series"].as_array().unwrap().iter().map(|point| {
        let kept = point.as_object().unwrap().iter().filter(|(_, value)| **value != json!(0));
        Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    });
    Value::Array(points.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_commits_and_threads_are_as_counted_by_hand() {
    let app = world().await;
    let of = |name: &'static str| section(&app, name, WEEK);

    let totals = of("totals").await;
    assert_eq!(
        totals["totals"],
        json!({"commits": 5, "issues": 3, "pull_requests": 5, "mails": 4, "slack": 4, "discord": 1,
            "papers": 3, "videos": 1})
    );
    assert_eq!(
        totals["previous"],
        json!({"commits": 1, "issues": 1, "pull_requests": 1, "mails": 1, "slack": 1, "discord": 0,
            "papers": 1, "videos": 0})
    );
    assert_eq!(
        series(&totals),
        json!([
            {"bucket": "2024-05-04", "commits": 2, "papers": 1},
            {"bucket": "2024-05-05", "issues": 3, "pull_requests": 2, "mails": 2, "slack": 2,
                "discord": 1, "papers": 1},
            {"bucket": "2024-05-06", "pull_requests": 3, "mails": 2, "slack": 2},
            {"bucket": "2024-05-09", "commits": 2},
            {"bucket": "2024-05-10", "commits": 1, "papers": 1, "videos": 1},
        ])
    );
    assert_eq!(totals["series"][0]["mails"], 0, "every measure is in every bucket");

    let commits = of("commits").await;
    assert_eq!(commits["totals"], json!({"commits": 5}));
    assert_eq!(commits["previous"], json!({"commits": 1}));
    assert_eq!(
        commits["top"],
        json!({
            "committers": [
                {"name": "Ben", "identity_id": 2, "count": 2},
                {"name": "cleo", "profile_id": 3, "count": 2},
                {"name": "Ada", "identity_id": 1, "count": 1},
            ],
            "libraries": [
                {"name": "asio", "library_id": 2, "count": 2},
                {"name": "json", "library_id": 1, "count": 2},
            ]
        })
    );

    let threads = of("issues-and-pulls").await;
    assert_eq!(
        threads["totals"],
        json!({"issues_opened": 1, "issues_closed": 2, "pull_requests_opened": 1,
            "pull_requests_merged": 1, "pull_requests_closed_unmerged": 1, "comments": 3,
            "reviews": 1, "review_comments": 2})
    );
    assert_eq!(threads["previous"]["issues_opened"], 1);
    assert_eq!(threads["previous"]["pull_requests_opened"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_mails_and_visits_are_as_counted_by_hand() {
    let app = world().await;
    let of = |name: &'static str| section(&app, name, WEEK);

    let papers = of("wg21").await;
    assert_eq!(papers["totals"], json!({"papers": 3, "unassigned": 1, "LEWG": 1, "EWG": 1}));
    assert_eq!(papers["previous"], json!({"papers": 1, "unassigned": 0, "LEWG": 0, "EWG": 1}));
    assert_eq!(
        papers["top"]["subgroups"],
        json!([
            {"name": "EWG", "count": 1}, {"name": "LEWG", "count": 1},
            {"name": "unassigned", "count": 1}
        ])
    );

    let mails = of("mailing-list").await;
    let (users, boost) = ("boost-users@lists.boost.org", "boost@lists.boost.org");
    assert_eq!(mails["totals"], json!({"mails": 4, users: 2, boost: 2}));
    assert_eq!(mails["previous"], json!({"mails": 1, users: 0, boost: 1}));
    assert_eq!(
        series(&mails),
        json!([{"bucket": "2024-05-05", "mails": 2, boost: 2},
            {"bucket": "2024-05-06", "mails": 2, users: 2}])
    );
    assert_eq!(
        mails["top"],
        json!({
            "threads": [
                {"name": "[boost] Review of X", "thread_id": "t1", "count": 2},
                {"name": "Apple", "thread_id": "t3", "count": 1},
                {"name": "Zebra", "thread_id": "t2", "count": 1},
            ],
            "senders": [
                {"name": "Mo", "profile_id": 7, "count": 3},
                {"name": "Ada", "identity_id": 1, "count": 1},
            ]
        })
    );

    let website = of("website").await;
    assert_eq!(website["totals"], json!({"visits": 30}));
    assert_eq!(website["previous"], json!({"visits": 7}));
    let countries = json!([{"name": "DE", "count": 8}, {"name": "US", "count": 8}]);
    assert_eq!(website["top"]["countries"], countries);
    let words = website["top"]["words"].as_array().unwrap();
    assert_eq!(
        (words.len(), &words[0]["name"], &words[19]["name"]),
        (20, &json!("word10"), &json!("word29"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_are_active_or_new() {
    let app = world().await;
    let accounts = section(&app, "accounts", WEEK).await;
    // Ada (1) was active in both weeks; 2 has an old commit; 3 and 11 are new.
    assert_eq!(
        accounts["totals"],
        json!({
            "github_active": 4, "github_new": 2, "github_change": 2,
            "slack_active": 2, "slack_new": 1, "slack_change": 1,
            "mailing_list_active": 2, "mailing_list_new": 1, "mailing_list_change": 1,
            "wg21_active": 1, "wg21_new": 0, "wg21_change": 0,
            "discord_active": 1, "discord_new": 1, "discord_change": 1,
            "youtube_active": 1, "youtube_new": 1, "youtube_change": 1,
        })
    );
    assert_eq!(
        accounts["previous"],
        json!({
            "github_active": 2, "github_new": 1, "slack_active": 1, "slack_new": 1,
            "mailing_list_active": 1, "mailing_list_new": 0, "wg21_active": 1, "wg21_new": 1,
            "discord_active": 0, "discord_new": 0, "youtube_active": 0, "youtube_new": 0,
        })
    );
    let first = &accounts["series"][0];
    assert_eq!((&first["bucket"], &first["github_active"]), (&json!("2024-05-04"), &json!(2)));
    let last = accounts["series"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["bucket"], &last["github_new"]), (&json!("2024-05-10"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_private_counts_only_for_those_who_may_see_it() {
    let app = world().await;
    let slack = section(&app, "slack", WEEK).await;
    assert_eq!(slack["totals"], json!({"messages": 4}));
    assert_eq!(slack["previous"], json!({"messages": 1}));
    assert_eq!(
        slack["top"],
        json!({
            "channels": [
                {"name": "boost", "channel_id": 2, "count": 2},
                {"name": "general", "channel_id": 1, "count": 2},
            ],
            "senders": [
                {"name": "zoe", "profile_id": 5, "count": 2},
                {"name": "Ada", "identity_id": 1, "count": 1},
            ]
        })
    );
    let token = app.token(&["read:pii"]);
    let overview =
        app.get_as(&token, &format!("/api/v1/dashboard/overview?{WEEK}")).await.expect(200);
    assert_eq!(overview["slack"]["totals"]["messages"], 5);
    assert_eq!(overview["totals"]["totals"]["discord"], 2);
    assert_eq!(overview["slack"]["top"]["channels"].as_array().unwrap().len(), 3);
    // Nor is it kept for those who may not.
    assert_eq!(section(&app, "slack", WEEK).await, slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_narrows_github_and_nothing_else() {
    let app = world().await;
    let all = section(&app, "overview", WEEK).await;
    let boost = section(&app, "overview", &format!("{WEEK}&owner=BoostOrg")).await;
    assert_eq!(boost["commits"]["totals"]["commits"], 4);
    assert_eq!(boost["issues_and_pulls"]["totals"]["issues_closed"], 1);
    assert_eq!(boost["issues_and_pulls"]["totals"]["comments"], 2);
    assert_eq!(boost["issues_and_pulls"]["totals"]["reviews"], 1);
    // Of Ben's profiles none was seen in this owner's repositories before.
    assert_eq!(boost["accounts"]["totals"]["github_active"], 4);
    for name in ["wg21", "slack", "mailing_list", "website"] {
        assert_eq!(boost[name], all[name], "{name}");
    }
    let nobody = section(&app, "commits", &format!("{WEEK}&owner=nobody")).await;
    assert_eq!((&nobody["totals"]["commits"], &nobody["series"]), (&json!(0), &json!([])));
}
