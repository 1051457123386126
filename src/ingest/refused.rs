//! What the database refuses before anything is stored, or will not store.

use super::{
    document::Document,
    drift::{Detector, Drift},
    failed::{ATTEMPTS, Failed, lost_a_race, pause},
    job::Job,
    read::Batch,
    value::{Note, PRIVATE},
    verdicts::fates,
};
use crate::{
    db::Connection,
    http::problem::{Problem, Result},
};

/// Reads the items of documents, and asks the database which are faulty.
pub async fn read(
    job: &Job,
    detector: &Detector,
    conn: &mut Connection,
    documents: &[Document],
    drift: &mut Drift,
) -> Result<Box<dyn Batch>> {
    let mut batch =
        tokio::task::block_in_place(|| job.kind.read(documents, &job.context, detector, drift));
    let mut attempt = 0;
    loop {
        attempt += 1;
        match batch.refuse(conn, &job.context).await {
            Ok(()) => return Ok(batch),
            Err(error) if attempt < ATTEMPTS && lost_a_race(&error) => {
                pause(job, attempt, &error).await;
            }
            // What may be private must not be kept as what was refused.
            Err(error) => {
                return Err(match Failed::from(error) {
                    Failed::Refused(error) => Problem::internal(error),
                    Failed::Problem(problem) => problem,
                });
            }
        }
    }
}

/// Refuses documents as a whole, which cannot be stored. What is private in them is not kept for
/// that.
pub fn give_up(batch: &dyn Batch, documents: &mut [Document]) {
    let fates = fates(batch, documents.len());
    for (document, fate) in documents.iter_mut().zip(fates) {
        let (code, detail) = if fate.is_private && !fate.is_good {
            (PRIVATE, "It is not public.")
        } else {
            ("unstorable", "The database refuses this item; the server's log says why.")
        };
        if fate.is_private {
            document.bytes = document.excerpt(&fate.public).into();
        }
        document.parts =
            Err(Note { pointer: String::new(), code: code.to_owned(), detail: detail.to_owned() });
    }
}
