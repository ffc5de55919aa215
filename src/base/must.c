#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void must_fail(const char *cond, const char *file, int line)
{
	fprintf(stderr, "error base must=\"%s\" at=%s:%d\n", cond, file, line);
	abort();
}
