// SPDX-License-Identifier: GPL-2.0

//! The model over terms against the model over bits. What it says over bits is judged against an
//! emulator, see `rust/tools/models.rs`.

mod mips64;

use super::*;
use crate::model::both::{Concrete, Place, Random, Reading, Symbolic, DATA, DATA_SIZE};
use crate::model::bpf::memory::ByteOrder;
use crate::model::term;

/// Instructions to execute one after the other.
const STEPS: usize = 3;

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
struct End {
    trap: Option<Trap>,
    steps: usize,
    /// Registers, HI, LO and where control is.
    values: Vec<u64>,
    memory: Vec<u64>,
}

/// A word of code, and which of its bits are an immediate that need not be constant: from which bit
/// up, and how many.
#[derive(Clone, Copy, Debug)]
struct Coded {
    word: u32,
    free: Option<(u32, u32)>,
}

impl Coded {
    /// The word, with a variable for what is free.
    fn read<W: Word, R: Reading<W>>(self, reading: &mut R) -> W {
        let word = W::new(WORD, u64::from(self.word));
        let Some((low, width)) = self.free else {
            return word;
        };
        let field = reading.word(width, u64::from(self.word >> low));
        let above = word.slice(low + width, WORD - low - width).concat(field);
        match low {
            0 => above,
            _ => above.concat(word.low(low)),
        }
    }
}

/// What differs between two runs that should not.
struct Setting {
    seed: u64,
    order: ByteOrder,
    architecture: Architecture,
    code: Vec<Coded>,
}

impl Setting {
    fn run<W: Word, R: Reading<W>>(&self, reading: R) -> End {
        let mut random = Random(self.seed);
        let mut place = Place::new(reading, self.order, &mut random);
        for coded in &self.code {
            let word = coded.read(&mut place.reading);
            place.code.push(word);
        }
        let gprlen = self.architecture.gprlen;
        let mut gpr = [W::new(gprlen, 0); 32];
        for register in &mut gpr[1..] {
            // Many registers are addresses, and many of MIPS64 hold words.
            let value = match random.below(6) {
                0 => random.value(),
                1 | 2 => i64::from(random.value() as i32) as u64,
                _ => u64::from(DATA) + random.below(DATA_SIZE.into()) / 4 * 4,
            };
            *register = place.reading.word(gprlen, value);
        }
        let mut machine = Machine::new(self.architecture, &mut place, gpr, 0);
        let end = u64::from(4 * self.code.len() as u32);
        let (mut trap, mut steps) = (None, 0);
        while steps < STEPS {
            match machine.step() {
                Ok(Next::Instruction) => {}
                Ok(Next::Leave(target) | Next::Call(target)) => {
                    machine.pc = machine.platform.reading.value(target);
                }
                Err(error) => {
                    trap = Some(error);
                    break;
                }
            }
            steps += 1;
            if machine.pc >= end {
                break;
            }
        }
        let to = machine.pc;
        let (gpr, hi, lo) = (machine.gpr, machine.hi, machine.lo);
        let all = gpr.into_iter().chain([hi, lo]);
        let mut values: Vec<u64> = all.map(|word| place.reading.value(word)).collect();
        values.push(to);
        End {
            steps,
            trap: trap.map(|trap| without_free_bits(trap, &self.code)),
            values,
            memory: place.memory(),
        }
    }
}

/// A processor of 32 bits.
fn mips32(release: Release) -> Architecture {
    Architecture {
        release,
        gprlen: WORD,
    }
}

/// A trap names the constant half only of a word that is not all constant.
fn without_free_bits(trap: Trap, code: &[Coded]) -> Trap {
    let mask = |word: u32| {
        let is_free = |coded: &Coded| coded.free.is_some() && coded.word >> 16 == word >> 16;
        match code.iter().any(is_free) {
            true => word & 0xffff_0000,
            false => word,
        }
    };
    match trap {
        Trap::Reserved(word) => Trap::Reserved(mask(word)),
        Trap::Unpredictable(word) => Trap::Unpredictable(mask(word)),
        trap => trap,
    }
}

/// Functions of MIPS64 alone: shifts, sums, products and quotients.
const DOUBLEWORDS: [u32; 15] = [
    0o24, 0o26, 0o27, 0o34, 0o35, 0o36, 0o37, 0o55, 0o57, 0o70, 0o72, 0o73, 0o74, 0o76, 0o77,
];

