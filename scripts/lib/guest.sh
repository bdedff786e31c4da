# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # cache, tmp and log are setup's
#
# Sources of what tests call in the guest: ip and tc, a shell and small commands. They
# are in the cache, unpacked; boot-tests/user/build compiles them.

# NAME, what its directory is called, the tarball's checksum, and where it is; DEBIAN is the machine's own mirror.
guest_sources="
iproute2-6.1.0	5ce12a0fec6b212725ef218735941b2dab76244db7e72646a76021b0537b43ab	DEBIAN/pool/main/i/iproute2/iproute2_6.1.0.orig.tar.xz
iproute2-6.1.0	5ce12a0fec6b212725ef218735941b2dab76244db7e72646a76021b0537b43ab	https://www.kernel.org/pub/linux/utils/net/iproute2/iproute2-6.1.0.tar.xz
busybox-1.35.0	faeeb244c35a348a334f4a59e44626ee870fb07b6884d68c10ae8bc19f83a694	DEBIAN/pool/main/b/busybox/busybox_1.35.0.orig.tar.bz2
busybox-1.35.0	faeeb244c35a348a334f4a59e44626ee870fb07b6884d68c10ae8bc19f83a694	https://busybox.net/downloads/busybox-1.35.0.tar.bz2
"

missing_guest_sources()	# prints names
{
	echo "$guest_sources" | while read -r mg_name mg_rest; do
		[ -z "$mg_name" ] || [ -f "$cache/src/$mg_name/Makefile" ] || echo "$mg_name"
	done | uniq
}

get_guest_source()	# NAME: from the first place that has it
{
	echo "$guest_sources" | grep "^$1	" >"$tmp/places"
	gg_mirror=$(debian_mirror)
	while read -r gg_name gg_sum gg_url; do
		case $gg_url in
		DEBIAN/*)
			[ -n "$gg_mirror" ] || continue
			gg_url=${gg_mirror%/}/${gg_url#DEBIAN/}
			;;
		esac
		fetch "$gg_url" "$tmp/tarball" || continue
		echo "$gg_sum  $tmp/tarball" >"$tmp/sum"
		run sha256sum -c "$tmp/sum" || continue
		rm -rf "$tmp/tree"
		mkdir "$tmp/tree"
		must "unpacking $gg_name" tar -xf "$tmp/tarball" -C "$tmp/tree"
		mkdir -p "$cache/src"
		rm -rf "$cache/src/$gg_name" "$tmp/tarball"
		mv "$tmp/tree"/*/ "$cache/src/$gg_name"
		return
	done <"$tmp/places"
	fail "no source of $1 with the right checksum is in reach: check the network; see $log"
}
