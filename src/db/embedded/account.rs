//! The account PostgreSQL runs under: it refuses to run as root.

use std::{
    fs,
    os::unix::{
        fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use nix::unistd::{Uid, User, chown, geteuid};

/// Who runs the database server.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// Set when we are root, and have to become someone else.
    user: Option<User>,
}

impl Account {
    /// Ourselves, unless we are root: then the owner of an existing `cluster`, or `postgres`, or
    /// `nobody`.
    pub(super) fn choose(cluster: Option<&Path>) -> anyhow::Result<Self> {
        let owner = match cluster {
            Some(cluster) => Some(Uid::from_raw(fs::metadata(cluster)?.uid())),
            None => None,
        };
        if !geteuid().is_root() {
            if let (Some(owner), Some(cluster)) = (owner, cluster) {
                ensure!(
                    owner == geteuid(),
                    "the database in {} belongs to the user {}, and this is {}: run as that user, \
                     or set BOOST_DASHBOARD_DATA_DIR to another folder",
                    cluster.display(),
                    name(owner),
                    name(geteuid())
                );
            }
            return Ok(Self { user: None });
        }
        // A uid without an entry cannot run `initdb`, so only users of the system will do.
        let user = match owner.filter(|owner| !owner.is_root()) {
            Some(owner) => User::from_uid(owner)?,
            None => None,
        };
        let user = match user {
            Some(user) => Some(user),
            None => User::from_name("postgres")?,
        };
        let user = match user {
            Some(user) => Some(user),
            None => User::from_name("nobody")?,
        };
        match user {
            Some(user) if !user.uid.is_root() => Ok(Self { user: Some(user) }),
            _ => bail!(
                "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` \
                 to run it as: run the server as an ordinary user, or set DATABASE_URL"
            ),
        }
    }

    /// Whether we are root and the server is not.
    pub(super) const fn is_other(&self) -> bool {
        self.user.is_some()
    }

    /// A command run by this account, in a folder it may enter, with nothing of our environment
    /// that PostgreSQL would listen to.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env_clear().stdin(Stdio::null()).env("LC_ALL", "C");
        for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// Makes a folder that only this account may enter.
    pub(super) fn make_private(&self, folder: &Path) -> anyhow::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => made.with_context(|| format!("{} cannot be made", folder.display()))?,
        }
        // Not following links: a folder for all might hold one that somebody else has laid there.
        let found = fs::symlink_metadata(folder)?;
        ensure!(found.is_dir(), "{} is in the way: it is not a folder", folder.display());
        if let Some(user) = &self.user {
            chown(folder, Some(user.uid), Some(user.gid))?;
        } else {
            ensure!(
                found.uid() == geteuid().as_raw(),
                "{} belongs to the user {}",
                folder.display(),
                name(Uid::from_raw(found.uid()))
            );
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        Ok(())
    }

    /// Whether this account may enter a folder: tried, since no calculation knows all the rules.
    pub(super) fn reaches(&self, folder: &Path) -> bool {
        let mut command = self.command(Path::new("/bin/sh"));
        command.current_dir(folder).args(["-c", ":"]).stdout(Stdio::null()).stderr(Stdio::null());
        !self.is_other() || command.status().is_ok_and(|status| status.success())
    }
}

fn name(uid: Uid) -> String {
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => uid.to_string(),
    }
}
