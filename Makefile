# SPDX-License-Identifier: GPL-2.0
#
# The front door. What it names is done by scripts/setup, which makes sure that
# the tools are there, and by the runner in boot-tests/; `make help` lists it all.

# Every kernel series there is, the newest last: each has a directory in patches/.
series  := $(shell cd patches && printf "%s\n" * | sort -t. -k1,1n -k2,2n)

KERNEL  ?= $(lastword $(series))
MACHINE ?= malta-le-r2
JIT     ?= rust
HARDEN  ?= 0
SUITE   ?= test_bpf
RANGE   ?=
ICOUNT  ?= 0
LINUX   ?=
BPF     ?=
FORM    ?=
SEED    ?=
PROGRAMS ?= 100000
SECONDS ?= 60
INPUT   ?=
MUTANT  ?=
RESUME  ?= 0
TABLE   ?=
FRESH   ?= 0
CHART   ?=
CURVE   ?=
CACHE   ?= $(or $(MIPS_BPF_JIT_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/mips-bpf-jit)

override CACHE := $(abspath $(CACHE))
export MIPS_BPF_JIT_CACHE := $(CACHE)
# One for each tree: what cargo has built of one tree passes for that of another.
export CARGO_TARGET_DIR := $(CACHE)/target/$(firstword $(shell printf %s '$(CURDIR)' | cksum))
export KERNEL LINUX BPF SEED

# The cargo that set-up found; the one in the path where set-up is not needed.
cargo = $$(sed -n 's/^CARGO=//p' '$(CACHE)/env' 2>/dev/null | grep . || echo cargo)
# Where the emulator is that set-up has built.
emulator = PKG_CONFIG_PATH="$$(sed -n 's/^PKG_CONFIG_PATH=//p' '$(CACHE)/env')"
# Says something before it is quiet for as long as the first build takes.
runner = { test -x '$(CARGO_TARGET_DIR)/debug/boot-tests' || echo 'building the runner ...'; } && \
	 "$(cargo)" build --quiet --locked -p boot-tests && \
	 '$(CARGO_TARGET_DIR)/debug/boot-tests'

# make check needs less than make boot does.
setup = scripts/setup

.PHONY: help setup boot matrix bench size test check encode exec diff fuzz prove features mutants show list clean
.DEFAULT_GOAL := help

help:
	@echo 'Verbs:'
	@echo '  make boot     build a kernel with the JIT, boot it in QEMU, run its tests, judge them'
	@echo '  make matrix   boot every machine and kernel, interpreted, compiled, hardened, and with the'
	@echo '                C JIT for comparison; goes on where it was interrupted; see FRESH=, TABLE='
	@echo '  make bench    real programs, interpreted, with the C JIT and with ours: instructions executed,'
	@echo '                bytes, and instructions to compile; both byte orders, or MACHINE; see RANGE=, TABLE=, CHART=, CURVE='
	@echo '  make size     a kernel for MT7628 routers with the C JIT and with ours: bytes of objects, and of'
	@echo '                the kernel in memory and in flash; see TABLE='
	@echo '  make test     what must pass before a change goes in: check to prove, and boots'
	@echo '                (listed in boot-tests/test-plan.toml); ends with "N passed, N failed"'
	@echo '  make check    host tests, formatting and lints; needs a Rust toolchain only'
	@echo '  make encode   every row of the instruction table against GNU as and LLVM'
	@echo '  make exec     emitted code and the models, judged in an emulator on the host'
	@echo '  make fuzz     arbitrary programs, machines and sizes of memory, by libFuzzer; see SECONDS='
	@echo '  make diff     random programs in the emulator and in the model: PROGRAMS for each machine,'
	@echo '                on top of what has run before, which is added up'
	@echo '  make prove    emitted code, proved right for all values of registers and memory;'
	@echo '                for all machines, or MACHINE; see FORM='
	@echo '  make features checks the table of what this JIT and others can do; see TABLE='
	@echo '  make mutants  seeds bugs in the JIT, one at a time: each must be caught by a judge;'
	@echo '                takes an hour; see MUTANT='
	@echo '  make show     BPF and the MIPS code made of it, side by side; see BPF='
	@echo '  make setup    find or install the tools, and the kernel source'
	@echo '  make list     the machines and suites there are'
	@echo '  make clean    delete builds, working copies and logs; keep sources and tools'
	@echo 'Variables, with their defaults:'
	@echo '  KERNEL=$(lastword $(series))           kernel series, of: $(series)'
	@echo '  MACHINE=malta-le-r2  malta-{le,be}-{r1,r2,r6}: byte order and MIPS32 release'
	@echo '  JIT=rust             rust: ours; c: the one it replaces; off: the interpreter'
	@echo '  HARDEN=0             net.core.bpf_jit_harden: 0, 1 or 2'
	@echo '  SUITE=test_bpf       test_bpf, test_tail_calls, test_skb_segment; all: the three'
	@echo '                       jit_bugs, jit_bugs_ax: what the C JIT gets wrong'
	@echo '                       jit_diff: random programs, compiled against interpreted; see SEED='
	@echo '                       failslab: test_bpf while allocations of the JIT fail'
	@echo '                       functions: programs of several; arena: on 64-bit kernels only;'
	@echo '                       btf: kfuncs and probed loads; rewrites: exceptions, gotox and others;'
	@echo '                       arguments: more of them than registers;'
	@echo '                       trampolines: struct_ops, and programs attached to programs;'
	@echo '                       test_verifier: the selftests of the verifier'
	@echo '                       test_progs: the selftests themselves, but for what needs more than MIPS has'
	@echo '                       progs: all programs of the selftests, compiled against interpreted'
	@echo '                       soak: random programs come and go for half an hour; see SECONDS='
	@echo '  RANGE=               FIRST,LAST: only those tests, counted from 0'
	@echo '  ICOUNT=0             1: guest time counts instructions (see Documentation/testing.rst)'
	@echo '  LINUX=               kernel tree to graft and build, instead of a copy of the source'
	@echo '  BPF=                 show: assembler text, raw bytes, or an object file'
	@echo '  PROGRAMS=100000      diff: how many for each machine'
	@echo '  SEED=                jit_diff, diff, soak: the programs of that run again'
	@echo '  FORM=                prove: only forms whose name contains this, as "add64 imm"'
	@echo '  SECONDS=60           fuzz, soak (1800): how long'
	@echo '  INPUT=               fuzz: only judge this file, and show it'
	@echo '  MUTANT=              mutants: only this one, or an area, as "shift"'
	@echo '  RESUME=0             mutants: 1: go on after an interrupted run'
	@echo '  TABLE=               bench, size, mutants, matrix, diff, features: write the table to this file'
	@echo '  FRESH=0              matrix: 1: boot also what is known to pass'
	@echo '  CHART=               bench: draw the chart to this file'
	@echo '  CURVE=               bench: draw what compiling takes to this file'
	@echo '  CACHE=$(CACHE)'
	@echo '                       where sources, builds and logs are kept'

setup:
	@$(setup)

boot:
	@$(setup) boot $(if $(filter arena arguments bench btf functions programs progs rewrites soak test_progs test_verifier trampolines,$(SUITE)),verifier) \
		$(if $(filter test_progs,$(SUITE)),guest)
	@$(runner) boot --kernel='$(KERNEL)' --machine='$(MACHINE)' --jit='$(JIT)' \
		--harden='$(HARDEN)' --suite='$(SUITE)' --range='$(RANGE)' \
		--icount='$(ICOUNT)' --linux='$(LINUX)' \
		--seconds='$(if $(filter file,$(origin SECONDS)),,$(SECONDS))'

# Without KERNEL or MACHINE on the command line, all of them.
matrix:
	@KERNEL='$(if $(filter file,$(origin KERNEL)),$(series),$(KERNEL))' $(setup) boot
	@$(runner) matrix --kernel='$(if $(filter file,$(origin KERNEL)),,$(KERNEL))' \
		--machine='$(if $(filter file,$(origin MACHINE)),,$(MACHINE))' \
		--fresh='$(FRESH)' --table='$(TABLE)'

# Without MACHINE on the command line, both byte orders.
bench:
	@$(setup) boot verifier
	@$(runner) bench --kernel='$(KERNEL)' --range='$(RANGE)' \
		--machine='$(if $(filter file,$(origin MACHINE)),,$(MACHINE))' --table='$(TABLE)' \
		--chart='$(CHART)' --curve='$(CURVE)'

size:
	@$(setup) boot
	@$(runner) size --kernel='$(KERNEL)' --table='$(TABLE)'

test:
	@KERNEL='$(series)' $(setup)
	@$(runner) test

check:
	@$(setup) check
	@$(runner) host check

encode exec:
	@$(setup) $@
	@$(runner) host $@

fuzz:
	@$(setup) $(if $(INPUT),check,fuzz)
	@"$(cargo)" run --quiet --locked -p bpf-jit-mips --features tools --bin fuzz -- \
		$(if $(INPUT),--input '$(INPUT)',--seconds '$(SECONDS)')

diff:
	@$(setup) exec
	@$(emulator) "$(cargo)" run --release --quiet --locked -p bpf-jit-mips --features emulator --bin exec -- \
		--group random --ways 1 --programs '$(PROGRAMS)' --log '$(CACHE)/diff.log' \
		$(if $(SEED),--seed '$(SEED)') $(if $(TABLE),--table '$(TABLE)')

# Without MACHINE on the command line, for all machines.
prove:
	@$(setup) prove
	@"$(cargo)" run --release --quiet --locked -p bpf-jit-mips --features tools --bin prove -- \
		$(if $(filter file,$(origin MACHINE)),,--machine '$(MACHINE)') \
		$(if $(FORM),--form '$(FORM)')

# From the newest kernel's source, if it is there; to write the table, it must be.
features:
	@$(setup) $(if $(TABLE),exec,check)
	@"$(cargo)" run --quiet --locked -p bpf-jit-mips --features tools --bin features -- \
		$(if $(TABLE),--table '$(TABLE)',--check)

mutants:
	@$(setup) encode exec prove
	@$(emulator) "$(cargo)" run --quiet --locked -p bpf-jit-mips --features tools --bin mutants -- \
		$(if $(MUTANT),--mutant '$(MUTANT)') $(if $(filter 1,$(RESUME)),--resume) \
		$(if $(TABLE),--table '$(TABLE)')

show:
	@$(setup) check
	@"$(cargo)" run --quiet --locked -p bpf-jit-mips --features tools --bin show -- \
		--machine '$(MACHINE)' "$$BPF"

list:
	@$(setup) check
	@$(runner) list

clean:
	rm -rf '$(CACHE)/build' '$(CACHE)/linux' '$(CACHE)/run' '$(CACHE)/log' '$(CACHE)/locks' \
		'$(CACHE)/target' '$(CACHE)/mutants'
