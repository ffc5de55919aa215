/*
 * Fuzz targets: each is one function that takes any bytes.  Linked with
 * libFuzzer it looks for new inputs; linked with replay.c it runs the
 * corpus, with any compiler, as a regression test.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What must hold for every input. */
#define PROPERTY(cond)                                                         \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: does not hold: %s\n",          \
			    __FILE__, __LINE__, #cond);                        \
			abort();                                               \
		}                                                              \
	} while (0)
