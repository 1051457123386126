//! Why a transaction failed: whether it helps to repeat it.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error};

use super::job::Job;
use crate::http::problem::Problem;

/// How often a transaction is repeated that lost a race.
pub const ATTEMPTS: u32 = 8;

/// Why a unit was not stored.
#[derive(Debug)]
pub enum Failed {
    /// The database refuses it.
    Refused(Error),
    /// The request has to end.
    Problem(Problem),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match &error {
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => {
                Self::Problem(error.into())
            }
            Error::DatabaseError(_, info) if info.message().contains("timeout") => {
                Self::Problem(error.into())
            }
            Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, _) => Self::Problem(
                Problem::unavailable("database_away", "The database cannot be reached."),
            ),
            _ => Self::Refused(error),
        }
    }
}

/// Whether a transaction met another one, and may succeed when it is repeated.
pub fn lost_a_race(error: &Error) -> bool {
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation,
            _,
        )
        | Error::NotFound
        | Error::RollbackTransaction => true,
        Error::DatabaseError(_, info) => info.message().contains("deadlock"),
        _ => false,
    }
}

/// Waits before a transaction is repeated: longer each time, and no two jobs alike.
pub async fn pause(job: &Job, attempt: u32, error: &Error) {
    tracing::debug!(%error, attempt, "repeating a transaction");
    let own = u64::from(job.receipt_id.as_bytes()[15] % 16);
    tokio::time::sleep(Duration::from_millis(u64::from(attempt * attempt) * 5 + own)).await;
}
