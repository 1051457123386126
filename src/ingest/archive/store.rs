//! The files of the layout: made whole or not at all, never through a symbolic link.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, openat},
    sys::stat::Mode,
};

use super::{Order, lock, path};

/// Beyond this the memory of folders seen and of links made is dropped and begins anew.
const REMEMBERED: usize = 20_000;

/// `workspace/raw`.
#[derive(Debug)]
pub(super) struct Store {
    raw: PathBuf,
    temporary: PathBuf,
    next: AtomicU64,
    folders: Mutex<HashSet<String>>,
    newest: Mutex<HashMap<String, Order>>,
}

impl Store {
    /// `temporary` must be on the same file system as `raw`; what a crash left there is removed.
    pub(super) fn open(raw: PathBuf, temporary: PathBuf) -> io::Result<Self> {
        if temporary.exists() {
            fs::remove_dir_all(&temporary)?;
        }
        fs::create_dir_all(&temporary)?;
        Ok(Self {
            raw,
            temporary,
            next: AtomicU64::default(),
            folders: Mutex::default(),
            newest: Mutex::default(),
        })
    }

    /// Where a path of the layout, `raw/…`, is on disk.
    pub(super) fn locate(&self, path: &str) -> PathBuf {
        self.raw.join(path.strip_prefix("raw/").unwrap_or(path))
    }

    /// Whether a version is there, at its full length.
    pub(super) fn has(&self, version: &str, length: usize) -> bool {
        fs::symlink_metadata(self.locate(version))
            .is_ok_and(|found| found.is_file() && found.len() == length as u64)
    }

    /// Makes a version's file, unless it is there.
    pub(super) fn keep(&self, version: &str, bytes: &[u8]) -> io::Result<()> {
        if self.has(version, bytes.len()) { Ok(()) } else { self.write(version, bytes) }
    }

    /// Makes a version's file, or makes it anew.
    pub(super) fn write(&self, version: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.temporary();
        let outcome = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| self.in_folder_of(version, |to| fs::rename(&temporary, to)));
        if outcome.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        outcome
    }

    /// Whether the plain name is this version.
    pub(super) fn is_linked(&self, plain: &str, version: &str) -> bool {
        let identity = |path| {
            let found = fs::symlink_metadata(self.locate(path)).ok()?;
            Some((found.dev(), found.ino()))
        };
        identity(plain).is_some_and(|plain| identity(version) == Some(plain))
    }

    /// Lets the plain name be this version, unless this server has linked a version of a greater
    /// order meanwhile: two requests may decide in the database in one order and arrive here in
    /// the other.
    pub(super) fn link(&self, plain: &str, version: &str, order: Option<&Order>) -> io::Result<()> {
        let mut newest = lock(&self.newest);
        if let Some(order) = order {
            if newest.get(plain).is_some_and(|linked| linked > order) {
                return Ok(());
            }
            if newest.len() >= REMEMBERED {
                newest.clear();
            }
            newest.insert(plain.to_owned(), order.clone());
        }
        let from = self.locate(version);
        match self.in_folder_of(plain, |to| hard_link(&from, to)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let temporary = self.temporary();
                hard_link(&from, &temporary)?;
                let outcome = self.in_folder_of(plain, |to| fs::rename(&temporary, to));
                // Renaming one link of a file over another does nothing and leaves both.
                let _ = fs::remove_file(&temporary);
                outcome
            }
            outcome => outcome,
        }
    }

    /// Opens a file of the layout for reading; none if there is no such file, or if the way to it
    /// is not plain folders.
    pub(super) fn open_file(&self, path: &str) -> io::Result<Option<File>> {
        let Some(mut segments) = path::segments(path) else { return Ok(None) };
        let Some(name) = segments.pop() else { return Ok(None) };
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let open = || -> nix::Result<File> {
            let mut folder = File::open(&self.raw).map_err(|_| Errno::ENOENT)?;
            for segment in segments {
                folder =
                    openat(&folder, segment, flags | OFlag::O_DIRECTORY, Mode::empty())?.into();
            }
            // Not blocking: opening a pipe that someone put there must not hang.
            Ok(openat(&folder, name, flags | OFlag::O_NONBLOCK, Mode::empty())?.into())
        };
        match open() {
            Ok(file) if file.metadata()?.is_file() => Ok(Some(file)),
            Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn temporary(&self) -> PathBuf {
        self.temporary.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Runs `make` on the place of `path`, making its folder if need be.
    fn in_folder_of(&self, path: &str, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
        let place = self.locate(path);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if lock(&self.folders).contains(folder) {
            match make(&place) {
                // Someone removed the folder: it is made again below.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                outcome => return outcome,
            }
        }
        self.make_folder(folder)?;
        let mut folders = lock(&self.folders);
        if folders.len() >= REMEMBERED {
            folders.clear();
        }
        folders.insert(folder.to_owned());
        drop(folders);
        make(&place)
    }

    fn make_folder(&self, folder: &str) -> io::Result<()> {
        let mut place = self.raw.clone();
        for segment in folder.split('/').skip(1) {
            place.push(segment);
            match fs::create_dir(&place) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    if !fs::symlink_metadata(&place)?.is_dir() {
                        let refused = format!("{} is not a plain folder", place.display());
                        return Err(io::Error::new(ErrorKind::NotADirectory, refused));
                    }
                }
                outcome => outcome?,
            }
        }
        Ok(())
    }
}

/// A second name for a file; a copy where the file system has no links.
fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error)
            if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
                || error.kind() == ErrorKind::TooManyLinks =>
        {
            let bytes = fs::read(from)?;
            OpenOptions::new().write(true).create_new(true).open(to)?.write_all(&bytes)
        }
        outcome => outcome,
    }
}
