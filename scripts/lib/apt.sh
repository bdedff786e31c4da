# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # log, cache and tmp are setup's
#
# Debian's packages: installed on the machine, or unpacked into the cache where
# the machine's own packages should be left alone.

apt_updated=

apt_root()	# COMMAND...: run it as root, or fail
{
	if [ "$(id -u)" -eq 0 ]; then
		run env DEBIAN_FRONTEND=noninteractive "$@"
	else
		run sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
	fi
}

apt_can_install()
{
	[ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

apt_update()	# Once; a fresh machine has no lists at all, an old one stale ones.
{
	[ -z "$apt_updated" ] || return 1
	apt_updated=y
	apt_root apt-get -o DPkg::Lock::Timeout=60 update
}

apt_version()	# PACKAGE: the version that apt would install, or nothing
{
	LC_ALL=C apt-cache policy "$1" 2>/dev/null |
		sed -n 's/^  Candidate: \([0-9].*\)/\1/p'
}

apt_know()	# PACKAGE...: have lists that name them all
{
	apt_from=$(wc -l <"$log")
	for apt_package; do
		[ -z "$(apt_version "$apt_package")" ] || continue
		apt_update || explain "apt-get update" "$apt_from"
		break
	done
	for apt_package; do
		[ -n "$(apt_version "$apt_package")" ] ||
			fail "this system has no package $apt_package; needed is Debian 12 or newer"
	done
}

apt_would_remove()	# PACKAGE...: prints what installing them takes away from the machine
{
	LC_ALL=C apt-get -s --no-install-recommends install "$@" 2>/dev/null |
		awk '$1 == "Remv" { printf "%s%s", sep, $2; sep = " " }'
}

apt_install()	# PACKAGE...
{
	apt_know "$@"
	apt_removed=$(apt_would_remove "$@")
	[ -z "$apt_removed" ] ||
		fail "to install $*, apt would remove: $apt_removed. Decide whether you need that; if not, remove it and run this again"
	apt_from=$(wc -l <"$log")
	set -- apt-get -o DPkg::Lock::Timeout=60 -y --no-install-recommends --no-remove install "$@"
	apt_root "$@" && return
	if logged_since "$apt_from" '404  Not Found' && apt_update && apt_root "$@"; then
		return
	fi
	explain "installing packages" "$apt_from"
}

# Download packages with all they depend on that is not installed, and unpack
# them in DIR. Nothing is installed, so no package of the machine changes.
apt_unpack()	# DIR PACKAGE...
{
	apt_dir=$1
	shift
	mkdir -p "$tmp/archives/partial" "$apt_dir"
	must "downloading $1" apt-get -y --no-install-recommends --download-only \
		-o Dir::Cache::archives="$tmp/archives" -o Debug::NoLocking=1 \
		-o APT::Sandbox::User="$(id -un)" install "$@"
	for apt_deb in "$tmp/archives"/*.deb; do
		[ -f "$apt_deb" ] || fail "apt downloaded nothing for $*; see $log"
		must "unpacking $1" dpkg-deb -x "$apt_deb" "$apt_dir"
	done
	rm -rf "$tmp/archives"
}

# A package of the machine's own suites, if they have it.
apt_download()	# PACKAGE DIR
{
	[ -n "$(apt_version "$1")" ] || return 1
	mkdir -p "$2"
	(cd "$2" && run apt-get -o APT::Sandbox::User="$(id -un)" download "$1")
}

# Where the machine's apt gets Debian from.
debian_mirror()
{
	# shellcheck disable=SC2016 # apt's variables
	LC_ALL=C apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' \
			'Created-By: Packages' 2>/dev/null |
		sed -n 's/^Debian Debian \(http.*\)/\1/p' | head -n 1
}

# A package of another suite: by lists of our own from the machine's own mirror,
# so that its apt never hears of that suite.
apt_download_from()	# SUITE PACKAGE DIR
{
	apt_mirror=$(debian_mirror)
	[ -n "$apt_mirror" ] || return 1
	apt_key=
	for apt_file in /usr/share/keyrings/debian-archive-keyring.gpg \
			/usr/share/keyrings/debian-archive-keyring.pgp; do
		[ ! -f "$apt_file" ] || { apt_key=$apt_file; break; }
	done
	[ -n "$apt_key" ] || return 1

	apt_dir=$tmp/apt
	mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial" "$3"
	echo "deb [signed-by=$apt_key] $apt_mirror $1 main" >"$apt_dir/sources.list"
	set -- "$3" "$2" -o Dir::Etc::SourceList="$apt_dir/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$apt_dir/lists" \
		-o Dir::Cache="$apt_dir/cache" -o APT::Sandbox::User="$(id -un)" \
		-o Debug::NoLocking=1 -o Acquire::Languages=none
	apt_into=$1
	apt_package=$2
	shift 2
	run apt-get "$@" update || return 1
	(cd "$apt_into" && run apt-get "$@" download "$apt_package")
}
