# SPDX-License-Identifier: GPL-2.0
#
# test_progs of the kernel's selftests, whole: static, o32, with the objects that objects.mk makes.
#
#	make LINUX=tree ENDIAN=little|big LIBRARIES=crate OUT=dir DIR=dir DIR/test_progs/selftests.a
#
# DIR has the objects, OUT what Makefile and commands.mk make. The archive has the program, as runner,
# the objects and texts that it opens by their names, the commands that it calls, and a list of its
# tests, in which those that are not built have the reason. Nothing is written outside of DIR.

CROSS   := $(if $(filter big,$(ENDIAN)),mips-linux-gnu-,mipsel-linux-gnu-)
CC      := $(CROSS)gcc
bpf     := $(LINUX)/tools/testing/selftests/bpf
here    := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
bpftool := $(OUT)/bpftool/bootstrap/bpftool
work    := $(DIR)/test_progs
files   := $(wildcard $(bpf)/prog_tests/*.c)
tests   := $(patsubst $(bpf)/prog_tests/%.c,%,$(files))
helpers := test_progs cgroup_helpers trace_helpers network_helpers testing_helpers btf_helpers \
	cap_helpers unpriv_helpers sysctl_helpers netlink_helpers jit_disasm_helpers io_helpers \
	test_loader xsk disasm disasm_helpers json_writer bpftool_helpers usdt_1 usdt_2

# Skeletons of several objects, each of which has one of its own, too.
test_subskeleton_parts        := test_subskeleton_lib2 test_subskeleton_lib test_subskeleton
test_subskeleton_lib_parts    := test_subskeleton_lib2 test_subskeleton_lib
tracing_multi_parts           := tracing_multi_attach tracing_multi_check
tracing_multi_module_parts    := tracing_multi_attach_module tracing_multi_check
tracing_multi_intersect_parts := tracing_multi_intersect_attach tracing_multi_check
tracing_multi_session_parts   := tracing_multi_session_attach tracing_multi_check
# Linked before, but whole only when it is linked again.
linked_maps_parts             := linked_maps
linked := linked_maps test_subskeleton test_subskeleton_lib tracing_multi tracing_multi_module \
	tracing_multi_intersect tracing_multi_session

included  = $(shell sed -nE 's/^.include *["<]([a-zA-Z0-9_]+)\.$(1)\.h[">].*/\1/p' \
	$(bpf)/prog_tests/*.[ch] $(bpf)/*.[ch] | LC_ALL=C sort -u)
skeletons := $(call included,skel)
light     := $(call included,lskel)
sub       := $(call included,subskel)
headers   := $(skeletons:%=$(work)/%.skel.h) $(light:%=$(work)/%.lskel.h) $(sub:%=$(work)/%.subskel.h)

# Tests look for their own functions and markers, and want them where the source has them: no -O.
flags := -O0 -w -std=gnu11 -D_GNU_SOURCE -fno-omit-frame-pointer -I$(work) -I$(bpf) -I$(OUT)/root/include \
	-I$(LINUX)/tools/lib -I$(LINUX)/tools/include -I$(LINUX)/tools/include/uapi \
	-I$(bpf)/libarena/include -I$(LIBRARIES)/elfutils/libelf -I$(LIBRARIES)/zlib

.DELETE_ON_ERROR:
.SECONDARY:

# Besides what the tests name, some make names of what is in tables.
$(work)/selftests.a: $(work)/runner $(work)/uprobe_multi $(work)/tests $(files) $(OUT)/iproute2/ip/ip $(OUT)/busybox/busybox
	@rm -rf $@ $(work)/archive
	@mkdir $(work)/archive
	@$(CROSS)strip --strip-debug -o $(work)/archive/runner $(work)/runner
	@cp $(OUT)/iproute2/ip/ip $(OUT)/iproute2/tc/tc $(OUT)/busybox/busybox $(work)/archive
	@cp $(work)/tests $(work)/uprobe_multi $(bpf)/progs/btf_dump_test_case_*.c $(work)/archive
	@grep -ohE '[a-zA-Z0-9_]+' $(files) | LC_ALL=C sort -u >$(work)/words
	@cd $(DIR) && for name in $$(ls *.o | sed 's/\.o$$//'); do \
		case $$name in btf_*) ;; *) \
			echo "$$name" | sed 's/_kern$$//' | grep -qxFf - $(work)/words || continue ;; \
		esac; \
		cp $$name.o $(work)/archive/$$name.bpf.o; \
	done
	@cd $(work)/archive && ls | LC_ALL=C sort | xargs ar rcSD $@

functions = sed -nE 's/^void (serial_)?test_([a-zA-Z0-9_]+)\((void)?\).*/$(1)/p'
$(work)/prog_tests/tests.h: $(files)
	@mkdir -p $(@D)
	@$(call functions,DEFINE_TEST(\2)) $(files) | LC_ALL=C sort -u >$@

