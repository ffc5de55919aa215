/* Configurations that several tests read. */
#pragma once

#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXCHANGE                                                               \
	"exchange X { asn 64500; router-id 192.0.2.1; "                        \
	"listen 192.0.2.1, 2001:db8::1; }\n"

/* Every directive that there is. */
static const char whole[] = "# all of it\n"
			    "exchange \"Example-IX\" {\n"
			    "\tasn 64500;\n"
			    "\trouter-id 192.0.2.1;\n"
			    "\tlisten 192.0.2.1, 2001:db8:100::1;\n"
			    "\tlan 192.0.2.0/24, 2001:db8:100::/64;\n"
			    "\tport 1790;\n"
			    "\thold 30s;\n"
			    "\tsend-hold 10m;\n"
			    "\tconnect-retry 15;\n"
			    "\tback-off 1m;\n"
			    "\tgraceful-restart off;\n"
			    "\trestart-time 100;\n"
			    "\tselection-deferral 2m;\n"
			    "\tstale-time 1h30m;\n"
			    "\tllgr 1d;\n"
			    "}\n"
			    "policy {\n"
			    "\tpreset open;\n"
			    "\tunknown-attributes discard;\n"
			    "\tprefix-length ipv6 16-56, ipv4 7-25;\n"
			    "\tmax-path 32;\n"
			    "\tmax-communities 50;\n"
			    "\ttransit-free 174, 3356;\n"
			    "\ttransit-free 1.10;\n"
			    "}\n"
			    "member \"Beta \\\"B\\\" Net\" {\n"
			    "\tasn AS64502;\n"
			    "\tat 192.0.2.12;\n"
			    "\tshutdown;\n"
			    "}\n"
			    "member \"Alpha Net\" {\n"
			    "\tasn 64501;\n"
			    "\tas-set AS64501:AS-ALL;\n"
			    "\tat 2001:db8:100::11, 192.0.2.11 {\n"
			    "\t\tpassword \"s3cret\";\n"
			    "\t\tgtsm on;\n"
			    "\t\tpassive on;\n"
			    "\t\tport 1179;\n"
			    "\t}\n"
			    "\tat 192.0.2.111;\n"
			    "\tprefix 203.0.113.0/24, 198.51.100.0/24 le 26;\n"
			    "\tprefix 2001:db8:f000::/36 ge 40 le 48;\n"
			    "\tprefix 10.0.0.0/8 ge 16;\n"
			    "\torigin 64501, 64511, 65551;\n"
			    "\tmax-prefix 200, 50;\n"
			    "\tadd-path both;\n"
			    "\thold off;\n"
			    "\tunknown-attributes withdraw;\n"
			    "\tshutdown \"moving house\";\n"
			    "}\n";

/* n members with one or two sessions each; the caller's to free. */
static inline char *many_members(unsigned n, bool two, size_t *ret_n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	fputs(EXCHANGE "policy {}\n", f);
	for (unsigned i = 0; i < n; i++) {
		fprintf(f,
		    "member \"Member %u\" {\n"
		    "\tasn %u;\n"
		    "\tas-set AS-M%u;\n"
		    "\tat 10.%u.%u.1 { password \"pw%u\"; }\n"
		    "\tprefix 11.%u.%u.0/24, 2001:%x::/32 le 48;\n"
		    "\tmax-prefix 200, 50;\n",
		    i, 100000 + i, i, i / 256, i % 256, i, i / 256, i % 256,
		    i + 0x100);
		if (two)
			fprintf(f, "\tat fd00::%x { gtsm on; }\n", i + 16);
		fputs("}\n", f);
	}
	fclose(f);
	*ret_n = len;
	return text;
}

static inline struct conf *must_parse(const char *text)
{
	struct conf *c;
	struct conf_error *e;
	size_t n;
	int rc = conf_parse(text, strlen(text), &c, &e, &n);

	for (size_t i = 0; i < n; i++)
		fprintf(
		    stderr, "# %u:%u: %s\n", e[i].line, e[i].col, e[i].text);
	free(e);
	return rc ? NULL : c;
}
