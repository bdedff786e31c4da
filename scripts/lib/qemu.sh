# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # cache is setup's, the functions are common.sh's and apt.sh's
#
# QEMU for MIPS. Its package breaks older and newer ones of QEMU's other parts: where the
# machine has one of those, which stays as it is, QEMU is unpacked into the cache.

qemu_dir=$cache/qemu
PATH=$PATH:$qemu_dir/bin

get_qemu()	# Unpack it, with those of its libraries that are not installed.
{
	rm -rf "$qemu_dir" "$tmp/qemu"
	apt_unpack "$tmp/qemu/root" qemu-system-mips
	mkdir "$tmp/qemu/bin"
	qemu_libraries=
	for qemu_lib in "$tmp"/qemu/root/lib/*-linux-gnu* "$tmp"/qemu/root/usr/lib/*-linux-gnu*; do
		qemu_libraries=$qemu_libraries:$qemu_dir${qemu_lib#"$tmp/qemu"}
	done
	qemu_libraries=${qemu_libraries#:}
	for qemu_name in qemu-system-mips qemu-system-mipsel qemu-system-mips64 qemu-system-mips64el; do
		cat >"$tmp/qemu/bin/$qemu_name" <<-END
			#!/bin/sh
			export LD_LIBRARY_PATH='$qemu_libraries' QEMU_MODULE_DIR='${qemu_libraries##*:}/qemu'
			exec '$qemu_dir/root/usr/bin/$qemu_name' -L '$qemu_dir/root/usr/share/qemu' "\$@"
		END
		chmod +x "$tmp/qemu/bin/$qemu_name"
	done
	mv "$tmp/qemu" "$qemu_dir"
	run "$qemu_dir/bin/qemu-system-mips" --version && return
	rm -rf "$qemu_dir"
	fail "QEMU does not start where it was unpacked: install qemu-system-mips yourself, then run this again; see $log"
}