# In that order.
$(work)/tests: $(tests:%=$(work)/%.built) $(work)/prog_tests/tests.h
	@for test in $(tests); do \
		why=; \
		[ -e $(work)/$$test.test.o ] || why=$$(cat $(work)/$$test.why); \
		$(call functions,\2) $(bpf)/prog_tests/$$test.c | sed "s|$$| $$why|"; \
	done | LC_ALL=C sort -u -k1,1 | sed 's/ $$//' >$@
	@echo "built $$(ls $(work)/*.test.o | wc -l) of $(words $(tests)) tests"

# There is no key to sign programs with.
$(work)/verification_cert.h: $(here)test_progs.mk
	@mkdir -p $(work)
	@{ echo 'static unsigned char test_progs_verification_cert[1];'; \
	   echo 'static unsigned int test_progs_verification_cert_len;'; \
	   echo '#undef __NR_add_key'; \
	   echo '#define __NR_add_key __NR_getpid'; } >$@

wrapped := load_bpf_testmod unload_bpf_testmod test__skip test__start_subtest test__start_subtest_with_desc \
	test_loader__run_subtests bpf_object__load bpf_object__load_skeleton bpf_prog_load
comma   := ,
$(work)/runner: $(tests:%=$(work)/%.built) $(helpers:%=$(work)/%.helper.o) $(work)/find_bit.helper.o \
		$(here)../modules.c $(here)hooks.c $(OUT)/libbpf/libbpf.a $(OUT)/libelf.a $(OUT)/libz.a
	@$(CC) -static $(flags) $(foreach name,$(wrapped),-Wl$(comma)--wrap=$(name)) -o $@ \
		$(work)/*.test.o $(filter %.c %.o %.a,$^) -lrt -lpthread

$(helpers:%=$(work)/%.helper.o): $(work)/%.helper.o: $(bpf)/%.c $(work)/verification_cert.h \
		$(work)/prog_tests/tests.h $(headers)
	@$(CC) $(flags) -c $< -o $@
$(work)/find_bit.helper.o: $(LINUX)/tools/lib/find_bit.c
	@$(CC) $(flags) -c $< -o $@

# A program of many functions, which tests look into.
$(work)/uprobe_multi: $(bpf)/uprobe_multi.c $(bpf)/uprobe_multi.ld
	@mkdir -p $(work)
	@$(CC) -static $(flags) -mplt -fno-pic -Wl,--build-id=sha1 -Wl,-T,$(bpf)/uprobe_multi.ld -o $@ $<

# Types in its own object would have to be resolved.
$(work)/resolve_btfids.built: CC := sh -c 'echo "error: the build does not resolve its types" >&2; exit 1' --

counted = [$(shell ls $(work) | grep -c 'built$$')/$(words $(tests))]
$(tests:%=$(work)/%.built): $(work)/%.built: $(bpf)/prog_tests/%.c $(headers)
	@echo "$(counted) $*"
	@rm -f $(work)/$*.test.o $(work)/$*.why
	@$(CC) $(flags) -c $< -o $(work)/$*.test.o 2>$(work)/$*.err || \
		$(CC) $(flags) -DSKELETONS_MAY_MISS -c $< -o $(work)/$*.test.o 2>/dev/null || \
		sed -nE '/error: /{s/^.*error: (#error )?//p;q}' $(work)/$*.err | tr -d '"|' >$(work)/$*.why
	@touch $@

define whole
$(work)/$(1).o: $$($(1)_parts:%=$(DIR)/%.done)
	@mkdir -p $(work)
	@$(bpftool) gen object $$@ $$($(1)_parts:%=$(DIR)/%.o) || rm -f $$@
$(work)/$(1).skel.h $(work)/$(1).subskel.h: $(work)/$(1).o
endef
$(foreach one,$(linked),$(eval $(call whole,$(one))))

object   = $(if $(filter $(1),$(linked)),$(work)/$(1).o,$(DIR)/$(if $(filter test_usdt,$(1)),$(1)_linked,$(1)).o)
generate = @mkdir -p $(work); $(here)skeleton $(bpftool) $(call object,$*) $(1) '$(2)' $(ENDIAN) >$@
$(skeletons:%=$(work)/%.skel.h): $(work)/%.skel.h: $(DIR)/%.done $(here)skeleton
	$(call generate,$*,skeleton)
$(light:%=$(work)/%.lskel.h): $(work)/%.lskel.h: $(DIR)/%.done $(here)skeleton
	$(call generate,$*_lskel,skeleton -L)
$(sub:%=$(work)/%.subskel.h): $(work)/%.subskel.h: $(DIR)/%.done $(here)skeleton
	$(call generate,$*,subskeleton)
$(DIR)/%.done:
	@touch $@
