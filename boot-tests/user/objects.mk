# SPDX-License-Identifier: GPL-2.0
#
# The BPF programs of the kernel's selftests, compiled: an archive with an object for
# each source of progs/, or instead of it NAME.why, which says why clang has made none.
#
#	make LINUX=tree ENDIAN=little|big OUT=dir DIR=dir CLANG=clang DIR/objects.a
#
# DIR/bench.a has only those that bench/objects names, and what is in PUBLIC (bench/public).
#
# DIR has the kernel's types as vmlinux.h, OUT what Makefile makes. Objects that are
# there are not made again. Nothing is written outside of DIR.

bpf     := $(LINUX)/tools/testing/selftests/bpf
progs   := $(bpf)/progs
bpftool := $(OUT)/bpftool/bootstrap/bpftool
target  := $(if $(filter big,$(ENDIAN)),bpfeb,bpfel)
libc    := $(if $(filter big,$(ENDIAN)),mips-linux-gnu,mipsel-linux-gnu)

# Those that the selftests link from several sources; these are then no objects of their own.
linked_funcs       := linked_funcs1 linked_funcs2
linked_maps        := linked_maps1 linked_maps2
linked_vars        := linked_vars1 linked_vars2
test_static_linked := test_static_linked1 test_static_linked2
test_usdt_linked   := test_usdt test_usdt_multispec
linked  := linked_funcs linked_maps linked_vars test_static_linked test_usdt_linked
parts   := $(foreach whole,$(linked),$($(whole)))
sources := $(patsubst $(progs)/%.c,%,$(wildcard $(progs)/*.c))
names   := $(sort $(filter-out $(parts),$(sources)) $(linked))

# What of the system's headers depends on the processor is MIPS's.
system  := $(shell $(CLANG) --target=$(libc) -v -E - </dev/null 2>&1 | \
	sed -n '/<...> search starts here:/,/End of search list./s|^ \(/.*\)|-idirafter \1|p') \
	$(shell $(CLANG) --target=$(libc) -dM -E - </dev/null | \
	sed -nE 's/^.define (_*MIPSE[LB]_*|_MIPS_SZ(PTR|LONG)|_MIPS_SIM|_ABIO32) (.*)/-D\1=\3/p')
flags   := --target=$(target) -O2 -g -w -std=gnu11 -fno-strict-aliasing -fms-extensions \
	-D__TARGET_ARCH_mips -DENABLE_ATOMICS_TESTS -I$(DIR) -I$(OUT)/root/include -I$(bpf) \
	-I$(LINUX)/tools/include/uapi -I$(LINUX)/tools/include -I$(bpf)/libarena/include $(system)

# Sources leave out programs with instructions that not every JIT has, and name those that
# do. A source that asks, and has nothing else to do with processors, is told one of those, too.
asking  := $(shell grep -lE 'CAN_USE_|__TARGET_ARCH_(arm64|x86)' $(progs)/*.c)
strange := $(shell grep -lE 'PT_REGS|SYS_PREFIX|KPROBE|UPROBE|struct pt_regs|USDT' $(asking))
guarded := $(patsubst $(progs)/%.c,%,$(filter-out $(strange),$(asking)))
$(guarded:%=$(DIR)/%.done): claims := arm64 arm
$(DIR)/verifier_percpu_addr.done: claims := x86

.DELETE_ON_ERROR:
# What wildcards find in one run need not be there in the next.
.SECONDARY:

$(DIR)/objects.a: $(names:%=$(DIR)/%.done)
	@rm -f $@
	@cd $(DIR) && ls $(names:%=%.o) $(names:%=%.why) 2>/dev/null | LC_ALL=C sort | \
		xargs ar rcSD $@
	@echo "built $$(ls $(names:%=$(DIR)/%.o) 2>/dev/null | wc -l) of $(words $(names)) objects"

here    := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
measured := $(shell sed 's/#.*//' $(here)bench/objects)
# A kernel of 32 bits has a pointer where this source asks for an offset; only one of its programs does.
$(DIR)/tc_tunnel.done: $(progs)/test_tc_tunnel.c $(DIR)/vmlinux.h
	@sed 's/kskb->head + kskb->end/kskb->end/' $< >$(@:.done=.c)
	@rm -f $(@:.done=.o)
	@if $(CLANG) $(flags) -I$(progs) -mcpu=v4 -c $(@:.done=.c) -o $(@:.done=.full) 2>$(@:.done=.why) && \
		$(strip); then rm -f $(@:.done=.why); else $(excerpt); fi
	@rm -f $(@:.done=.full)
	@touch $@

public  := $(if $(filter big,$(ENDIAN)),,$(wildcard $(PUBLIC)/*.o))
$(DIR)/bench.a: $(measured:%=$(DIR)/%.done) $(public) $(here)bench/objects
	@rm -f $@
	@cd $(DIR) && ls $(measured:%=%.o) $(measured:%=%.why) $(public) 2>/dev/null | LC_ALL=C sort | \
		xargs ar rcSD $@

counted = $(shell ls $(DIR) | grep -c 'done$$')
# From a source with the newest instructions that clang has for it, without what is for debuggers;
# parts are linked as they are.
clang   = $(CLANG) $(flags) $(1) -c $< -o $(@:.done=.full) 2>
compile = $(foreach claim,$(claims),$(call clang,-mcpu=v4 -D__TARGET_ARCH_$(claim))/dev/null ||) \
	$(call clang,-mcpu=v4)$(@:.done=.why) || $(call clang,-mcpu=v3)/dev/null
strip   = $(if $(filter $*,$(parts)),cp $(@:.done=.full) $(@:.done=.o),\
	$(bpftool) gen object $(@:.done=.o) $(@:.done=.full)) 2>$(@:.done=.why)
excerpt = sed -i -n '/[Ee]rror: /{s/^.*[Ee]rror: //p;q}' $(@:.done=.why)

headers := $(wildcard $(progs)/*.h $(bpf)/*.h $(bpf)/libarena/include/*.h)
$(sources:%=$(DIR)/%.done): $(DIR)/%.done: $(progs)/%.c $(DIR)/vmlinux.h $(headers)
	@echo "[$(counted)/$(words $(sources))] $*"
	@rm -f $(@:.done=.o)
	@if { $(compile); } && $(strip); then rm -f $(@:.done=.why); else $(excerpt); fi
	@rm -f $(@:.done=.full)
	@touch $@

define link
$(DIR)/$(1).done: $($(1):%=$(DIR)/%.done)
	@rm -f $(DIR)/$(1).o
	@if $(bpftool) gen object $(DIR)/$(1).o $($(1):%=$(DIR)/%.o) 2>$(DIR)/$(1).why; then \
		rm -f $(DIR)/$(1).why; fi
	@touch $$@
endef
$(foreach whole,$(linked),$(eval $(call link,$(whole))))
