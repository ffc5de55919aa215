#!/bin/sh
# make demo: the lab, and what to look at next.
set -eu

spean=$1
[ "$(id -u)" = 0 ] || {
	echo "make demo: it makes network namespaces: run it as root" >&2
	exit 1
}
"$spean" lab up
dir=/run/spean-lab
cat <<TEXT

The exchange is running.  To look at it:

  export SPEAN_RUN_DIR=$dir/run
  $spean show sessions
  $spean show routes --prefix 8.8.8.0/24
  $spean show routes --rejected --from 64401
  $spean why 44.128.11.0/24 --to 64402
  $spean why 10.64.0.0/16
  ip netns exec spean-bird birdc -s $dir/bird.ctl show route 44.128.12.0/24 all
  cat $dir/spean.conf
  $spean lab status
  $spean lab down             # takes it away again
TEXT
