/*
 * What we write in JSON: requests, and faults of a file.  Apart from what
 * reads answers, since the writer and the reader share names.
 */
#pragma once

#include "cli/cli.h"
#include "conf/conf.h"

/*
 * {"verb":VERB, ...} and a newline into buf: the prefix unless NULL, and
 * --from, --to, --longer, --rejected where they were given.
 */
size_t request_routes(const struct cli_call *c, const char *verb,
    const struct prefix *prefix, char *buf, size_t cap);

/*
 * {"verb":VERB,"text":...[,"confirm_s":N]} and a newline; the caller's to
 * free, or NULL when memory is out.
 */
char *request_text(const char *verb, const char *text, size_t n,
    uint64_t confirm_s, size_t *ret_n);

/* {"file":...,"line":...,"col":...,"text":...} to stdout. */
void request_fault(const char *file, const struct conf_error *e);
