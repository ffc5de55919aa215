/* `spean play FILE --count`: what is in a file of recorded routes. */
#pragma once

#include <stdbool.h>

/* Gives an enum cli_exit; its errors stand on stderr. */
int play_count(const char *path, bool json);
