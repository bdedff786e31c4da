// SPDX-License-Identifier: GPL-2.0

//! Which tests of a suite run, if not all?

use anyhow::{bail, Context, Result};
use std::str::FromStr;

/// First and last test, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl FromStr for Range {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let shape = || format!("RANGE {text:?} is not FIRST,LAST with FIRST <= LAST");
        let (first, last) = text.split_once(',').with_context(shape)?;
        let range = Self {
            first: first.trim().parse().with_context(shape)?,
            last: last.trim().parse().with_context(shape)?,
        };
        if range.last < range.first {
            bail!(shape());
        }
        Ok(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_cannot_be_meant_are_refused() {
        for text in ["", "1", "2,1", "a,b", "-1,2"] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
        assert_eq!("3,3".parse::<Range>().unwrap(), Range { first: 3, last: 3 });
    }
}
