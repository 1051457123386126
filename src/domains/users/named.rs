//! What profiles are called, whatever platform they are of.

/// ` cross join lateral (…) named`, to follow `base_profile profile`: its `username`, `display_name`
/// and `avatar_url`, each empty where there is none; whether it is a bot (`is_bot`); and whether it
/// is nobody (`is_nobody`): GitHub's `ghost`, Discord's unknown author, or an account of which only
/// the login was mentioned.
pub const NAMES: &str = " cross join lateral (\
    select coalesce(github.username, slack.username, discord.username, '') as username, \
        coalesce(github.display_name, slack.display_name, discord.display_name, \
            mail.display_name, author.display_name, speaker.display_name, '') as display_name, \
        coalesce(github.avatar_url, slack.avatar_url, discord.avatar_url, '') as avatar_url, \
        coalesce(discord.is_bot, lower(github.username) like '%[bot]', false) as is_bot, \
        coalesce(github.github_account_id = 10137 or github.stub_key like 'login:%' \
            or discord.discord_user_id = 0, false) as is_nobody \
    from (select profile.id) one \
    left join github_account github on github.id = one.id \
    left join slack_user slack on slack.id = one.id \
    left join discord_profile discord on discord.id = one.id \
    left join mailing_list_profile mail on mail.id = one.id \
    left join wg21_paper_author_profile author on author.id = one.id \
    left join youtube_speaker speaker on speaker.id = one.id) named";
