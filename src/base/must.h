/*
 * must(): an invariant of our own.  When it does not hold the role ends and
 * is restarted; it is never used on anything that came from a peer.
 */
#pragma once

#define must(cond)                                                             \
	do {                                                                   \
		if (__builtin_expect(!(cond), 0))                              \
			must_fail(#cond, __FILE__, __LINE__);                  \
	} while (0)

_Noreturn void must_fail(const char *cond, const char *file, int line);
