// SPDX-License-Identifier: GPL-2.0

//! The theorems about frames: prologue, epilogue, and what a program's instructions may rely on.
//!
//! 1. From the normal entry, as a C function that gets a context: the prologue clears the count of
//!    tail calls, if the program counts, makes R1 the context, as far as it is read, and saves what it
//!    says in a frame of a multiple of eight bytes, sixteen under n64; R10 is the end of a stack of the
//!    depth asked for, which meets nothing else.
//! 2. From the tail entry: the same, but for R1 and the count, which stay. Under n64 the count comes
//!    in `$v1`, or its address does; a program that counts keeps that in its frame, and the address.
//!    A function has two entries as well: that for C code takes R1 to R5 as o32 or n64 passes them, the
//!    other one where programs have them.
//! 3. Whatever the program has put in the registers that it may write, and in the frame but for what
//!    is saved: the epilogue returns to where the image was called from, with R0's low word as the
//!    result and everything as it was that C code relies on.

use std::collections::{BTreeMap, BTreeSet};

use super::convention::{self, FP, GP, K0, K1, RA, S0, S4, S7, SP, V0, V1};
use super::entry::{entered, entries, Entered};
use super::frame_goals::{count_goals, place_goals};
use super::path::Path;
use super::run::{self, End};
use super::scene::{emit_frame, Around, Machine, Part, Snippet};
use super::space::{frame_doubleword, frame_words, Space};
use super::theorem::Obligation;
use super::world::{Callee, MipsWorld};
use crate::jit::abi::Role;
use crate::jit::bpf;
use crate::jit::mips::Reg;
use crate::model::mips;
use crate::model::term::Term;
use crate::model::word::Word;

/// What a frame looks like, as the prologue's words make it. Places are distances from `$sp`
/// behind the prologue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Bytes.
    pub(super) size: i32,
    /// Where what counts tail calls is: under o32 a word, always behind the frame; under n64 two
    /// doublewords.
    pub(super) count: Option<i32>,
    /// Where which register is saved.
    pub(super) saved: Vec<(i32, usize)>,
    /// Bytes from `$sp` up that lowerings may use.
    pub(super) free: i32,
}

impl Layout {
    /// Whether a word of the frame is for the count of tail calls.
    pub(super) fn is_count(&self, machine: &Machine, place: i32) -> bool {
        let bytes = if machine.is_wide() { 16 } else { 4 };
        self.count
            .is_some_and(|count| (count..count + bytes).contains(&place))
    }
}

/// Registers that C code finds as they were.
fn preserved() -> impl Iterator<Item = usize> {
    (S0..=S7).chain([FP, GP, SP, K0, K1])
}

/// A run of the prologue or the epilogue.
pub(super) struct Run {
    pub(super) before: [Term; 32],
    pub(super) after: [Term; 32],
    end: End,
    pub(super) frame: BTreeMap<i32, Term>,
    stores: BTreeSet<i32>,
    stores_or_calls: bool,
}

impl Run {
    fn new(
        machine: &Machine,
        snippet: &Snippet,
        skipped: u32,
        gpr: [Term; 32],
        (sp, frame): (Term, BTreeMap<i32, Term>),
        path: &mut Path,
    ) -> Result<Run, String> {
        let words: Vec<Term> = snippet
            .words
            .iter()
            .map(|&word| Term::new(32, u64::from(word)))
            .collect();
        let mut world = MipsWorld {
            machine,
            path,
            space: Space::new(machine.order()),
            words: &words,
            begin: machine.pointer(snippet.begin),
            faults: &[],
            fences_linked: false,
            sp,
            frame,
            frame_stores: BTreeSet::new(),
            demands: Vec::new(),
            callee: Callee::Helper,
            function: None,
            calls: Vec::new(),
            stack_arguments: 0,
            counts: Vec::new(),
            has_called: false,
            probes: false,
        };
        let pc = world.begin + u64::from(skipped) * 4;
        let mut processor = mips::Machine::new(machine.architecture(), &mut world, gpr, pc);
        let end = run::run(&mut processor)?;
        let after = processor.gpr;
        Ok(Run {
            before: gpr,
            after,
            end,
            stores_or_calls: world.space.store_count() != 0 || world.has_called,
            stores: world.frame_stores,
            frame: world.frame,
        })
    }
}

