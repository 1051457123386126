//! The table `slack_team`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A Slack workspace.
    pub struct SlackTeam, table slack_team, path "/slack/teams", time created_at;
    /// Surrogate key.
    id: i64 = slack_team::id, indexed;
    /// Slack's id, `T…`.
    team_id: String = slack_team::team_id, indexed;
    /// The name; the id while not known.
    team_name: String = slack_team::team_name;
    /// When the row was made here.
    created_at: DateTime<Utc> = slack_team::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = slack_team::updated_at;
}
