# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # root, log, cache and tmp are setup's
#
# Unicorn, the emulator of make exec, built once for all clones: Debian's is too
# old for MIPS64. The release is the one that the crate in rust/Cargo.toml is for,
# and its source is in the package of a crate that this one needs.

unicorn_version=$(sed -n 's/^unicorn-engine = .*"=\([0-9.]*\)".*/\1/p' "$root/rust/Cargo.toml")
unicorn_dir=$cache/unicorn-$unicorn_version

find_unicorn()
{
	[ -f "$unicorn_dir/lib/pkgconfig/unicorn.pc" ]
}

# Cargo downloads the package, as it would to build the crate, and checks it.
find_unicorn_source()	# sets unicorn_source
{
	fu_from=$(wc -l <"$log")
	(cd "$root" && "$cargo" metadata --locked --format-version 1 \
		--features bpf-jit-mips/emulator) >"$tmp/metadata" 2>>"$log" ||
		explain "downloading the source of Unicorn from crates.io" "$fu_from"
	unicorn_source=$(tr , '\n' <"$tmp/metadata" |
		sed -n "s,^\"manifest_path\":\"\(.*/unicorn-engine-sys-$unicorn_version\)/Cargo.toml\".*,\1,p")
	[ -f "$unicorn_source/CMakeLists.txt" ] ||
		fail "cargo has no source of Unicorn $unicorn_version: run 'cargo fetch --locked' and this again; see $log"
}

get_unicorn()
{
	find_cargo || fail "$rust_help"
	find_unicorn_source
	must "configuring Unicorn" cmake -S "$unicorn_source" -B "$tmp/unicorn" \
		-DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DUNICORN_ARCH=mips \
		-DUNICORN_BUILD_TESTS=OFF -DUNICORN_INSTALL=ON \
		-DCMAKE_INSTALL_PREFIX="$unicorn_dir" -DCMAKE_INSTALL_LIBDIR=lib
	must "building Unicorn" cmake --build "$tmp/unicorn" --parallel "$(nproc)"
	# By way of another directory, so that it is complete or not there.
	must "installing Unicorn" env DESTDIR="$tmp/root" cmake --install "$tmp/unicorn"
	rm -rf "$unicorn_dir"
	mv "$tmp/root$unicorn_dir" "$unicorn_dir"
	rm -rf "$tmp/unicorn" "$tmp/root"
}
