/* Time: monotonic nanoseconds for timers, wall time for people. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

/* CLOCK_MONOTONIC, ns. */
uint64_t clock_now_ns(void);

/* CLOCK_REALTIME, seconds since 1970. */
int64_t clock_wall_s(void);

/* A fresh random seed from the kernel. */
uint64_t clock_seed(void);

#define CLOCK_RFC3339_LEN 21

/* Writes wall_s as RFC 3339 UTC, "2026-01-02T03:04:05Z". */
void clock_rfc3339(int64_t wall_s, char out[CLOCK_RFC3339_LEN]);
