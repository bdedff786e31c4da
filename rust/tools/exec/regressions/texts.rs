// SPDX-License-Identifier: GPL-2.0

//! The cases that are BPF text. R1 points to data that begins with two 64-bit operands; what is
//! stored from offset 64 on is the outcome.

/// Loads the operands to R2 and R3.
const LOAD: &str = "r2 = *(u64 *)(r1 + 0); r3 = *(u64 *)(r1 + 8);";

/// Stores R2 and R3, and returns what R1 points to: it must have survived.
const STORE: &str = "*(u64 *)(r1 + 64) = r2; *(u64 *)(r1 + 72) = r3; r0 = *(u32 *)(r1 + 4); exit";

/// Names and texts.
pub(super) fn texts() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    all.extend(survival());
    all.extend(signed());
    all.extend(addresses());
    all.extend(others());
    all.extend(auxiliary());
    all
}

fn around(name: &'static str, body: &str) -> (&'static str, String) {
    (name, format!("{LOAD} {body}; {STORE}"))
}

/// R1 is never written here, and still in use after the instruction.
fn survival() -> Vec<(&'static str, String)> {
    let atomic = |name, body: &str| around(name, &format!("r0 = r2; {body}; r3 = r0"));
    vec![
        around("c_jit_c01_r1_survives_div64", "r2 /= r3"),
        around("c_jit_c01_r1_survives_div64_of_r3", "r3 /= r2"),
        around("c_jit_c01_r1_survives_mod64", "r2 %= r3"),
        around("c_jit_c01_r1_survives_sdiv64", "r2 s/= r3"),
        around("c_jit_c01_r1_survives_smod64", "r2 s%= r3"),
        around("c_jit_c01_r1_survives_div64_imm", "r2 /= 7"),
        around("c_jit_c01_r1_survives_smod64_imm", "r3 s%= -7"),
        around("c_jit_c01_r1_divides", "r2 /= r1"),
        around("c_jit_c01_r1_r2_swap", "r4 = r1; r2 %= r1; r1 = r4"),
        atomic("c_jit_c01_r1_survives_add64", "lock *(u64 *)(r1 + 8) += r2"),
        atomic("c_jit_c01_r1_survives_and64", "lock *(u64 *)(r1 + 8) &= r2"),
        atomic(
            "c_jit_c01_r1_survives_fetch_xor64",
            "r2 = atomic_fetch_xor((u64 *)(r1 + 8), r2)",
        ),
        atomic("c_jit_c01_r1_survives_xchg64", "r2 = xchg_64(r1 + 8, r2)"),
        atomic(
            "c_jit_c01_r1_survives_cmpxchg64",
            "r0 = cmpxchg_64(r1 + 8, r0, r3)",
        ),
        atomic(
            "c_jit_c01_r1_survives_fetch_add32",
            "w2 = atomic_fetch_add((u32 *)(r1 + 8), w2)",
        ),
        around(
            "c_jit_c01_all_survive_div64",
            "r4 = 4; r5 = -5; r0 = 6; r2 /= r3; r3 = r4; r3 ^= r5; r3 *= r0",
        ),
    ]
}

fn signed() -> Vec<(&'static str, String)> {
    vec![
        around("c_jit_c02_sdiv64", "r2 s/= r3"),
        around("c_jit_c02_sdiv32", "w2 s/= w3"),
        around("c_jit_c02_smod64", "r2 s%= r3"),
        around("c_jit_c02_smod32", "w2 s%= w3"),
        around("c_jit_c02_sdiv64_power_of_two", "r2 s/= 8"),
        around("c_jit_c02_sdiv32_power_of_two", "w2 s/= 8"),
        around("c_jit_c02_smod64_power_of_two", "r2 s%= 8"),
        around("c_jit_c02_smod32_power_of_two", "w2 s%= 8"),
        around("c_jit_c02_sdiv64_by_minus_one", "r2 s/= -1; r3 s%= -1"),
        around("c_jit_c02_sdiv32_by_minus_one", "w2 s/= -1; w3 s%= -1"),
        around(
            "c_jit_c02_sdiv64_by_min",
            "r2 s/= -2147483648; r3 s%= -2147483648",
        ),
        around("c_jit_c03_movsx64_8", "r2 = (s8)r3"),
        around("c_jit_c03_movsx64_16", "r2 = (s16)r3"),
        around("c_jit_c03_movsx64_32", "r2 = (s32)r3"),
        around("c_jit_c03_movsx32_8", "w2 = (s8)w3"),
        around("c_jit_c03_movsx32_16", "w2 = (s16)w3"),
        around("c_jit_c03_movsx_of_itself", "r2 = (s8)r2; r3 = (s32)r3"),
    ]
}

