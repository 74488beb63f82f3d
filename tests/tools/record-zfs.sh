#!/bin/sh
# record-zfs.sh - record the answers of real OpenZFS to tests/calibration/zfs/commands*
#
# usage: record-zfs.sh            rewrites the transcripts beside the commands
#        record-zfs.sh --check    compares a new run with them; writes nothing
#
# needs cargo, cpio and qemu-system-x86; the first time also root, debootstrap and
# ten minutes, for the guests of zfs-guest.sh.  They are kept in EB_ZFS_GUESTS, default
# ${XDG_CACHE_HOME:-~/.cache}/easy-bhyve/zfs-guest: one for each release of Debian
# with the OpenZFS of a FreeBSD release, or a near one (bookworm: 2.1, trixie: 2.3).
# EB_ZFS_SUITES chooses some of them.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
guests=${EB_ZFS_GUESTS:-${XDG_CACHE_HOME:-$HOME/.cache}/easy-bhyve/zfs-guest}
export EB_GUEST_TIMEOUT="${EB_GUEST_TIMEOUT:-600}"
case ${1:-} in
'')		bless=1 ;;
--check)	bless=0 ;;
*)		sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2 ;;
esac

work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; trap 'exit 143' TERM INT
mkdir -p "$work/overlay/test"

# The records are written as tests/suite/calibration/record.rs reads them.  POSIXLY_CORRECT makes
# glibc's getopt(3) stop at the first operand, as FreeBSD's does; /dev/zfs has the mode that FreeBSD
# gives it, and 90-zfs.rules of zfsutils-linux too.
cat >"$work/overlay/test/run" <<'END'
#!/bin/sh
export LC_ALL=C TZ=UTC POSIXLY_CORRECT=1
cd /tmp
date -s '2026-01-15 12:00:00' >/dev/null
chmod 666 /dev/zfs
for pool in zroot:100G tank:100G small:512M; do
	truncate -s "${pool#*:}" "${pool%:*}.img"
	zpool create -o ashift=12 -O mountpoint=none "${pool%:*}" "/tmp/${pool%:*}.img" || exit 1
done

# Waits for the node of a volume, which udev makes some time after the volume.
node() {
	n=0
	until [ -b "/dev/zvol/$1" ]; do
		n=$((n + 1)); [ $n -lt 100 ] || return 1
		udevadm settle; sleep 0.1
	done
}

# What numbers of bytes, which no two runs share, have in common: whole GiB, and whether what is used and
# what is available of the pool are together what they were at the first call, within a hundredth.
room() {
	pool=${1%%/*}
	used=$(zfs get -Hp -o value used "$1") all=$(zfs get -Hp -o value used "$pool")
	all=$((all + $(zfs get -Hp -o value available "$pool")))
	[ -f "room.$pool" ] || echo "$all" >"room.$pool"
	change=$(((all - $(cat "room.$pool")) * 100 / all))
	echo "used $(((used + (1 << 29)) >> 30))G, with what is available $change% more than before"
}

perform() {
	case $line in
	zfs | 'zfs '*)	eval "$line" ;;
	'user '*)	su -s /bin/sh -c "${line#user }" nobody ;;
	'open '*)	node "${line#open }" && exec 4<"/dev/zvol/${line#open }" ;;
	'close '*)	exec 4<&- ;;
	'encrypt '*)	head -c 32 /dev/urandom >/tmp/key &&
			zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///tmp/key "${line#encrypt }" ;;
	'lock '*)	n=0
			until zfs unload-key "${line#lock }" 2>/dev/null; do
				n=$((n + 1)); [ $n -lt 100 ] || return 1
				udevadm settle; sleep 0.1
			done ;;
	'write '*)	set -- $line
			node "$2" && dd if=/dev/urandom of="/dev/zvol/$2" bs=1M count="$3" conv=fsync 2>/dev/null ;;
	'room '*)	room "${line#room }" ;;
	*)		echo "no such command: $line" >&2; exit 1 ;;
	esac
}

marked() {
	[ ! -s "$2" ] || [ -z "$(tail -c 1 "$2")" ] || { echo "no newline at the end: $line" >&2; exit 1; }
	sed "s/^/$1 /" "$2"
}

{
	echo "# $(zfs version | head -n 1), Linux $(uname -r)"
	while IFS= read -r line; do
		case $line in '' | '#'*) continue ;; esac
		status=0; perform >out 2>err </dev/null || status=$?
		echo "$ $line"; echo "= $status"
		marked '>' out; marked '!' err
	done </test/commands
} >record || exit 1
sum=$(sha256sum <record)
echo 'record: BEGIN'; base64 record; echo "record: END ${sum%% *}"
END
chmod 755 "$work/overlay/test/run"

for suite in ${EB_ZFS_SUITES:-bookworm trixie}; do
	guest=$guests/$suite
	[ -f "$guest/base.cpio.gz" ] || EB_GUEST_SUITE=$suite "$here/zfs-guest.sh" build "$guest"
	for file in commands commands-groups commands-volumes; do
		cp "$here/../calibration/zfs/$file" "$work/overlay/test/commands"
		"$here/zfs-guest.sh" run "$guest" "$work/overlay" >"$work/console" || {
			cat "$work/console" >&2; echo "record-zfs: the guest of $suite failed" >&2; exit 1
		}
		sed '1,/^record: BEGIN$/d; /^record: END /,$d' "$work/console" | base64 -d >"$work/record"
		sum=$(sha256sum <"$work/record")
		grep -q "^record: END ${sum%% *}$" "$work/console" || {
			echo "record-zfs: the console of $suite lost a part of the record" >&2; exit 1
		}
		head -n 1 "$work/record"
		(cd "$here/../.." && BLESS=$bless EB_ZFS_RECORDED=$work/record EB_ZFS_COMMANDS=$file \
		    cargo test --locked --quiet --test suite calibration::zfs::a_transcript)
	done
done
