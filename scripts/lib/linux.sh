# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # log, cache and tmp are setup's
#
# The kernel's source, pristine, in the cache: from Debian where there is apt, as
# its mirror is known to work, else from kernel.org.

known_series()	# All that have a directory in patches/, the newest last
{
	for ks_file in "$root"/patches/*/source; do
		ks_dir=${ks_file%/source}
		echo "${ks_dir##*/}"
	done | sort -t. -k1,1n -k2,2n
}

kernel_source()	# SERIES: sets release, package, suite, sha256
{
	ks_file=$root/patches/$1/source
	[ -f "$ks_file" ] ||
		fail "KERNEL=$1 is not supported; patches/ has those that are:" $(known_series)
	for ks_key in release package suite sha256; do
		ks_value=$(sed -n "s/^$ks_key=//p" "$ks_file")
		[ -n "$ks_value" ] || fail "$ks_file has no $ks_key"
		eval "$ks_key=\$ks_value"
	done
}

find_linux()	# SERIES: sets linux_src to the newest tree of that series
{
	linux_src=
	for fl_dir in "$cache/src/linux-$1" "$cache/src/linux-$1".*; do
		[ ! -f "$fl_dir/Makefile" ] || linux_src=$fl_dir
	done
	[ -n "$linux_src" ]
}

adopt()		# DIR: an unpacked tree, as the cached one of its version
{
	ad_version=$(sed -n 's/^\(VERSION\|PATCHLEVEL\|SUBLEVEL\) = \([0-9]*\)$/\2/p' "$1/Makefile" |
		tr '\n' . | sed 's/\.$//')
	case $ad_version in
	"$series".*) ;;
	*) fail "the source of Linux $series turned out to be Linux $ad_version; see $log" ;;
	esac
	mkdir -p "$cache/src"
	rm -rf "$cache/src/linux-$ad_version"
	mv "$1" "$cache/src/linux-$ad_version"
}

unpack()	# TARBALL: its only directory becomes the cached tree
{
	rm -rf "$tmp/tree"
	mkdir "$tmp/tree"
	must "unpacking Linux" tar -xJf "$1" -C "$tmp/tree"
	rm -f "$1"
	for up_dir in "$tmp/tree"/*/; do
		adopt "${up_dir%/}"
	done
}

from_debian()
{
	have apt-get && have dpkg-deb || return 1
	rm -rf "$tmp/deb"
	apt_download "$package" "$tmp/deb" ||
		apt_download_from "$suite" "$package" "$tmp/deb" || return 1
	for fd_deb in "$tmp/deb"/*.deb; do
		[ -f "$fd_deb" ] || return 1
		must "unpacking $package" dpkg-deb -x "$fd_deb" "$tmp/deb/x"
		rm -f "$fd_deb"
	done
	unpack "$tmp/deb/x/usr/src/$package.tar.xz"
	rm -rf "$tmp/deb" "$tmp/apt"
}

fetch()		# URL FILE
{
	if have curl; then
		run curl -fsSL --retry 2 --connect-timeout 20 -o "$2" "$1"
	elif have wget; then
		run wget -q -T 20 -t 2 -O "$2" "$1"
	else
		fail "curl or wget is missing: install one of them"
	fi
}

from_kernel_org()
{
	fo_url=https://cdn.kernel.org/pub/linux/kernel/v${release%%.*}.x
	fo_tar=linux-$release.tar.xz
	fetch "$fo_url/$fo_tar" "$tmp/$fo_tar" || return 1
	if [ "$sha256" = - ]; then
		fetch "$fo_url/sha256sums.asc" "$tmp/sums" || return 1
		sha256=$(awk -v f="$fo_tar" '$2 == f { print $1 }' "$tmp/sums")
		[ -n "$sha256" ] || fail "kernel.org has no checksum of $fo_tar; nothing was unpacked"
	fi
	echo "$sha256  $tmp/$fo_tar" >"$tmp/sum"
	run sha256sum -c "$tmp/sum" || fail "the checksum of $fo_url/$fo_tar is wrong; nothing was unpacked"
	unpack "$tmp/$fo_tar"
}

get_linux()
{
	gl_from=$(wc -l <"$log")
	from_debian || from_kernel_org || {
		! logged_since "$gl_from" 'No space left' || explain "downloading Linux" "$gl_from"
		fail "no source of Linux $series: neither Debian's $package nor kernel.org is in reach: check the network, or name a source tree of yours by LINUX=dir; see $log"
	}
}
