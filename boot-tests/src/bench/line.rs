// SPDX-License-Identifier: GPL-2.0

//! What did the guest say of a program?
//!
//! ```text
//! #7 test_xdp/_xdp_tx_iptunnel/tcp4 PASS jited=1 programs=1 insns=269 image=1988 compile=469344
//!    total=1635.0 base=187.1 empty=24 steady=0 ret=0x3 out=7c6f9d0a
//! #8 test_l4lb_noinline_dynptr/balancer_ingress/tcp4 SKIP not loaded: JIT is required
//! ```
//!
//! in one line each. What the words mean is said in boot-tests/user/bench/main.c.

use super::trace::Traced;
use crate::report::Test;
use std::collections::BTreeMap;

/// A program with a packet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) found: Found,
    /// What its run has done in images, if that was traced.
    pub(crate) traced: Option<Traced>,
    /// The same of the program that gcc has made of its source.
    pub(crate) native: Option<Traced>,
}

/// What has come of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// It was not loaded, and why.
    Refused(String),
    /// It was loaded, but what it should do it did not.
    Failed(String),
    Loaded(Loaded),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loaded {
    /// Whether all of it was compiled.
    pub(crate) is_jited: bool,
    /// It and those that it jumps to.
    pub(crate) programs: f64,
    /// Of BPF.
    pub(crate) instructions: f64,
    /// Bytes.
    pub(crate) image: f64,
    /// Instructions that compiling took, if that could be watched.
    pub(crate) compile: Option<f64>,
    pub(crate) run: Option<Run>,
}

/// Instructions of a round of the test loop, and what came out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) total: f64,
    /// With an empty program instead.
    pub(crate) base: f64,
    /// Bytes of that program's image.
    pub(crate) empty: f64,
    pub(crate) result: String,
    pub(crate) output: String,
    /// Both of them of the program that gcc has made of its source, if it has.
    pub(crate) native: Option<(String, String)>,
}

impl Run {
    /// The loop alone: the image of the empty program is straight, so that each word of it is an
    /// instruction that was executed.
    pub(crate) fn test_loop(&self) -> f64 {
        self.base - self.empty / 4.0
    }
}

impl Case {
    /// None if the line is of something else.
    pub(crate) fn parse(test: &Test) -> Option<Self> {
        let (name, rest) = test.text.split_once(' ')?;
        let (verdict, rest) = rest.split_once(' ')?;
        let found = match verdict {
            "SKIP" => Found::Refused(rest.trim_start_matches("not loaded: ").to_owned()),
            "PASS" => match loaded(rest) {
                Some(loaded) => Found::Loaded(loaded),
                None => Found::Failed(rest.to_owned()),
            },
            _ => return None,
        };
        Some(Self {
            number: test.number,
            name: name.to_owned(),
            found,
            traced: None,
            native: None,
        })
    }

    /// One that nothing else is known of, not even its name.
    pub(crate) fn failed(number: u32, why: String) -> Self {
        Self {
            number,
            name: "?".to_owned(),
            found: Found::Failed(why),
            traced: None,
            native: None,
        }
    }

    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        match &self.found {
            Found::Loaded(loaded) => Some(loaded),
            _ => None,
        }
    }
}

/// None if a word is missing, or it could not be run that should.
fn loaded(text: &str) -> Option<Loaded> {
    let words: BTreeMap<&str, &str> = text
        .split(' ')
        .filter_map(|word| word.split_once('='))
        .collect();
    let number = |key: &str| words.get(key)?.parse::<f64>().ok();
    let word = |key: &str| words.get(key).map(|&word| word.to_owned());
    let run = match words.get("run") {
        Some(&"none") => None,
        Some(_) => return None,
        None => Some(Run {
            total: number("total")?,
            base: number("base")?,
            empty: number("empty")?,
            result: word("ret")?,
            output: word("out")?,
            native: word("nret").zip(word("nout")),
        }),
    };
    let is_jited = *words.get("jited")? == "1";
    Some(Loaded {
        is_jited,
        instructions: number("insns")?,
        programs: number("programs")?,
        image: number("image")?,
        compile: number("compile").filter(|&count| is_jited && count > 0.0),
        run,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn case(number: u32, text: &str) -> Option<Case> {
        Case::parse(&Test {
            number,
            id: number.to_string(),
            text: text.to_owned(),
            failed: false,
            jited: None,
        })
    }

    const GOOD: &str = "o/p/tcp4 PASS jited=1 programs=1 insns=10 image=80 compile=999 \
        total=50.5 base=20.0 empty=24 steady=0 ret=0x3 out=7c6f9d0a";

    #[test]
    fn a_line_is_read() {
        let case = case(7, GOOD).unwrap();
        assert_eq!((case.number, case.name.as_str()), (7, "o/p/tcp4"));
        let loaded = case.loaded().unwrap();
        assert_eq!((loaded.image, loaded.compile), (80.0, Some(999.0)));
        let run = loaded.run.as_ref().unwrap();
        assert_eq!((run.total, run.test_loop()), (50.5, 14.0));
        assert_eq!(run.result, "0x3");
    }

    #[test]
    fn what_cannot_be_run_is_no_failure_but_what_fails_is() {
        let none = case(
            1,
            "o/*/- PASS jited=0 programs=2 insns=1 image=0 compile=50 run=none",
        );
        let none = none.unwrap();
        assert_eq!(none.loaded().unwrap().run, None);
        assert_eq!(none.loaded().unwrap().compile, None);
        for text in [
            GOOD.replace("total=50.5", "run=errno22"),
            GOOD.replace("base=20.0", ""),
        ] {
            assert!(matches!(case(1, &text).unwrap().found, Found::Failed(_)));
        }
        let refused = case(1, "o/p/q SKIP not loaded: JIT is required").unwrap();
        assert_eq!(refused.found, Found::Refused("JIT is required".to_owned()));
        assert_eq!(case(1, "o/p/q LATER x"), None);
    }
}
