#!/bin/sh
# Fuzzes every parser for FUZZ_S seconds each, from the corpora in
# tests/fuzz/corpus; what is new is added to build-fuzz/corpus.
set -eu
cd "$(dirname "$0")/.."
: "${FUZZ_S:=60}"
# Undefined behaviour is a finding, and not a line in a log.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
dir=build-fuzz
if [ ! -e $dir/build.ninja ]; then
	CC=clang meson setup $dir -Dfuzz=true -Dtests=false \
		-Db_sanitize=address,undefined -Db_lundef=false >/dev/null
fi
ninja -C $dir
bad=0
for f in $dir/tests/fuzz/*_fuzz; do
	[ -x "$f" ] || continue
	name=$(basename "$f")
	new=$dir/corpus/$name
	mkdir -p "$new"
	seeds=
	for s in tests/fuzz/corpus/"$name" tests/fuzz/corpus/"${name%_fuzz}"; do
		[ -d "$s" ] && seeds="$seeds $s"
	done
	echo "$name: $FUZZ_S s"
	if ! "$f" -max_total_time="$FUZZ_S" -timeout=10 -rss_limit_mb=1024 \
		-artifact_prefix="$new/crash-" -print_final_stats=1 "$new" \
		$seeds >"$new.log" 2>&1; then
		bad=$((bad + 1))
		tail -30 "$new.log"
		echo "$name: a finding, see $new.log"
	else
		grep -E 'number_of_executed_units|new_units_added' "$new.log"
	fi
done
[ $bad = 0 ] && echo "no finding"
exit $bad
