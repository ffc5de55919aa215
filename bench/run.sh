#!/bin/sh
# The whole bench with one command: builds the tester, makes the table of
# routes, runs spean beside the others on every line, prints the figures.
#
#   bench/run.sh [ROUNDS]         3 rounds unless given; at most 40 minutes
#   SPEAN=PATH DUTS=spean,bird2 LINES=a,b bench/run.sh 1
#   BUSY=1 LINES=a bench/run.sh 1     counts runs that others disturbed too
#   BESIDE=1 LINES=steady DUTS=spean-steady bench/run.sh 1
#       waits for no other bench and gives way to all: for memory
#
# Ends with 1 when anything arrived that was not to, or did not.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$top/build}
case $build in /*) ;; *) build=$top/$build ;; esac
export SPEAN="${SPEAN:-$build/spean}"
out=$build/bench
rounds=${1:-3}
export PYTHONDONTWRITEBYTECODE=1

[ "$(id -u)" = 0 ] || { echo "bench: it makes network namespaces: run as root" >&2; exit 2; }
for need in cc:gcc ip:iproute2 bird:bird2; do
	PATH=$PATH:/usr/sbin command -v "${need%:*}" >/dev/null || {
		echo "bench: ${need%:*} is missing: apt-get install ${need#*:}" >&2
		exit 2
	}
done
[ -x "$SPEAN" ] || { echo "bench: no spean: make build" >&2; exit 2; }

mkdir -p "$out"
cc="cc -std=gnu17 -D_GNU_SOURCE -O2 -march=native -Wall -Wextra"
$cc -o "$out/bgpblast" "$top"/bench/blast/*.c
$cc -o "$out/hub" "$top/bench/hub.c"
export HUB="$out/hub"
if [ ! -s "$out/table.bin" ]; then
	# python3-location belongs to Debian's own python3.
	/usr/bin/python3 -c 'import location' 2>/dev/null &&
	    [ -e /usr/share/libloc-location/location.db ] || {
		echo "bench: apt-get install libloc-database python3-location" >&2
		exit 2
	}
	/usr/bin/python3 "$top/bench/mktable.py" "$out/table.tmp"
	mv "$out/table.tmp" "$out/table.bin"
fi

results=$out/results-$(date -u +%Y%m%dT%H%M%SZ).jsonl
status=0
run() {
	python3 "$top/bench/run.py" -f "$out/table.bin" -B "$out/bgpblast" \
	    -o "$results" ${BESIDE:+--beside} "$@" || status=1
}
if [ "${LINES:-}${DUTS:-}" ]; then
	run -d "${DUTS:-spean,bird2}" -s "${LINES:-a}" -n "$rounds"
else
	run -d spean,bird2,hub-floor -s a,a6 -n "$rounds"
	run -d spean,hub-floor -s b,d -n "$rounds"
	run -d spean,bird2-secondary -s c -n "$rounds"
	run -d spean -s e,f,h -n "$rounds"
	# Cores: one CPU beside the tester's, then both.
	run -d spean,spean-2-sessions -s b,d -n 1 -P blast -c 0
	run -d spean-2-sessions -s b,d -n 1 -P blast
	run -d spean,bird2-secondary -s g1,g2,g3,g4 -n 1
	run -d spean,bird2 -s idle -n 1
	# Those that are slow run once: a minute and more each.
	if [ -x /usr/lib/frr/bgpd ]; then
		run -d frr -s a,b,d -n 1
	else
		echo "bench: without frr, which is not installed"
	fi
	run -d bird2 -s b,d,e -n 1
	run -d bird2-import-table -s f -n 1
	run -d bird2 -s h -n 1 -P blast
	if command -v perf >/dev/null; then # after the others: it disturbs
		run -d spean -s a,b,c,d -n 1 -P blast --perf "$build"
	else
		echo "bench: no shares of time: perf is not installed" \
		    "(apt-get install linux-perf)"
	fi
fi
echo
# shellcheck disable=SC2086
python3 "$top/bench/table.py" ${BUSY:+--busy} "$results"
echo
echo "runs: $results"
exit $status
