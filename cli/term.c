#include "cli/term.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define WIDTH_NO_TTY 120
#define WIDTH_MIN 40
#define WIDTH_MAX 1000

static unsigned width_of(FILE *f, bool tty)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;
	unsigned long v = columns ? strtoul(columns, NULL, 10) : 0;

	if (!v && tty && !ioctl(fileno(f), TIOCGWINSZ, &w))
		v = w.ws_col;
	if (!v)
		v = tty ? 80 : WIDTH_NO_TTY;
	if (v < WIDTH_MIN)
		v = WIDTH_MIN;
	return v > WIDTH_MAX ? WIDTH_MAX : (unsigned)v;
}

struct term term_of(FILE *f)
{
	const char *term = getenv("TERM");
	const char *no = getenv("NO_COLOR");
	struct term t = {.tty = isatty(fileno(f))};

	/* wcwidth() of UTF-8, whatever the locale is. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	t.width = width_of(f, t.tty);
	t.colour = t.tty && !(no && no[0]) && term && strcmp(term, "dumb") != 0;
	return t;
}

/*
 * The character at s: its bytes and columns.  *ret_shown is false when it is
 * to be written as '?'.
 */
static size_t character(
    const char *s, size_t n, size_t *ret_columns, bool *ret_shown)
{
	mbstate_t state;
	wchar_t w;
	size_t len;
	int columns;

	memset(&state, 0, sizeof state);
	len = mbrtowc(&w, s, n, &state);
	if (len == 0 || len > n) {
		*ret_columns = 1;
		*ret_shown = false;
		return 1;
	}
	columns = wcwidth(w);
	*ret_shown = columns >= 0;
	*ret_columns = columns < 0 ? 1 : (size_t)columns;
	return len;
}

/* Most texts are ASCII, and a list may have millions of them. */
static bool is_plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)(s[i] - 0x20) >= 0x5f)
			return false;
	return true;
}

size_t text_columns(const char *s, size_t n)
{
	size_t total = 0;

	if (is_plain(s, n))
		return n;

	while (n) {
		size_t columns;
		bool shown;
		size_t len = character(s, n, &columns, &shown);

		total += columns;
		s += len;
		n -= len;
	}
	return total;
}

size_t text_write(FILE *to, const char *s, size_t n, size_t columns)
{
	bool cut = text_columns(s, n) > columns;
	size_t room = cut && columns ? columns - 1 : columns;
	size_t written = 0;

	if (!cut && is_plain(s, n)) {
		fwrite(s, 1, n, to);
		return n;
	}
	while (n) {
		size_t width;
		bool shown;
		size_t len = character(s, n, &width, &shown);

		if (written + width > room)
			break;
		if (shown)
			fwrite(s, 1, len, to);
		else
			fputc('?', to);
		written += width;
		s += len;
		n -= len;
	}
	if (cut && columns) {
		fputs("\xe2\x80\xa6", to); /* U+2026 */
		written++;
	}
	return written;
}

static const char *const sequences[] = {
    [TERM_PLAIN] = "",
    [TERM_BOLD] = "\033[1m",
    [TERM_GOOD] = "\033[32m",
    [TERM_BAD] = "\033[31m",
    [TERM_DIM] = "\033[2m",
};

void term_set(FILE *to, const struct term *t, enum term_colour c)
{
	if (t->colour)
		fputs(sequences[c], to);
}

void term_end(FILE *to, const struct term *t, enum term_colour c)
{
	if (t->colour && c != TERM_PLAIN)
		fputs("\033[0m", to);
}

/* at: columns that stand in the line already. */
static void wrap(
    FILE *to, const char *s, size_t at, unsigned left, unsigned width)
{
	size_t room = width > left + 20 ? width - left : 20;
	bool begun = at > 0;

	at = 0;
	while (*s) {
		size_t n = strcspn(s, " \n");
		size_t columns = text_columns(s, n);

		if (at && at + 1 + columns > room) {
			fputc('\n', to);
			at = 0;
		}
		if (n) {
			if (at)
				fputc(' ', to);
			else if (!begun)
				fprintf(to, "%*s", (int)left, "");
			begun = false;
			at += (at != 0) + text_write(to, s, n, columns);
		}
		s += n;
		if (!strncmp(s, "\n\n", 2)) {
			fputs("\n\n", to);
			at = 0;
		}
		s += strspn(s, " \n");
	}
	fputc('\n', to);
}

void text_wrap(FILE *to, const char *s, unsigned left, unsigned width)
{
	wrap(to, s, 0, left, width);
}

void text_wrap_behind(FILE *to, const char *s, unsigned left, unsigned width)
{
	wrap(to, s, left, left, width);
}
