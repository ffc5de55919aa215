/* Who we are, as stations and dumps are told. */
#pragma once

#include <stdint.h>

struct monitor_self {
	uint32_t asn;
	uint32_t router_id; /* host byte order */
	char name[64];
};
