# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # log and cache are setup's
#
# What the parts of scripts/setup share: steps, logged commands, and errors
# that say in one line what to do.

# Steps are counted ahead, so that each can say how many there are.
step_count=0
step_total=0
step_start=$(date +%s)

step()		# TEXT...
{
	step_count=$((step_count + 1))
	echo "[$step_count/$step_total $(($(date +%s) - step_start))s] $*"
}

fail()		# TEXT...: what is wrong and what to do about it
{
	echo "setup: $*" >&2
	exit 2
}

have()		# COMMAND
{
	command -v "$1" >/dev/null 2>&1
}

# The log is for the reader of an error; the terminal gets the steps only.
run()		# COMMAND...: logged; its status is left to the caller
{
	echo "+ $*" >>"$log"
	"$@" >>"$log" 2>&1
}

logged_since()	# LINE PATTERN: is it in the log after that line?
{
	tail -n "+$(($1 + 1))" "$log" | grep -qE "$2"
}

must()		# WHAT COMMAND...: run, or explain why not
{
	must_what=$1
	shift
	must_from=$(wc -l <"$log")
	run "$@" || explain "$must_what" "$must_from"
}

explain()	# WHAT LINE: fail, by what the log says after that line
{
	if logged_since "$2" 'No space left on device|not enough free space|enough free space'; then
		fail "$1: the disk is full: free some space (the cache is $cache) and run this again"
	elif logged_since "$2" 'Could not get lock|Unable to acquire the dpkg'; then
		fail "$1: another program is installing packages: wait for it to end and run this again"
	elif logged_since "$2" 'dpkg was interrupted'; then
		fail "$1: an earlier installation was interrupted: run 'dpkg --configure -a' as root and run this again"
	elif logged_since "$2" 'resolv|[Cc]ould not connect|Unable to connect|onnection (refused|timed out|reset)|Network is unreachable|Failed to fetch|[Tt]imeout|download of .* failed|spurious network'; then
		fail "$1: the network failed: check it (and http_proxy) and run this again; see $log"
	else
		fail "$1 failed: $(tail -n 1 "$log" | cut -c 1-120); see $log"
	fi
}

version_ok()	# VERSION MINIMUM: by the first two numbers
{
	vo_major=${1%%.*}
	vo_rest=${1#*.}
	vo_minor=${vo_rest%%.*}
	case $vo_major$vo_minor in
	''|*[!0-9]*) return 1 ;;
	esac
	[ "$vo_major" -gt "${2%%.*}" ] ||
		{ [ "$vo_major" -eq "${2%%.*}" ] && [ "$vo_minor" -ge "${2#*.}" ]; }
}
