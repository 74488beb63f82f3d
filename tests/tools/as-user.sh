#!/bin/sh
# as-user.sh - run the built test suite as an ordinary user.
#
# usage: as-user.sh SUITE [ARGUMENT...]     as root, in the checkout
#
# SUITE is the test executable that cargo has built.  Where the user nobody cannot
# enter the checkout, the script mounts it at its path in a private mount namespace.
# Needs setpriv and unshare (util-linux).
set -eu

[ $# -ge 1 ] || { sed -n '4p' "$0" | sed 's/^# //' >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo 'as-user: needs root' >&2; exit 2; }
top=$(pwd)

nobody() {
	exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
	    env -i PATH=/usr/bin:/bin HOME=/nonexistent RUST_TEST_THREADS="${RUST_TEST_THREADS:-6}" "$@"
}

if (nobody test -x "$1" -a -r "$top/Cargo.toml"); then
	nobody "$@"
fi
if [ "${EB_IN_NAMESPACE:-}" ]; then
	echo "as-user: $top cannot be entered" >&2
	exit 2
fi
# The first directory of the path is hidden by an empty one that leads to the checkout only.
first=/$(printf '%s' "${top#/}" | cut -d/ -f1)
EB_IN_NAMESPACE=1 exec unshare --mount sh -euc '
	first=$1 top=$2 self=$3
	shift 3
	mount --make-rprivate /
	hold=/mnt
	[ "$first" != /mnt ] || hold=/media
	mount -t tmpfs -o mode=755 tmpfs "$hold"
	mkdir "$hold/top"
	mount --bind "$top" "$hold/top"
	mount -t tmpfs -o mode=1777 tmpfs "$first"
	mkdir -p "$top"
	# Entry by entry, since the mode of the checkout itself may exclude the user, too.
	for entry in $(ls -A "$hold/top"); do
		if [ -d "$hold/top/$entry" ]; then mkdir "$top/$entry"; else : >"$top/$entry"; fi
		mount --bind "$hold/top/$entry" "$top/$entry"
	done
	cd "$top"
	exec sh "$self" "$@"
' sh "$first" "$top" "$top/tests/tools/as-user.sh" "$@"
