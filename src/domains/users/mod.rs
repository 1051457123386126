//! People: identities, their profiles on each platform, and their addresses.

pub mod discord_profile;
pub mod email;
pub mod enums;
pub mod github_account;
pub mod identities;
pub mod identity;
pub mod identity_operation;
pub mod identity_suggestion;
pub mod ingest;
pub mod mailing_list_profile;
pub mod named;
pub mod profile;
pub mod reads;
pub mod slack_user;
pub mod temp_profile_identity_relation;
pub mod tmp_identity;
pub mod wg21_paper_author_profile;
pub mod youtube_speaker;

use utoipa_axum::router::OpenApiRouter;

use super::domain::Domain;
use crate::app::App;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new(
        "users",
        "People: identities, their profiles on each platform, and their addresses.",
    )
    .resource::<profile::BaseProfile>()
    .resource::<email::Email>()
    .resource::<github_account::GitHubAccount>()
    .resource::<slack_user::SlackUser>()
    .resource::<mailing_list_profile::MailingListProfile>()
    .resource::<wg21_paper_author_profile::WG21PaperAuthorProfile>()
    .resource::<youtube_speaker::YouTubeSpeaker>()
    .resource::<discord_profile::DiscordProfile>()
    .resource_with_own_row::<identity::Identity>()
    .resource::<tmp_identity::TmpIdentity>()
    .resource::<temp_profile_identity_relation::TempProfileIdentityRelation>()
    .routes(routes)
}

fn routes() -> OpenApiRouter<App> {
    reads::routes().merge(identities::routes::routes())
}
