#!/bin/sh
# Installs the Debian packages that are needed for something, and only those
# that are missing:  deps.sh [build] [demo] [check] [bench] [fmt]  (all).
#
# Asks for nothing.  Packages that bring a service do not get it started, now
# or at the next boot; services that are there already are left alone: no
# package that is installed is upgraded, and none is restarted.
#
# How: while apt runs, a policy-rc.d of ours says no to every start.  It is
# mounted over the path in a mount namespace of apt alone, so that a
# policy-rc.d of the machine is never touched and nothing is left behind,
# however this script ends.  Where mounts are not allowed (some containers)
# the file is put there for that time, and what was there is put back.
set -eu

BUILD="gcc libc6-dev meson ninja-build pkg-config python3
	libjansson-dev zlib1g-dev libbz2-dev liblzma-dev libcmocka-dev libssl-dev
	libsodium-dev"
DEMO="iproute2 bird2 frr openbgpd gobgpd"
CHECK="$DEMO clang libclang-rt-14-dev llvm bgpq4 exabgp tshark bgpdump pmacct procps
	stayrtr openssl"
BENCH="bird2 iproute2 procps libloc-database python3-location frr linux-perf"
FMT="clang-format"

POLICY=/usr/sbin/policy-rc.d
MARK="made by spean's tools/deps.sh"

say()
{
	echo "deps: $*" >&2
}

die()
{
	say "$*"
	exit 1
}

installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = \
		installed ]
}

# The packages of $@ that are not installed, in one line.
missing()
{
	for p in "$@"; do
		installed "$p" || printf ' %s' "$p"
	done
}

# ---- keeping services down -------------------------------------------------

work=
placed=

write_policy()
{
	printf '#!/bin/sh\n# %s\nexit 101\n' "$MARK" >"$1"
	chmod 755 "$1"
}

# Takes away what an earlier run that was killed may have left.
tidy()
{
	grep -qs "$MARK" "$POLICY" && rm -f "$POLICY"
	if [ -e "$POLICY.before-spean" ]; then
		mv -f "$POLICY.before-spean" "$POLICY"
	fi
	return 0
}

finish()
{
	if [ -n "$placed" ]; then
		placed=
		tidy
	fi
	if [ -n "$work" ]; then
		rm -rf "$work"
		work=
	fi
}

can_mount()
{
	unshare -m sh -c "mount --bind '$work/policy' '$POLICY'" 2>/dev/null
}

# apt-get with services kept down.
quiet_apt()
{
	if [ ! -e "$POLICY" ]; then
		# Not executable, so it means nothing outside the namespace.
		printf '# %s\n' "$MARK" >"$POLICY"
		placed=1
	fi
	if can_mount; then
		unshare -m sh -c "mount --bind '$work/policy' '$POLICY' &&
			exec \"\$@\"" sh "$@"
		return
	fi
	if [ -z "$placed" ]; then
		cp -a "$POLICY" "$POLICY.before-spean"
		placed=1
	fi
	write_policy "$POLICY"
	"$@"
}

# The units that a package brought must not start at the next boot either.
disable_units()
{
	command -v systemctl >/dev/null || return 0
	for p in "$@"; do
		units=$(dpkg -L "$p" | sed -n \
			's|^\(/usr\)\{0,1\}/lib/systemd/system/\([^/@]*\.service\)$|\2|p')
		for u in $units; do
			systemctl is-enabled -q "$u" 2>/dev/null || continue
			systemctl disable -q "$u" >/dev/null 2>&1 || true
			say "$u (of $p) is installed, not started, not enabled"
		done
	done
}

# ---- installing ------------------------------------------------------------

wanted=
[ $# -gt 0 ] || set -- build demo check bench
for set in "$@"; do
	case $set in
	build) wanted="$wanted $BUILD" ;;
	demo) wanted="$wanted $DEMO" ;;
	check) wanted="$wanted $BUILD $CHECK" ;;
	bench) wanted="$wanted $BENCH" ;;
	fmt) wanted="$wanted $FMT" ;;
	*) die "no such set: $set; there are build demo check bench fmt" ;;
	esac
done
wanted=$(printf '%s\n' $wanted | sort -u)

command -v dpkg-query >/dev/null || die "this is no Debian; install by hand:" \
	$wanted
need=$(missing $wanted)
[ -n "$need" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		exec sudo -n -- "$0" "$@"
	fi
	die "these packages are missing; as root: apt-get install$need"
fi

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
work=$(mktemp -d /tmp/spean-deps.XXXXXX)
write_policy "$work/policy"
tidy

export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
export NEEDRESTART_SUSPEND=1 UCF_FORCE_CONFFOLD=1 LC_ALL=C.UTF-8
APT="-y -q -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0"

say "to be installed:$need"
say "fetching the lists of packages"
apt-get $APT update >"$work/log" 2>&1 || {
	tail -5 "$work/log" >&2
	say "the lists could not be renewed; going on with those that are here"
}
say "installing (some minutes on a new machine)"
# What an interrupted run has left half done comes first.
if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
	quiet_apt dpkg --configure -a --force-confdef --force-confold \
		>"$work/log" 2>&1 </dev/null || tail -5 "$work/log" >&2
fi
quiet_apt apt-get $APT --no-install-recommends --no-upgrade \
	-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
	install $need >"$work/log" 2>&1 </dev/null || {
	tail -20 "$work/log" >&2
	die "apt-get failed"
}
left=$(missing $need)
[ -z "$left" ] || die "still missing:$left"
disable_units $need
say "done"