/// Theorems 1 and 2, and the layout that they find.
///
/// # Errors
///
/// What is wrong whatever the values.
pub(super) fn prologue(
    machine: &Machine,
    around: &Around,
    path: &mut Path,
) -> Result<(Layout, Obligation), String> {
    let snippet = emit_frame(machine, around, Part::Prologue)?;
    let mut obligation = Obligation::default();
    let mut demand = |what: &str, bit: Term| obligation.goals.push((what.to_owned(), bit));
    let mut layouts = Vec::new();
    for entry in entries(machine, around) {
        let Entered {
            gpr,
            frame,
            callers,
        } = entered(machine, around, &entry);
        let mut run = Run::new(
            machine,
            &snippet,
            entry.skipped,
            gpr,
            (callers[SP], frame.clone()),
            path,
        )?;
        run.before = callers;
        let layout = layout(machine, around, &snippet, &run)?;
        for (number, value) in entry.arguments(machine, &gpr, &frame) {
            let found = machine.value(&run.after, number);
            for (half, bit) in entry.read_words(around) {
                demand(
                    &format!("R{number}'s {half} word is what was passed"),
                    found.slice(bit, 32).equals(value.slice(bit, 32)),
                );
            }
        }
        let came = match (entry.is_first, machine.is_wide()) {
            (true, _) => machine.term(0),
            (false, true) => gpr[V1],
            (false, false) => frame[&0],
        };
        for (what, bit) in count_goals(machine, around, &layout, &run, came) {
            demand(what, bit);
        }
        demand("memory stays", Term::bit(!run.stores_or_calls));
        for (what, bit) in place_goals(machine, around, &layout, &run) {
            demand(&what, bit);
        }
        for register in untouched(machine, around) {
            let what = format!("${} stays", convention::name(register));
            demand(&what, run.after[register].equals(run.before[register]));
        }
        layouts.push(layout);
    }
    let layout = layouts.pop().ok_or("no layout")?;
    demand(
        "both entries make the same frame",
        Term::bit(layouts.iter().all(|other| *other == layout)),
    );
    Ok((layout, obligation))
}

/// Registers that the prologue leaves alone.
fn untouched(machine: &Machine, around: &Around) -> impl Iterator<Item = usize> {
    let has_arena = around.arena(machine).is_some();
    (S0..=S7)
        .chain([GP, K0, K1, RA])
        .filter(move |&register| register != S4 || !has_arena)
}

/// Reads the frame off a run of the prologue.
fn layout(
    machine: &Machine,
    around: &Around,
    snippet: &Snippet,
    run: &Run,
) -> Result<Layout, String> {
    let sp = run.before[SP];
    let distance = |of: Term| match of.base_and_offset() {
        (Some(base), offset) if base == sp => Ok(offset as i32),
        _ => Err(format!("{of:?} is not in the frame")),
    };
    match run.end {
        End::At(pc) if pc == machine.pointer(snippet.end()) => {}
        end => return Err(format!("the prologue ends {end:?}")),
    }
    let size = -distance(run.after[SP])?;
    let alignment = if machine.is_wide() { 16 } else { 8 };
    if size < 0 || size % alignment != 0 {
        return Err(format!("the frame has {size} bytes"));
    }
    let Stored { saved, count } = stored(machine, around, run, size)?;
    let lowest = saved.iter().map(|&(place, _)| place).min().unwrap_or(size);
    let depth = around.stack_depth as i32;
    let mut free = lowest;
    let has_stack = around.private_stack.is_none();
    if has_stack && around.usage.registers.contains(bpf::Reg::R10) {
        let end = distance(run.after[FP])? + size;
        // The verifier counts on an alignment of R10 to eight bytes.
        if end % 8 != 0 || end > lowest || end - depth < 0 {
            return Err(format!("the BPF stack ends at {end} of {size}"));
        }
        free = end - depth;
    }
    if let Some(count) = count.filter(|_| machine.is_wide()) {
        if count + 16 > free {
            return Err(format!("the count of tail calls is at {count} of {size}"));
        }
        free = count;
    }
    Ok(Layout {
        size,
        count,
        saved,
        free,
    })
}

/// Registers with their places, and the place of the count.
struct Stored {
    saved: Vec<(i32, usize)>,
    count: Option<i32>,
}

/// What the prologue has saved.
fn stored(machine: &Machine, around: &Around, run: &Run, size: i32) -> Result<Stored, String> {
    let mut saved = Vec::new();
    let mut others = Vec::new();
    let mut stores = run.stores.clone();
    if !machine.is_wide() {
        // The count, which has its place outside.
        if around.counts() {
            stores.remove(&0);
        }
    }
    while let Some(place) = stores.pop_first() {
        let value = match machine.is_wide() {
            true => frame_doubleword(machine.order(), &run.frame, place),
            false => Some(run.frame[&place]),
        };
        if !(-size..0).contains(&place) {
            return Err(format!("something is saved outside, at {place}"));
        }
        if machine.is_wide() && !stores.remove(&(place + 4)) {
            return Err(format!("half of a register is saved at {place}"));
        }
        let register = (1..32).find(|&register| Some(run.before[register]) == value);
        match register {
            Some(register) if register != V1 => saved.push((place + size, register)),
            _ => others.push(place + size),
        }
    }
    let count = match (machine.is_wide(), &others[..]) {
        (false, []) => Some(size),
        (true, []) => None,
        (true, &[count, address]) if address == count + 8 => Some(count),
        _ => return Err("something is saved that is no register".to_owned()),
    };
    Ok(Stored { saved, count })
}

