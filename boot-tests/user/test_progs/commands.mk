# SPDX-License-Identifier: GPL-2.0
#
# What the selftests call: ip and tc, a shell and small commands. Static, for the guest.
#
#	make SOURCES=dir ENDIAN=little|big LIBRARIES=crate OUT=dir commands
#
# SOURCES is where scripts/setup has unpacked them. Nothing is written outside of OUT.

CROSS    := $(if $(filter big,$(ENDIAN)),mips-linux-gnu-,mipsel-linux-gnu-)
here     := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
iproute2 := $(OUT)/iproute2
busybox  := $(OUT)/busybox
# What its configure would find out.
has      := -DHAVE_SETNS -DHAVE_HANDLE_AT -DNEED_STRLCPY -DHAVE_ELF -DHAVE_LIBBPF -DHAVE_LIBBPF_SECTION_NAME \
	-DLIBBPF_VERSION='\"1.0.0\"' -I$(OUT)/root/include -I$(LIBRARIES)/elfutils/libelf

.PHONY: commands
commands: $(iproute2)/ip/ip $(iproute2)/tc/tc $(busybox)/busybox

$(iproute2)/tc/tc: $(iproute2)/ip/ip ;
$(iproute2)/ip/ip: $(wildcard $(SOURCES)/iproute2-*/Makefile) $(here)commands.mk $(OUT)/libbpf/libbpf.a
	@rm -rf $(iproute2)
	@cp -r $(<D) $(iproute2)
	@printf 'TC_CONFIG_NO_XT := y\nHAVE_ELF := y\nHAVE_LIBBPF := y\nCFLAGS += %s\nLDLIBS += %s\n%%.o: %%.c\n\t$$(CC) $$(CFLAGS) -c -o $$@ $$<\n' \
		"$(has)" "$(OUT)/libbpf/libbpf.a $(OUT)/libelf.a $(OUT)/libz.a" >$(iproute2)/config.mk
	+@$(MAKE) -s -C $(iproute2) CC=$(CROSS)gcc AR=$(CROSS)ar HOSTCC=gcc SUBDIRS='lib ip tc' \
		LDFLAGS=-static CCOPTS='-O2 -w' SHARED_LIBS=n >$(OUT)/iproute2.log 2>&1 || \
		{ tail $(OUT)/iproute2.log >&2; rm -f $@; exit 1; }

$(busybox)/busybox: $(wildcard $(SOURCES)/busybox-*/Makefile) $(here)busybox.config $(here)commands.mk
	@rm -rf $(busybox)
	@mkdir -p $(busybox)
	+@$(MAKE) -s -C $(<D) O=$(busybox) allnoconfig >/dev/null
	@sed -nE 's/^(CONFIG_[A-Z0-9_]+)=.*/# \1 is not set/p' $(here)busybox.config | \
		grep -vxFf - $(busybox)/.config | cat - $(here)busybox.config >$(busybox)/wanted
	@mv $(busybox)/wanted $(busybox)/.config
	+@yes '' | $(MAKE) -s -C $(busybox) oldconfig >/dev/null 2>&1
	+@$(MAKE) -s -C $(busybox) CROSS_COMPILE=$(CROSS) busybox >$(OUT)/busybox.log 2>&1 || \
		{ tail $(OUT)/busybox.log >&2; rm -f $@; exit 1; }
