/* Parts of a route as people write them, from its JSON. */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* "64501 64502 {64503 64504}" */
void route_path(FILE *to, const json_t *path);

/* The texts of a list, separated by blanks. */
void route_list(FILE *to, const json_t *list);

/* "AS64501 Alpha Net (192.0.2.11)"; keys as "from_asn", "member", "from". */
void route_party(FILE *to, const json_t *o, const char *asn, const char *addr);
