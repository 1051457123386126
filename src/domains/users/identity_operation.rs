//! The table `identity_operation`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// An operation on identities: who, when, what. What it did to each row is at its `rows`.
    pub struct IdentityOperation, table identity_operation,
        path "/users/identity-operations", time at;
    /// Surrogate key, in an order in which the operations can have happened.
    id: i64 = identity_operation::id, indexed;
    /// `create`, `edit`, `hide`, `unhide`, `delete`, `link`, `unlink`, `merge`, `split`, `add_email`, `edit_email`,
    /// `remove_email`, `stage`, `propose`, `withdraw`, `discard`, `promote`, `accept`, `reject` or
    /// `undo`.
    kind: String = identity_operation::kind, indexed;
    /// Who: the token's subject.
    subject: String = identity_operation::subject, indexed;
    /// The request's id.
    request_id: String = identity_operation::request_id;
    /// When.
    at: DateTime<Utc> = identity_operation::at, indexed;
    /// What was asked for: ids and flags, never a name or an address.
    what: serde_json::Value = identity_operation::what;
    /// The operation that this one took back.
    undoes: Option<i64> = identity_operation::undoes;
    /// The operation that took this one back, while that is in effect.
    undone_by: Option<i64> = identity_operation::undone_by;
}