/// An instruction of registers, with zeros where they have to be in `rd`.
fn special(
    random: &mut Random,
    gprlen: u32,
    (registers, low, rd): (u32, u32, u32),
) -> (u32, Option<(u32, u32)>) {
    let functions = [0, 2, 3, 4, 6, 7, 8, 9, 10, 11, 16, 18, 24, 25, 26, 27];
    let function = match random.below(u64::from(gprlen / 16)) {
        0 | 2 => random.choose(&functions),
        1 => random.choose(&[0o41, 0o43, 0o44, 0o45, 0o46, 0o47, 0o52, 0o53, 0o65, 0o67]),
        _ => random.choose(&DOUBLEWORDS),
    };
    if matches!(function, 24..=31) && random.below(2) == 0 {
        // The products and quotients of Release 6.
        let sa = random.choose(&[2, 3]);
        let word = registers | low & 0xf800 | sa << 6 | function;
        return (word, None);
    }
    let registers = match random.below(2) {
        0 => registers & 0x001f_0000,
        _ => registers,
    };
    let is_shift = matches!(function, 0 | 2 | 3 | 0o70..=0o77);
    let word = registers | rd | function;
    (word, is_shift.then_some((6, 5)))
}

/// A random word, mostly an instruction.
fn word(random: &mut Random, gprlen: u32) -> Coded {
    let registers = (random.next() >> 8) as u32 & 0x03ff_0000;
    let low = (random.next() >> 16) as u32 & 0xffff;
    let opcodes = [
        0o00, 0o00, 0o00, 0o01, 0o04, 0o05, 0o06, 0o07, 0o11, 0o12, 0o13, 0o14, 0o15, 0o16, 0o17,
        0o34, 0o37, 0o37, 0o62, 0o66, 0o76, 0o40, 0o41, 0o43, 0o44, 0o45, 0o50, 0o51, 0o53, 0o60,
    ];
    let opcode = match random.below(8) {
        0 if gprlen == DOUBLEWORD => random.choose(&[0o31, 0o47, 0o64, 0o67, 0o77]),
        _ => random.choose(&opcodes),
    };
    // Fields that have to be zero are so in half of the words.
    let rd = match random.below(2) {
        0 => low & 0xf800,
        _ => low & 0xffc0,
    };
    let (word, free) = match opcode {
        0o00 => special(random, gprlen, (registers, low, rd)),
        // LL and SC of Release 6, with near addresses.
        0o37 if random.below(4) == 0 => {
            let function = random.choose(&[0o66, 0o46, 0o67, 0o47]);
            (registers | low & 0x0e00 | function, Some((7, 9)))
        }
        0o34 => (registers | rd | 2, None),
        0o37 => {
            let words = [(2, 0o40), (16, 0o40), (24, 0o40), (0, 0), (7, 0)];
            let doublewords = [(2, 0o44), (5, 0o44), (0, 3), (7, 3), (31, 3)];
            let kinds = match random.below(u64::from(gprlen / 32)) {
                0 => words,
                _ => doublewords,
            };
            let (sa, function) = random.choose(&kinds);
            let registers = match function {
                0 | 3 => registers,
                _ => registers & 0x001f_0000,
            };
            let word = registers | low & 0xf800 | sa << 6 | function;
            // A field of any size lies in the word only if it begins where the word does.
            (word, (sa == 0).then_some((11, 5)))
        }
        // Near targets, so that there may be code.
        0o01..=0o07 => (registers & 0x03e1_0000 | low & 3, None),
        0o62 => (low & 3, None),
        0o66 | 0o76 => (registers & 0x001f_0000 | low & 0x001c, Some((0, 16))),
        0o40.. => (registers | low & 0x001c, Some((0, 16))),
        _ => (registers | low, Some((0, 16))),
    };
    Coded {
        word: opcode << 26 | word,
        free: free.filter(|_| random.below(2) == 0),
    }
}

#[test]
fn terms_mean_what_bits_do() {
    let mut random = Random(0x5eed);
    let mut steps = 0;
    const ROUNDS: usize = 30_000;
    for round in 0..ROUNDS {
        if round % 200 == 0 {
            term::forget_all();
        }
        let gprlen = random.choose(&[WORD, DOUBLEWORD]);
        let setting = Setting {
            seed: random.next(),
            order: random.choose(&[ByteOrder::Little, ByteOrder::Big]),
            architecture: Architecture {
                release: random.choose(&[Release::R1, Release::R2, Release::R6]),
                gprlen,
            },
            code: (0..2 * STEPS).map(|_| word(&mut random, gprlen)).collect(),
        };
        let bits = setting.run(Concrete);
        let terms = setting.run(Symbolic::new(random.below(4) == 0));
        assert_eq!(terms, bits, "{:08x?}", setting.code);
        steps += bits.steps;
    }
    // Else nothing much would have been compared.
    assert!(
        steps > ROUNDS * 3 / 4,
        "{steps} instructions in {ROUNDS} rounds"
    );
}

