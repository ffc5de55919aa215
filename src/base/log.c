#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *module;
	enum log_level most;
	int journal;
} conf = {.module = "spean", .most = LOG_LEVEL_INFO};

static const struct {
	const char *name;
	int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARN] = {"warn", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

void log_init(const char *module, enum log_level most)
{
	conf.module = module;
	conf.most = most;
	conf.journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	char line[1024];
	size_t n = 0;
	int k;
	va_list ap;

	if (level > conf.most)
		return;
	if (conf.journal)
		n = (size_t)snprintf(
		    line, sizeof line, "<%d>", levels[level].priority);
	k = snprintf(line + n, sizeof line - n, "%s %s %s ", levels[level].name,
	    conf.module, event);
	if (k > 0)
		n += (size_t)k;
	if (n > sizeof line - 2)
		n = sizeof line - 2;
	va_start(ap, fmt);
	k = vsnprintf(line + n, sizeof line - 1 - n, fmt, ap);
	va_end(ap);
	if (k > 0)
		n += (size_t)k;
	if (n > sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	/* One write a line, so that lines of several roles do not mix. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

const char *log_quote(char *buf, unsigned long n, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	if (n < 8) {
		if (n)
			buf[0] = 0;
		return buf;
	}
	buf[at++] = '"';
	for (; *s && at + 6 < n; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\') {
			buf[at++] = '\\';
			buf[at++] = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			buf[at++] = '\\';
			buf[at++] = 'x';
			buf[at++] = hex[c >> 4];
			buf[at++] = hex[c & 15];
		} else {
			buf[at++] = (char)c;
		}
	}
	buf[at++] = '"';
	buf[at] = 0;
	return buf;
}

int log_allowed(struct log_limit *l, unsigned burst, unsigned *ret_dropped)
{
	uint64_t now = clock_now_ns();
	uint64_t due = l->last_ns ? (now - l->last_ns) / NS_PER_S : burst;

	if (due) {
		uint64_t have = l->tokens + due;

		l->tokens = have > burst ? burst : (unsigned)have;
		l->last_ns = now;
	}
	if (!l->tokens) {
		l->dropped++;
		return 0;
	}
	l->tokens--;
	*ret_dropped = l->dropped;
	l->dropped = 0;
	return 1;
}
