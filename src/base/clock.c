#include "base/clock.h"

#include "base/must.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

uint64_t clock_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

int64_t clock_wall_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

uint64_t clock_seed(void)
{
	uint64_t seed = 0;

	must(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed);
	return seed;
}

void clock_rfc3339(int64_t wall_s, char out[CLOCK_RFC3339_LEN])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(out, CLOCK_RFC3339_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
		out[0] = 0;
}