#[test]
fn a_conditional_store_follows_its_link_in_either_reading() {
    // ori $4, $0, DATA; ll $2, 4($4); sc $3, 4($4), or sc $3, 8($4)
    for (release, ll, sc, offset, is_linked) in [
        (Release::R1, 0xc082_0004, 0xe083_0000, 4, true),
        (Release::R1, 0xc082_0004, 0xe083_0000, 8, false),
        (Release::R6, 0x7c82_0236, 0x7c83_0026, 4 << 7, true),
        (Release::R6, 0x7c82_0236, 0x7c83_0026, 8 << 7, false),
    ] {
        let code = [0x3404_0000 | DATA, ll, sc | offset];
        let coded = |&word: &u32| Coded { word, free: None };
        let setting = Setting {
            seed: 1,
            order: ByteOrder::Big,
            architecture: mips32(release),
            code: code.iter().map(coded).collect(),
        };
        let bits = setting.run(Concrete);
        assert_eq!(setting.run(Symbolic::new(false)), bits);
        assert_eq!(bits.trap.is_none(), is_linked, "{bits:?}");
    }
}

#[test]
fn what_is_not_constant_fits_no_field() {
    // addu $2, $3, $4; mfhi $2; sllv $2, $4, $3; wsbh $2, $4, with something in the place of the
    // zeros that would make them these.
    for word in [0x0064_1021, 0x0000_1010, 0x0064_1004, 0x7c04_10a0] {
        let free = Some((6, 5));
        let setting = |free| Setting {
            seed: 1,
            order: ByteOrder::Little,
            architecture: mips32(Release::R2),
            code: vec![Coded { word, free }],
        };
        assert_eq!(setting(None).run(Symbolic::new(false)).trap, None);
        let trap = setting(free).run(Symbolic::new(false)).trap;
        assert_eq!(trap, Some(Trap::Reserved(word & 0xffff_0000)), "{word:08x}");
    }
}

#[test]
fn release_6_has_not_what_it_took_away() {
    // movz $2, $3, $4; mflo $2; multu $3, $4; div $3, $4; mul $2, $3, $4; ll $2, 0($0); sc $2, 0($0);
    // jr $2; and beqzc $2, which has a forbidden slot.
    for word in [
        0x0064_100a,
        0x0000_1012,
        0x0064_0019,
        0x0064_001a,
        0x7064_1002,
        0xc002_0000,
        0xe002_0000,
        0x0040_0008,
        0xd840_0000,
    ] {
        let setting = Setting {
            seed: 1,
            order: ByteOrder::Little,
            architecture: mips32(Release::R6),
            code: vec![Coded { word, free: None }; 2],
        };
        let trap = setting.run(Concrete).trap;
        assert_eq!(trap, Some(Trap::Reserved(word)), "{word:08x}");
    }
}

#[test]
fn release_6_divides_by_zero_unpredictably() {
    // divu $2, $3, $4 and divu $5, $3, $4; the same with $0 in the place of $4. Unknown values are
    // all different here.
    for (words, is_known) in [
        ([0x0064_109b, 0x0064_289b], true),
        ([0x0060_109b, 0x0060_289b], false),
    ] {
        let coded = |word: u32| Coded { word, free: None };
        let setting = Setting {
            seed: 1,
            order: ByteOrder::Little,
            architecture: mips32(Release::R6),
            code: words.map(coded).to_vec(),
        };
        let end = setting.run(Concrete);
        assert_eq!((end.trap, end.steps), (None, 2));
        assert_eq!(end.values[2] == end.values[5], is_known, "{words:08x?}");
        assert_eq!(setting.run(Symbolic::new(false)), end);
    }
}

#[test]
fn mips32_has_no_doublewords() {
    // daddiu $2, $3, 1; daddu $2, $3, $4; dsll $2, $4, 1; dmultu $3, $4; ld $2, 0($3); lwu $2, 0($3);
    // lld $2, 0($3); sd $2, 0($3); dext $2, $3, 0, 1
    for word in [
        0x6462_0001,
        0x0064_102d,
        0x0004_1078,
        0x0064_001d,
        0xdc62_0000,
        0x9c62_0000,
        0xd062_0000,
        0xfc62_0000,
        0x7c62_0003,
    ] {
        let setting = Setting {
            seed: 1,
            order: ByteOrder::Little,
            architecture: mips32(Release::R2),
            code: vec![Coded { word, free: None }],
        };
        let trap = setting.run(Concrete).trap;
        assert_eq!(trap, Some(Trap::Reserved(word)), "{word:08x}");
    }
}
