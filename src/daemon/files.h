/*
 * Files that the configuration names and a role without a file system needs:
 * read by the parent, never parsed there, and handed over as one blob.
 *
 *   | path's bytes | file's bytes | errno | path | file |  ...
 */
#pragma once

#include "conf/conf.h"

#define FILES_MAX ((size_t)64 << 20) /* bytes of a blob */
#define FILES_ONE ((size_t)1 << 20)  /* bytes of one file */

/*
 * The blob with what TLS to the caches needs.  Its descriptor; -1: nothing is
 * needed, or there is no memory, which the role then says.
 */
int files_blob(const struct conf *c);
