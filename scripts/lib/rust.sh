# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # setup's variables
#
# Rust: a cargo for the host, and for the kernel a rustc with the source of the
# very same version's library. rustup's may lack the latter (component rust-src);
# Debian's packages are complete.

rust_min=1.85		# the kernel's, and that of Cargo.toml
bindgen_version=0.72.1
rust_dir=$cache/rust
bindgen_dir=$cache/bindgen-$bindgen_version

# Sets cargo: the user's, if it is complete, else ours.
find_cargo()
{
	cargo=
	if have cargo; then
		fc_version=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9.]*\).*/\1/p')
		if version_ok "$fc_version" $rust_min &&
		   cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then
			cargo=$(command -v cargo)
			return 0
		fi
	fi
	[ -x "$rust_dir/bin/cargo" ] && cargo=$rust_dir/bin/cargo
}

# Sets rustc and rust_lib_src: the user's, if it has its library's source, else ours.
find_kernel_rustc()
{
	rustc=
	rust_lib_src=
	for fk_rustc in "$(command -v rustc)" "$rust_dir/bin/rustc"; do
		[ -x "$fk_rustc" ] || continue
		fk_version=$("$fk_rustc" --version 2>/dev/null | sed -n 's/^rustc \([0-9.]*\) .*/\1/p')
		version_ok "$fk_version" $rust_min || continue
		fk_sysroot=$("$fk_rustc" --print sysroot)
		# rustup's is a proxy, which may choose another one in another directory.
		[ "$fk_rustc" = "$rust_dir/bin/rustc" ] || [ ! -x "$fk_sysroot/bin/rustc" ] ||
			fk_rustc=$fk_sysroot/bin/rustc
		for fk_src in "$fk_sysroot/lib/rustlib/src/rust/library" \
				"$fk_sysroot/src/rustc-$fk_version/library"; do
			[ -f "$fk_src/core/src/lib.rs" ] || continue
			rustc=$fk_rustc
			rust_lib_src=$fk_src
			return 0
		done
	done
	return 1
}

find_bindgen()
{
	bindgen=
	if [ -x "$bindgen_dir/bin/bindgen" ]; then
		bindgen=$bindgen_dir/bin/bindgen
	fi
	[ -n "$bindgen" ]
}

rust_help="Rust >= $rust_min is missing: install it by https://rustup.rs, with 'rustup component add rust-src rustfmt clippy', and run this again"

# Sets gr_set to the packages of a recent Rust: in older releases of Debian those
# for building web browsers, in newer ones the ordinary ones.
choose_rust()
{
	for gr_set in "rustc-web rust-web-src cargo-web rustfmt-web rust-web-clippy" \
			"rustc rust-src cargo rustfmt rust-clippy"; do
		! version_ok "$(apt_version "${gr_set%% *}")" $rust_min || return 0
	done
	return 1
}

# Debian's Rust, unpacked in the cache.
get_rust()
{
	have apt-get || fail "$rust_help"
	if ! choose_rust; then
		if ! apt_can_install || ! apt_update || ! choose_rust; then
			fail "$rust_help"
		fi
	fi

	rm -rf "$tmp/rust"
	# shellcheck disable=SC2086 # a list of packages
	apt_unpack "$tmp/rust" $gr_set
	gr_libs=
	for gr_lib in "$tmp/rust"/usr/lib/*-linux-gnu*; do
		[ ! -d "$gr_lib" ] || gr_libs=$gr_libs${gr_libs:+:}$rust_dir/usr/lib/${gr_lib##*/}
	done
	# They look for each other in PATH, and for their libraries where they
	# would be, were they installed.
	mkdir -p "$tmp/rust/bin"
	for gr_tool in "$tmp/rust"/usr/bin/*; do
		gr_name=${gr_tool##*/}
		cat >"$tmp/rust/bin/$gr_name" <<-END
			#!/bin/sh
			PATH=$rust_dir/bin:\$PATH
			LD_LIBRARY_PATH=$gr_libs\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
			export PATH LD_LIBRARY_PATH
			exec $rust_dir/usr/bin/$gr_name "\$@"
		END
		chmod +x "$tmp/rust/bin/$gr_name"
	done
	rm -rf "$rust_dir"
	mv "$tmp/rust" "$rust_dir"
	run "$rust_dir/bin/rustc" --version || fail "Debian's rustc does not run here; see $log"
}

get_bindgen()
{
	find_cargo || fail "$rust_help"
	rm -rf "$tmp/bindgen"
	gb_from=$(wc -l <"$log")
	if run env CARGO_TARGET_DIR="$tmp/target" "$cargo" install --locked --quiet \
			--root "$tmp/bindgen" "bindgen-cli@$bindgen_version"; then
		rm -rf "$bindgen_dir" "$tmp/target"
		mv "$tmp/bindgen" "$bindgen_dir"
	else
		explain "installing bindgen-cli $bindgen_version from crates.io" "$gb_from"
	fi
}
