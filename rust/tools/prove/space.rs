// SPDX-License-Identifier: GPL-2.0

//! Memory over terms, and the record of what was done to it.
//!
//! Bytes are those of the initial memory until something is stored. An access whose address is not
//! a constant away from that of a store may or may not meet it: the value read says so.

use std::collections::BTreeMap;

use crate::model::bpf::memory::ByteOrder;
use crate::model::term::Term;
use crate::model::word::Word;

/// Something that others could observe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Bytes were loaded.
    Load { address: Term, bytes: u32 },
    /// A value was stored.
    Store { address: Term, value: Term },
    /// It was asked whether there is no memory; one bit that nothing is known of is the answer.
    Absent {
        address: Term,
        bytes: u32,
        answer: Term,
    },
    /// All before is ordered before all behind.
    Fence,
}

/// Memory, and what was done to it.
#[derive(Clone, Debug)]
pub(super) struct Space {
    order: ByteOrder,
    /// Addresses and bytes, in the order of stores.
    stores: Vec<(Term, Term)>,
    pub(super) events: Vec<Event>,
}

impl Space {
    pub(super) fn new(order: ByteOrder) -> Self {
        Space {
            order,
            stores: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(super) fn load(&mut self, address: Term, bytes: u32) -> Term {
        self.events.push(Event::Load { address, bytes });
        let mut value: Vec<Term> = addresses(address, bytes)
            .map(|address| self.byte(address))
            .collect();
        if self.order == ByteOrder::Big {
            value.reverse();
        }
        Term::from_bytes(&value)
    }

    pub(super) fn store(&mut self, address: Term, value: Term) {
        self.events.push(Event::Store { address, value });
        let mut bytes = value.bytes();
        if self.order == ByteOrder::Big {
            bytes.reverse();
        }
        let places = addresses(address, bytes.len() as u32);
        self.stores.extend(places.zip(bytes));
    }

    /// How many bytes were stored.
    pub(super) fn store_count(&self) -> usize {
        self.stores.len()
    }

    fn byte(&self, address: Term) -> Term {
        let initial = Term::initial_byte(address);
        self.stores.iter().fold(initial, |older, &(at, byte)| {
            at.equals(address).select(byte, older)
        })
    }
}

fn addresses(first: Term, count: u32) -> impl Iterator<Item = Term> {
    (0..count).map(move |byte| first + first.constant(u64::from(byte)))
}

/// Whether events are the same to an observer, as bits that have to be 1; None if they are not,
/// whatever the values. Between fences, order does not matter. A doubleword is two words, in any
/// order; anything smaller is one access.
pub(super) fn same_events(a: &[Event], b: &[Event], with_fences: bool) -> Option<Vec<Term>> {
    let (a, b) = (segments(a, with_fences), segments(b, with_fences));
    if a.len() != b.len() {
        return None;
    }
    let mut bits = Vec::new();
    for (a, b) in a.iter().zip(&b) {
        if a.len() != b.len() {
            return None;
        }
        for (a, b) in a.iter().zip(b) {
            bits.extend(same_access(*a, *b)?);
        }
    }
    Some(bits)
}

fn same_access(a: Event, b: Event) -> Option<Vec<Term>> {
    match (a, b) {
        (
            Event::Load { address, bytes },
            Event::Load {
                address: other,
                bytes: others,
            },
        ) if bytes == others => Some(vec![address.equals(other)]),
        (
            Event::Store { address, value },
            Event::Store {
                address: other,
                value: others,
            },
        ) if value.width() == others.width() => {
            Some(vec![address.equals(other), value.equals(others)])
        }
        (
            Event::Absent { address, bytes, .. },
            Event::Absent {
                address: other,
                bytes: others,
                ..
            },
        ) if bytes == others => Some(vec![address.equals(other)]),
        _ => None,
    }
}

/// The answers to questions for memory, in order.
pub(super) fn answers(events: &[Event]) -> impl Iterator<Item = Term> + '_ {
    events.iter().filter_map(|event| match *event {
        Event::Absent { answer, .. } => Some(answer),
        _ => None,
    })
}

/// What lies between fences, each part in an order of its own. Fences between which nothing is are one.
fn segments(events: &[Event], with_fences: bool) -> Vec<Vec<Event>> {
    let mut segments = vec![Vec::new()];
    let is_empty = |last: Option<&Vec<Event>>| last.is_some_and(Vec::is_empty);
    for &event in events {
        match event {
            Event::Fence if with_fences && segments.len() > 1 && is_empty(segments.last()) => {}
            Event::Fence if with_fences => segments.push(Vec::new()),
            Event::Fence => {}
            _ => segments
                .last_mut()
                .into_iter()
                .for_each(|last| last.push(event)),
        }
    }
    for segment in &mut segments {
        segment.sort_by_key(|event| match *event {
            Event::Load { address, bytes } => (0, address.base_and_offset(), bytes),
            Event::Store { address, value } => (1, address.base_and_offset(), value.width()),
            Event::Absent { address, bytes, .. } => (2, address.base_and_offset(), bytes),
            Event::Fence => (3, (None, 0), 0),
        });
    }
    segments
}

/// Accesses to doublewords as the two to words that they are on this machine.
pub(super) fn in_words(events: &[Event], order: ByteOrder) -> Vec<Event> {
    let mut words = Vec::new();
    for &event in events {
        match event {
            Event::Load { address, bytes: 8 } => {
                for at in [0, 4] {
                    words.push(Event::Load {
                        address: address + address.constant(at),
                        bytes: 4,
                    });
                }
            }
            Event::Store { address, value } if value.width() == 64 => {
                let high = u64::from(order == ByteOrder::Little) * 4;
                for (at, part) in [(4 - high, value.low(32)), (high, value.slice(32, 32))] {
                    words.push(Event::Store {
                        address: address + address.constant(at),
                        value: part,
                    });
                }
            }
            _ => words.push(event),
        }
    }
    words
}

/// The doubleword at a place of a frame, if both of its words are there.
pub(super) fn frame_doubleword(
    order: ByteOrder,
    frame: &BTreeMap<i32, Term>,
    place: i32,
) -> Option<Term> {
    let (first, second) = (*frame.get(&place)?, *frame.get(&(place + 4))?);
    Some(match order {
        ByteOrder::Little => second.concat(first),
        ByteOrder::Big => first.concat(second),
    })
}

/// The words that a value is in a frame from a place up, the first one first.
pub(super) fn frame_words(order: ByteOrder, place: i32, value: Term) -> Vec<(i32, Term)> {
    if value.width() == 32 {
        return vec![(place, value)];
    }
    let (low, high) = (value.low(32), value.slice(32, 32));
    match order {
        ByteOrder::Little => vec![(place, low), (place + 4, high)],
        ByteOrder::Big => vec![(place, high), (place + 4, low)],
    }
}
