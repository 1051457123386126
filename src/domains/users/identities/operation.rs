//! What can be done to identities, as values.

use serde_json::{Value, json};

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Makes an identity of these profiles, wherever they belonged.
    Create {
        /// Name and description.
        about: About,
        /// `base_profile.id`s.
        profiles: Vec<i64>,
    },
    /// Changes what is said of an identity.
    Edit {
        /// Which.
        identity: i64,
        /// Its new name and description; what is none stays.
        about: Edit,
        /// Never merge.
        is_locked: Option<bool>,
    },
    /// Has readers see a pseudonym of the person, or the names and addresses again.
    Hide {
        /// Which.
        identity: i64,
        /// Whether it is hidden from now on.
        is_hidden: bool,
    },
    /// Deletes an identity; its profiles are unlinked.
    Delete {
        /// Which.
        identity: i64,
    },
    /// Links a profile to an identity, or unlinks it.
    Assign {
        /// `base_profile.id`.
        profile: i64,
        /// Where it belongs from now on.
        identity: Option<i64>,
    },
    /// Moves the profiles of some identities to another, which survives.
    Merge {
        /// The survivor.
        into: i64,
        /// Those that are merged away.
        from: Vec<i64>,
    },
    /// Moves profiles of an identity to a new one.
    Split {
        /// Which.
        identity: i64,
        /// `base_profile.id`s.
        profiles: Vec<i64>,
        /// What the new one is called; else as its first profile.
        about: Edit,
    },
    /// Adds an address to a profile.
    AddEmail {
        /// `base_profile.id`.
        profile: i64,
        /// The address.
        address: String,
        /// Whether it is the main one.
        is_primary: bool,
        /// Whether it is in use.
        is_active: bool,
    },
    /// Changes an address of a profile.
    EditEmail {
        /// `base_profile.id`.
        profile: i64,
        /// `email.id`.
        email: i64,
        /// Its new spelling, or another address.
        address: Option<String>,
        /// Whether it is the main one; `false` leaves the choice to the rule.
        is_primary: Option<bool>,
        /// Whether it is in use.
        is_active: Option<bool>,
    },
    /// Removes an address of a profile.
    RemoveEmail {
        /// `base_profile.id`.
        profile: i64,
        /// `email.id`.
        email: i64,
    },
    /// Makes a temporary identity.
    Stage {
        /// Name and description.
        about: About,
        /// `base_profile.id`s that are proposed for it.
        profiles: Vec<i64>,
    },
    /// Proposes a profile for a temporary identity.
    Propose {
        /// `base_profile.id`.
        profile: i64,
        /// `tmp_identity.id`.
        target: i64,
    },
    /// Takes such a proposal back.
    Withdraw {
        /// `temp_profile_identity_relation.id`.
        relation: i64,
    },
    /// Throws a temporary identity away, with its proposals.
    Discard {
        /// `tmp_identity.id`.
        target: i64,
    },
    /// Moves the profiles of a temporary identity to an identity, which is made if none is named.
    Promote {
        /// `tmp_identity.id`.
        target: i64,
        /// The identity they join.
        identity: Option<i64>,
    },
    /// Joins the two profiles of a suggestion.
    Accept {
        /// `identity_suggestion.id`.
        suggestion: i64,
    },
    /// Remembers that the two profiles of a suggestion are not one person.
    Reject {
        /// `identity_suggestion.id`.
        suggestion: i64,
    },
    /// Takes an operation back.
    Undo {
        /// `identity_operation.id`.
        operation: i64,
    },
}

/// What an identity is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Name.
    pub display_name: String,
    /// Free text.
    pub description: String,
}

/// A new name or description, as far as one is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Name.
    pub display_name: Option<String>,
    /// Free text.
    pub description: Option<String>,
}

impl Operation {
    /// Its name in the journal.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Edit { .. } => "edit",
            Self::Hide { is_hidden: true, .. } => "hide",
            Self::Hide { is_hidden: false, .. } => "unhide",
            Self::Delete { .. } => "delete",
            Self::Assign { identity: Some(_), .. } => "link",
            Self::Assign { identity: None, .. } => "unlink",
            Self::Merge { .. } => "merge",
            Self::Split { .. } => "split",
            Self::AddEmail { .. } => "add_email",
            Self::EditEmail { .. } => "edit_email",
            Self::RemoveEmail { .. } => "remove_email",
            Self::Stage { .. } => "stage",
            Self::Propose { .. } => "propose",
            Self::Withdraw { .. } => "withdraw",
            Self::Discard { .. } => "discard",
            Self::Promote { .. } => "promote",
            Self::Accept { .. } => "accept",
            Self::Reject { .. } => "reject",
            Self::Undo { .. } => "undo",
        }
    }

    /// What was asked for, as anybody may read it: ids and flags, no name and no address. Those are in
    /// the images.
    pub fn what(&self) -> Value {
        match self {
            Self::Create { profiles, .. } | Self::Stage { profiles, .. } => {
                json!({"profiles": profiles})
            }
            Self::Edit { identity, about, is_locked } => {
                let mut what = json!({"identity_id": identity, "members": about.members()});
                note(&mut what, "is_locked", *is_locked);
                what
            }
            Self::Hide { identity, .. } | Self::Delete { identity } => {
                json!({"identity_id": identity})
            }
            Self::Assign { profile, identity } => {
                json!({"profile_id": profile, "identity_id": identity})
            }
            Self::Merge { into, from } => json!({"identity_id": into, "from": from}),
            Self::Split { identity, profiles, .. } => {
                json!({"identity_id": identity, "profiles": profiles})
            }
            Self::AddEmail { profile, is_primary, is_active, .. } => {
                json!({"profile_id": profile, "is_primary": is_primary, "is_active": is_active})
            }
            Self::EditEmail { profile, email, is_primary, is_active, .. } => {
                let mut what = json!({"profile_id": profile, "email_id": email});
                note(&mut what, "is_primary", *is_primary);
                note(&mut what, "is_active", *is_active);
                what
            }
            Self::RemoveEmail { profile, email } => {
                json!({"profile_id": profile, "email_id": email})
            }
            Self::Propose { profile, target } => {
                json!({"profile_id": profile, "tmp_identity_id": target})
            }
            Self::Withdraw { relation } => json!({"relation_id": relation}),
            Self::Discard { target } => json!({"tmp_identity_id": target}),
            Self::Promote { target, identity } => {
                json!({"tmp_identity_id": target, "identity_id": identity})
            }
            Self::Accept { suggestion } | Self::Reject { suggestion } => {
                json!({"suggestion_id": suggestion})
            }
            Self::Undo { operation } => json!({"operation_id": operation}),
        }
    }
}

impl Edit {
    /// The members that are given.
    fn members(&self) -> Vec<&'static str> {
        let name = self.display_name.as_ref().map(|_| "display_name");
        let description = self.description.as_ref().map(|_| "description");
        name.into_iter().chain(description).collect()
    }
}

fn note(what: &mut Value, name: &str, flag: Option<bool>) {
    if let Some(flag) = flag {
        what[name] = json!(flag);
    }
}
