/*
 * What the RPKI says, for engine-bench: all VRPs and ASPAs of a file that
 * rpki.py makes.
 */
#pragma once

#include "exchange/exchange.h"

/* Lines "v PREFIX MAX ASN" and "a CUSTOMER PROVIDER ..."; ends on trouble. */
void rpki_load(const char *path);
/* Has the exchange judge by it. */
void rpki_prove(struct exchange *x);

/*
 * Takes n VRPs away, or gives them back, such that about `touch` routes are
 * in them; tells the exchange.
 */
void rpki_change(struct exchange *x, unsigned n, bool gone);
