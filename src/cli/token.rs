//! `token`: issues, lists and revokes tokens.

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use clap::Subcommand;

use super::database::Database;
use crate::{
    app::Clock,
    config::Settings,
    db::{Connection, migrate, pool},
    domains,
    http::{
        keys::{Issued, Keys},
        problem::nearest,
        scope::Scope,
        tokens,
    },
};

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a new token, alone, on stdout.
    Issue {
        /// Who it is for.
        #[arg(long)]
        subject: String,
        /// What it may do; give it again for more.
        #[arg(long = "scope", required = true, value_parser = scope)]
        scopes: Vec<Scope>,
        /// How long it is valid: a number and `s`, `m`, `h`, `d` or `w`.
        #[arg(long, default_value = "90d", value_parser = ttl)]
        ttl: Duration,
    },
    /// List the tokens that were issued here.
    List,
    /// Have every server refuse a token within 5 seconds.
    Revoke {
        /// The token's `jti`, as `list` shows it.
        jti: String,
    },
}

/// Runs a command.
pub async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let clock = Clock::system();
    match command {
        Command::Issue { subject, scopes, ttl } => {
            ensure!(!subject.trim().is_empty(), "the subject must not be empty");
            let issued = Keys::load(settings)?.issue(&subject, &scopes, ttl, clock.now())?;
            // The token is good without a record: `list` misses it, `revoke` still works.
            if let Err(error) = record(settings, &issued, &subject, &scopes).await {
                eprintln!("note: the token is not recorded for `token list`: {error:#}");
            }
            eprintln!("note: jti {}, valid until {}", issued.jti, time(Some(issued.expires_at)));
            println!("{}", issued.token);
            Ok(())
        }
        Command::List => {
            let database = Database::open(settings).await?;
            let listed = list(database.url()).await;
            database.close().await;
            for line in listed? {
                println!("{line}");
            }
            Ok(())
        }
        Command::Revoke { jti } => {
            let database = Database::open(settings).await?;
            let revoked = revoke(database.url(), &jti, clock.now()).await;
            database.close().await;
            revoked
        }
    }
}

async fn record(
    settings: &Settings,
    issued: &Issued,
    subject: &str,
    scopes: &[Scope],
) -> anyhow::Result<()> {
    let database = Database::running(settings).await.context("no server is running here")?;
    let mut conn = pool::connect(database.url()).await?;
    tokens::record(&mut conn, issued, subject, scopes).await?;
    Ok(())
}

/// A connection to a database that has our tables.
async fn migrated(url: &str) -> anyhow::Result<Connection> {
    migrate::run(url).await?;
    pool::connect(url).await
}

async fn list(url: &str) -> anyhow::Result<Vec<String>> {
    let listed = tokens::list(&mut migrated(url).await?).await?;
    let line = |token: tokens::Listed| {
        let state = match token.revoked_at {
            Some(at) => format!("revoked {}", time(Some(at))),
            None => format!("expires {}", time(token.expires_at)),
        };
        format!("{}  {state}  {}  {}", token.jti, token.subject, token.scope)
    };
    Ok(listed.into_iter().map(line).collect())
}

async fn revoke(url: &str, jti: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
    tokens::revoke(&mut migrated(url).await?, jti, now).await?;
    Ok(())
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "never".to_owned(), |t| t.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Reads a scope; a domain that does not exist is refused here, since no one could use it.
fn scope(text: &str) -> anyhow::Result<Scope> {
    let domains = domains::all();
    let takes = domains.iter().filter(|domain| !domain.kinds.is_empty());
    let ingest = takes.map(|domain| format!("ingest:{}", domain.name));
    let fixed = ["read", "read:pii", "read:raw", "identity:write", "admin", "ingest:*"];
    let valid: Vec<String> = fixed.iter().map(ToString::to_string).chain(ingest).collect();
    if valid.iter().any(|known| known == text) {
        return text.parse().map_err(anyhow::Error::msg);
    }
    match nearest(text, valid.iter().map(String::as_str)) {
        Some(near) => bail!("unknown scope (did you mean `{near}`?)"),
        None => bail!("unknown scope; there are {}", valid.join(", ")),
    }
}

/// Reads `90d`, `12h`, `30m`, `45s`, `2w`.
fn ttl(text: &str) -> anyhow::Result<Duration> {
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let number: i64 = number.parse().context("it must be a number and a unit, as in `90d`")?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => bail!("the unit must be `s`, `m`, `h`, `d` or `w`"),
    };
    let ttl = number.checked_mul(seconds).and_then(Duration::try_seconds);
    let most = Duration::days(3_660);
    ttl.filter(|ttl| *ttl > Duration::zero() && *ttl <= most)
        .context("it must be more than nothing and at most ten years")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttls_are_read() {
        assert_eq!(ttl("90d").unwrap(), Duration::days(90));
        assert_eq!(ttl("45s").unwrap(), Duration::seconds(45));
        for bad in ["", "d", "90", "0d", "-1d", "9é", "99999999999999999999d", "9999w"] {
            assert!(ttl(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scopes_are_checked() {
        assert_eq!(scope("ingest:github").unwrap(), Scope::Ingest("github".into()));
        assert!(scope("ingest:githb").unwrap_err().to_string().contains("ingest:github"));
    }
}