/// Theorem 3.
///
/// # Errors
///
/// What is wrong whatever the values.
pub(super) fn epilogue(
    machine: &Machine,
    around: &Around,
    layout: &Layout,
    path: &mut Path,
) -> Result<Obligation, String> {
    let snippet = emit_frame(machine, around, Part::Epilogue)?;
    let entry = machine.unknown_registers();
    let mut gpr = entry;
    for register in writable(machine, around) {
        let name = format!("{}'", convention::name(register));
        gpr[register] = Term::variable(machine.gprlen(), name);
    }
    let sp = entry[SP];
    gpr[SP] = sp + machine.term(-layout.size);
    let saved = layout.saved.iter().flat_map(|&(place, register)| {
        frame_words(machine.order(), place - layout.size, entry[register])
    });
    let run = Run::new(machine, &snippet, 0, gpr, (sp, saved.collect()), path)?;
    let mut obligation = Obligation::default();
    let mut demand = |what: String, bit: Term| obligation.goals.push((what, bit));
    match run.end {
        End::Register(target) => demand("it returns".to_owned(), target.equals(entry[RA])),
        end => return Err(format!("the epilogue ends {end:?}")),
    }
    for register in preserved() {
        let what = format!("${} is as it was", convention::name(register));
        demand(what, run.after[register].equals(entry[register]));
    }
    let r0 = machine.value(&run.before, 0);
    match around.role {
        Role::Subprogram => {
            let result = machine.value(&run.after, 0);
            demand("the result is R0".to_owned(), result.equals(r0));
        }
        Role::Whole | Role::Main | Role::Exception => {
            let result = run.after[V0].equals(r0.low(32).sign_extend(machine.gprlen()));
            demand("the result is R0's low word".to_owned(), result);
        }
    }
    let stays = !run.stores_or_calls && run.stores.is_empty();
    demand("memory stays".to_owned(), Term::bit(stays));
    Ok(obligation)
}

/// Native registers that the lowerings of a program write: those of its BPF registers, those that C
/// functions may overwrite, and `$ra` where there are calls. That there are no others is part of
/// each instruction's theorem; that of R6 to R9 they are those which the frame was told of is read off the
/// words of an image ([`check`](crate::host::check)).
fn writable(machine: &Machine, around: &Around) -> BTreeSet<usize> {
    let mut set: BTreeSet<usize> = (1..32)
        .filter(|&register| convention::is_caller_saved(register) && register != RA)
        .collect();
    let is_written = |register: usize| {
        let register = Reg::from_number(register as u32);
        around.written.contains(register)
    };
    for (number, register) in bpf::Reg::ALL.into_iter().enumerate() {
        if around.usage.registers.contains(register) {
            let natives = machine.natives(number).into_iter();
            // R6 to R9, as far as the image writes them.
            let is_saved = bpf::RegSet::SAVED.contains(register);
            set.extend(natives.filter(|&native| !is_saved || is_written(native)));
        }
    }
    set.remove(&0);
    set.extend(around.arena(machine).map(|_| S4));
    if around.usage.makes_calls || around.usage.calls_functions {
        set.insert(RA);
    }
    set
}

impl Layout {
    /// A tail call leaves the frame as the epilogue does, but for the result.
    pub(super) fn judge_leaving(
        &self,
        machine: &Machine,
        goals: &mut Vec<(String, Term)>,
        saved: &BTreeMap<i32, Term>,
        before: &[Term; 32],
        after: &[Term; 32],
    ) {
        for register in preserved().chain([RA]) {
            let place = self.saved.iter().find(|(_, saved)| *saved == register);
            let cell = |place| match machine.is_wide() {
                true => frame_doubleword(machine.order(), saved, place),
                false => saved.get(&place).copied(),
            };
            let expected = match place.and_then(|&(place, _)| cell(place)) {
                Some(value) => value,
                None if register == SP => before[SP] + machine.term(self.size),
                None => before[register],
            };
            let what = format!("${} is as it was at entry", convention::name(register));
            goals.push((what, after[register].equals(expected)));
        }
    }
}
