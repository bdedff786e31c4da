// SPDX-License-Identifier: GPL-2.0

//! How does a tree become a kernel, and what of the last build can be kept?
//!
//! Each combination of machine, JIT and extra fragments has a build directory of its own outside the
//! tree, so that after a change only what depends on it is built again. It is configured again only
//! if something that decides the configuration has changed. ccache, fixed names and a fixed date
//! make builds repeatable.

use crate::child;
use crate::job::{hash, Job};
use crate::place::{self, Place};
use crate::steps::Step;
use crate::{kconfig, object, tree};
use anyhow::{bail, Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a make that we run under hands down, and the kernel's make must not see.
const OURS: &[&str] = &[
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "KERNEL",
    "MACHINE",
    "JIT",
    "HARDEN",
    "SUITE",
    "RANGE",
    "ICOUNT",
    "LINUX",
    "BPF",
    "CACHE",
];

/// A tree, and where it is built for one job.
pub(crate) struct Build<'a> {
    place: &'a Place,
    job: &'a Job,
    tree: PathBuf,
    out: PathBuf,
    _lock: tree::Lock,
}

impl<'a> Build<'a> {
    /// Waits until nobody else builds there.
    pub(crate) fn open(
        place: &'a Place,
        job: &'a Job,
        tree: PathBuf,
        step: &Step<'_>,
    ) -> Result<Self> {
        let name = job.build_name();
        let out = place.cache.join("build").join(&name);
        std::fs::create_dir_all(&out)?;
        let lock = tree::lock(place, &name, step)?;
        Ok(Self {
            place,
            job,
            tree,
            out,
            _lock: lock,
        })
    }

    /// Where a log of this build is.
    pub(crate) fn log(&self, what: &str) -> PathBuf {
        self.place
            .cache
            .join("log")
            .join(format!("{what}-{}.log", self.job.build_name()))
    }

    /// Makes .config from fragments. False if it was as it should be already.
    pub(crate) fn configure(&self, step: &Step<'_>) -> Result<bool> {
        let dir = self.place.data("kconfig");
        let series = self.place.patches(&self.job.kernel);
        let wanted = kconfig::merge(&kconfig::files(&dir, &self.job.fragments(), &series))?;
        let text = kconfig::render(&wanted);
        let (config, stamp) = (self.out.join(".config"), self.out.join(".config.from"));
        let identity = self.identity(&text)?;
        if config.exists() && std::fs::read_to_string(&stamp).is_ok_and(|old| old == identity) {
            return Ok(false);
        }
        if stamp.exists() {
            std::fs::remove_file(&stamp)?;
        }
        let fragment = self.out.join("wanted.config");
        tree::write_whole(&fragment, text.as_bytes())?;
        let mut make = self.make()?;
        make.arg("allnoconfig").env("KCONFIG_ALLCONFIG", &fragment);
        child::must(&mut make, &self.log("configure"), step).context("configuring failed")?;
        let lost = kconfig::missing(&wanted, &std::fs::read_to_string(&config)?)?;
        if !lost.is_empty() {
            bail!("{}{}", lost_options(&lost), self.why_no_rust(&lost, step)?);
        }
        tree::write_whole(&stamp, identity.as_bytes())?;
        Ok(true)
    }

    /// All that decides what a configuration looks like.
    fn identity(&self, wanted: &str) -> Result<String> {
        let mut text = format!(
            "{wanted}{:?}\n{}\n",
            self.make()?,
            tree::version(&self.tree)?
        );
        let mut files = vec![self.place.root.join("Kconfig")];
        if let Ok(entries) = std::fs::read_dir(self.place.patches(&self.job.kernel)) {
            let all = entries.flatten().map(|entry| entry.path());
            files.extend(all.filter(|path| path.extension().is_some_and(|ext| ext == "patch")));
        }
        files.sort();
        for file in files {
            let bytes = std::fs::read(&file).unwrap_or_default();
            text += &format!("{} {:x}\n", file.display(), hash(&bytes));
        }
        Ok(text)
    }

    /// The kernel can say why it takes no Rust.
    fn why_no_rust(&self, lost: &[String], step: &Step<'_>) -> Result<String> {
        if !lost.iter().any(|line| line.starts_with("CONFIG_RUST=")) {
            return Ok(String::new());
        }
        let log = self.log("rustavailable");
        child::run(self.make()?.arg("rustavailable"), &log, step)?;
        Ok(format!(
            "\nmake rustavailable:\n{}",
            std::fs::read_to_string(&log)?.trim_end()
        ))
    }

    /// Builds the kernel and its modules.
    pub(crate) fn build(&self, step: &Step<'_>) -> Result<()> {
        let jobs = place::cores();
        let mut make = self.make()?;
        make.arg(format!("-j{jobs}")).args(["vmlinux", "modules"]);
        child::must(&mut make, &self.log("build"), step).context("the kernel does not build")?;
        let jit = self.file(object::JIT);
        if jit.exists() {
            object::judge(self.place, &jit)?;
        }
        Ok(())
    }

    /// The image QEMU loads.
    pub(crate) fn vmlinux(&self) -> PathBuf {
        self.out.join("vmlinux")
    }

    /// A file that was built, by its path in the tree.
    /// The tree that it is built from.
    pub(crate) fn source(&self) -> &Path {
        &self.tree
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.out.join(path)
    }

    fn make(&self) -> Result<Command> {
        let cross = self.place.need("CROSS_COMPILE")?;
        let ccache = self
            .place
            .tool("CCACHE")
            .map_or(String::new(), |path| format!("{path} "));
        let mut make = Command::new("make");
        make.arg("-C").arg(&self.tree).arg(assign("O", &self.out));
        make.args(["ARCH=mips", "LOCALVERSION="]);
        make.arg(format!("CROSS_COMPILE={cross}"));
        make.arg(format!("CC={ccache}{cross}gcc"));
        // Not through ccache: Kbuild hands this to rustc as the name of a linker.
        make.arg("HOSTCC=gcc");
        for key in ["RUSTC", "RUST_LIB_SRC", "BINDGEN"] {
            if let Some(value) = self.place.tool(key) {
                make.arg(format!("{key}={value}"));
            }
        }
        if let Some(rustc) = self.place.tool("RUSTC") {
            make.arg(format!("HOSTRUSTC={rustc}"));
        }
        if let Some(dir) = self.place.tool("LIBCLANG_PATH") {
            make.env("LIBCLANG_PATH", dir);
        }
        for name in OURS {
            make.env_remove(name);
        }
        make.env("LC_ALL", "C")
            .env("CCACHE_DIR", self.place.cache.join("ccache"));
        make.env("KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 1970");
        make.env("KBUILD_BUILD_VERSION", "1");
        make.env("KBUILD_BUILD_USER", "user")
            .env("KBUILD_BUILD_HOST", "host");
        Ok(make)
    }
}

fn assign(name: &str, path: &Path) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from(format!("{name}="));
    text.push(path);
    text
}

fn lost_options(lost: &[String]) -> String {
    format!("the configuration did not take:\n  {}", lost.join("\n  "))
}
