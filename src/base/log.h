/*
 * The log: one line an event, "level module event key=value ...", to stderr.
 * Only roles log; library folders return what happened.  No line ever holds
 * an address of an end user: no call here takes one.
 *
 * Under systemd (JOURNAL_STREAM set) each line carries its "<n>" priority.
 */
#pragma once

#include "base/attr.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* module: the role's name; kept, not copied. */
void log_init(const char *module, enum log_level most);

/*
 * event: a word in snake_case; fmt: "key=value key=value".  A value that may
 * hold blanks is written with log_quote().
 */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    ATTR_PRINTF(3, 4);

#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * s in double quotes with control bytes, quotes and backslashes escaped, so
 * that a peer's text cannot forge a line.  Gives back buf (n bytes), cut if
 * it is too long.
 */
const char *log_quote(char *buf, unsigned long n, const char *s);

/* Allows `burst` lines at once and one a second after; counts the others. */
struct log_limit {
	unsigned long long last_ns;
	unsigned tokens;
	unsigned dropped;
};

/* True when a line may be written now; *ret_dropped: lines left out before. */
int log_allowed(struct log_limit *l, unsigned burst, unsigned *ret_dropped);