fn addresses() -> Vec<(&'static str, String)> {
    const NAMES: [&str; 4] = [
        "c_jit_c05_dw_offset_32764",
        "c_jit_c05_dw_offset_32765",
        "c_jit_c05_dw_offset_32766",
        "c_jit_c05_dw_offset_32767",
    ];
    let mut all = Vec::new();
    for (name, offset) in NAMES.into_iter().zip(32764..) {
        let base = 512 - offset;
        all.push(around(
            name,
            &format!(
                "r4 = r1; r4 += {base}; r5 = *(u64 *)(r4 + {offset}); *(u64 *)(r1 + 80) = r5;
                 *(u64 *)(r4 + {offset}) = r2; r2 = r4; *(u64 *)(r2 + {offset}) = -2;
                 r4 = *(u64 *)(r4 + {offset}); r2 = r4"
            ),
        ));
    }
    for (name, offset) in [
        ("c_jit_c08_atomic_offset_least", -32768),
        ("c_jit_c08_atomic_offset_greatest", 32760),
        ("c_jit_c08_atomic_offset_minus_264", -264),
        ("c_jit_c08_atomic_offset_minus_300", -300),
        ("c_jit_c08_atomic_offset_256", 256),
        ("c_jit_c08_atomic_offset_255", 255),
        ("c_jit_c08_atomic_offset_minus_256", -256),
        ("c_jit_c08_atomic_offset_minus_257", -257),
    ] {
        let base = 512 - offset;
        let offset = match offset {
            0.. => format!("+ {offset}"),
            _ => format!("- {}", -offset),
        };
        all.push(around(
            name,
            &format!(
                "r4 = r1; r4 += {base}; lock *(u32 *)(r4 {offset}) += r2;
                 lock *(u64 *)(r4 {offset}) += r3; w2 = xchg32_32(r4 {offset}, w2);
                 r3 = xchg_64(r4 {offset}, r3)"
            ),
        ));
    }
    all
}

fn others() -> Vec<(&'static str, String)> {
    vec![
        around(
            "c_jit_c07_cmpxchg64_of_r10",
            "r0 = r2; r0 = cmpxchg_64(r1 + 8, r0, r10); r2 = r0; r3 = *(u64 *)(r1 + 8)",
        ),
        around(
            "c_jit_c07_cmpxchg64_of_r10_equal",
            "r0 = r3; r0 = cmpxchg_64(r1 + 8, r0, r10); r2 = r0; r3 = *(u64 *)(r1 + 8)",
        ),
        around(
            "filter_sum_and_half",
            "w4 = w3; r5 = r4; r5 -= 12; if r5 s< 2 goto +2; r2 = *(u16 *)(r1 + 12); r2 = be16 r2; \
             r5 = r4; r5 += 12; if r5 s> -2 goto +1; r3 += r5; r5 = r4; if r5 s<= 77 goto +1; r2 += r4",
        ),
        around(
            "filter_sum_of_word",
            "w4 = w2; r5 = r4; r5 -= 0x7fffffff; if r5 s>= 1 goto +1; r3 = 1; r5 = r4; r5 -= 5; \
             if r5 == -5 goto +1; r2 = 7; r2 ^= r5",
        ),
        around("c_jit_c14_lsh64_by_itself", "r2 <<= r2; r3 <<= r3"),
        around("c_jit_c14_rsh64_by_itself", "r2 >>= r2; r3 >>= r3"),
        around("c_jit_c14_arsh64_by_itself", "r2 s>>= r2; r3 s>>= r3"),
        around(
            "c_jit_a_bswap",
            "r2 = bswap16 r2; r3 = bswap64 r3; r3 = bswap32 r3",
        ),
        around(
            "c_jit_a_memsx",
            "r2 = *(s8 *)(r1 + 3); r3 = *(s16 *)(r1 + 2); r4 = *(s32 *)(r1 + 4); r3 ^= r4",
        ),
        around("c_jit_a_gotol", "gotol +1; r2 = 0; r3 += 1"),
        around(
            "c_jit_a_acquire_release",
            "store_release((u16 *)(r1 + 80), w2); w3 = load_acquire((u16 *)(r1 + 80))",
        ),
    ]
}

/// What constant blinding and the verifier's fix-ups do with the auxiliary register, whose half the
/// C JIT kept in `$gp`.
fn auxiliary() -> Vec<(&'static str, String)> {
    vec![
        around(
            "c_jit_d_blinded_constant",
            "wax = 1450704947; wax ^= 305419896; w2 = wax; ax = -5; ax ^= 77; r3 += ax",
        ),
        around(
            "c_jit_d_blinded_load_imm64",
            "ax = 287454020; ax ^= 1; ax <<= 32; r4 = ax; wax = 1432778632; wax ^= 3;
             ax = (u32)ax; r4 |= ax; r2 ^= r4; r3 -= r4",
        ),
        around("c_jit_d_ax_divides", "ax = r3; ax ^= 255; r2 /= ax; r3 = ax"),
        around("c_jit_d_ax_is_divided", "ax = r2; ax s/= r3; r2 = ax; ax %= 10; r3 = ax"),
        around("c_jit_d_ax_divides_words", "wax = w3; w2 s%= wax; ax = (u32)ax; r3 = ax"),
        around("c_jit_d_ax_shifts", "ax = r3; r2 <<= ax; r3 s>>= ax; ax <<= ax; r3 ^= ax"),
        around(
            "c_jit_d_ax_in_jumps",
            "ax = r3; if r2 > ax goto +1; r2 = 1; if w2 s< wax goto +1; r3 = 2",
        ),
        around(
            "c_jit_d_ax_is_stored",
            "ax = r2; *(u64 *)(r1 + 80) = ax; *(u16 *)(r1 + 90) = ax; ax = *(u64 *)(r1 + 8); r2 = ax",
        ),
        around(
            "c_jit_d_ax_survives_atomic64",
            "ax = r3; r2 = atomic_fetch_add((u64 *)(r1 + 8), r2); r3 = ax",
        ),
        around(
            "c_jit_d_signed_division_fixup",
            "ax = r3; ax += 1; if ax > 1 goto +4; if ax == 0 goto +1; r2 = 0; r2 = -r2;
             goto +1; r2 s/= r3; r3 = 0",
        ),
    ]
}
