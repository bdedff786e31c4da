// SPDX-License-Identifier: GPL-2.0

//! Which kernel tree is built, and how does our code get into it?
//!
//! By default a working copy of the pristine source, which lives in the cache and is made anew when
//! the pristine one is another. With LINUX= the user's own tree: it is grafted in place, and we say
//! how to undo that. `scripts/graft` is idempotent and leaves files alone that have not changed, so
//! grafting again costs no rebuild.

use crate::child;
use crate::place::Place;
use crate::steps::Step;
use anyhow::{bail, Context, Result};
use nix::fcntl::{Flock, FlockArg};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Keeps others out while held.
pub(crate) type Lock = Flock<std::fs::File>;

/// Waits for whoever holds the lock of that name.
pub(crate) fn lock(place: &Place, name: &str, step: &Step<'_>) -> Result<Lock> {
    let dir = place.cache.join("locks");
    std::fs::create_dir_all(&dir)?;
    let file = std::fs::File::create(dir.join(name))?;
    let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => return Ok(lock),
        Err((file, _)) => file,
    };
    step.detail(&format!("waiting for another run to finish with {name}"));
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
}

/// The tree to build, with our code in it. Held until it is built, so that no other checkout grafts
/// into it meanwhile.
pub(crate) fn grafted(
    place: &Place,
    kernel: &str,
    linux: Option<&Path>,
    step: &Step<'_>,
) -> Result<(PathBuf, Lock)> {
    let held = lock(place, &format!("tree-{kernel}"), step)?;
    let dir = match linux {
        Some(dir) => dir
            .canonicalize()
            .with_context(|| format!("LINUX={}", dir.display()))?,
        None => working_copy(place, kernel, step)?,
    };
    check_series(&dir, kernel)?;
    if linux.is_some() && (dir.join(".config").exists() || dir.join("include/config").exists()) {
        bail!(
            "{0} holds a build; run `make -C {0} ARCH=mips mrproper` first",
            dir.display()
        );
    }
    let log = place.cache.join("log").join(format!("graft-{kernel}.log"));
    let script = place.root.join("scripts/graft");
    child::must(Command::new(script).arg(&dir), &log, step).context("scripts/graft failed")?;
    Ok((dir, held))
}

fn working_copy(place: &Place, kernel: &str, step: &Step<'_>) -> Result<PathBuf> {
    let source = place.pristine(kernel)?;
    let source = source
        .canonicalize()
        .with_context(|| format!("no {}", source.display()))?;
    let all = place.cache.join("linux");
    let (copy, stamp) = (all.join(kernel), all.join(format!("{kernel}.from")));
    let identity = format!("{} {}\n", source.display(), version(&source)?);
    if copy.is_dir() && std::fs::read_to_string(&stamp).is_ok_and(|old| old == identity) {
        return Ok(copy);
    }
    step.detail("copying the source");
    std::fs::create_dir_all(&all)?;
    let partial = all.join(format!("{kernel}.partial"));
    remove(&partial)?;
    remove(&copy)?;
    let mut cp = Command::new("cp");
    cp.args(["-a", "--reflink=auto"]).arg(&source).arg(&partial);
    child::must(&mut cp, &place.cache.join("log/copy.log"), step)?;
    std::fs::rename(&partial, &copy)?;
    write_whole(&stamp, identity.as_bytes())?;
    Ok(copy)
}

fn remove(dir: &Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}

/// Writes a file so that it is never seen in part under its name.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(std::fs::rename(&partial, path)?)
}

fn check_series(dir: &Path, kernel: &str) -> Result<()> {
    let version = version(dir)?;
    if version != kernel && !version.starts_with(&format!("{kernel}.")) {
        bail!("{} is Linux {version}, but KERNEL={kernel}", dir.display());
    }
    Ok(())
}

/// As the top Makefile says it.
pub(crate) fn version(dir: &Path) -> Result<String> {
    let makefile = std::fs::read_to_string(dir.join("Makefile"));
    let makefile = makefile.with_context(|| format!("no kernel tree at {}", dir.display()))?;
    let value = |name: &str| {
        let mut lines = makefile.lines().filter_map(|line| line.strip_prefix(name));
        lines
            .find_map(|rest| rest.trim_start().strip_prefix('='))
            .map(str::trim)
    };
    match (value("VERSION"), value("PATCHLEVEL"), value("SUBLEVEL")) {
        (Some(version), Some(patch), Some(sub)) => Ok(format!("{version}.{patch}.{sub}")),
        _ => bail!("no kernel tree at {}", dir.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_read_from_the_makefile() {
        let dir = tempfile::tempdir().unwrap();
        let text = "# SPDX\nVERSION = 3\nPATCHLEVEL = 14\nSUBLEVEL = 4\nEXTRAVERSION =\n";
        std::fs::write(dir.path().join("Makefile"), text).unwrap();
        assert_eq!(version(dir.path()).unwrap(), "3.14.4");
        assert!(check_series(dir.path(), "3.14").is_ok());
        assert!(check_series(dir.path(), "3.1").is_err());
        assert!(check_series(dir.path(), "3").is_ok());
        assert!(version(Path::new("/nonexistent")).is_err());
    }
}
