/* The command line of bgpblast; run.py is what calls it. */
#include "blast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct options opt = {
    .dut = "10.99.0.1",
    .base_asn = 65001,
    .port = 179,
    .clients = 2,
    .share = 1000000,
    .rate = 10000,
    .seconds = 30,
    .max_comm = -1,
    .flaps = 10000,
    .timeout_s = 600,
    .audit_every = 1,
};
double began;

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void die(const char *what)
{
	printf("{\"ev\":\"error\",\"what\":\"%s\",\"errno\":\"%s\"}\n", what,
	    strerror(errno));
	exit(1);
}

static uint32_t address(const char *text)
{
	struct in_addr a;

	if (!inet_aton(text, &a))
		die("not an address");
	return ntohl(a.s_addr);
}

static int usage(void)
{
	fputs("bgpblast [-f TABLE] [-d DUT] [-b FIRST-CLIENT] "
	      "[-A FIRST-ASN]\n"
	      "         [-p PORT] [-n CLIENTS] [-m single|split|same] "
	      "[-s SHARE] [-P PHASE,...]\n"
	      "         [-T TIMEOUT] [-r RATE] [-t SECONDS] "
	      "[-k MAX-COMMUNITIES] [-e AUDIT-EVERY]\n"
	      "         [-x TOUCH] [-R REGISTERED] [-F FLAPS] [-6] [-c] [-u] "
	      "[-L]\n",
	    stderr);
	return 2;
}

static bool set_option(int o, const char *v)
{
	switch (o) {
	case 'd':
		opt.dut = v;
		return true;
	case 'A':
		opt.base_asn = (uint32_t)atol(v);
		return true;
	case 'b':
		opt.base_ip = address(v);
		return true;
	case 'p':
		opt.port = (uint16_t)atoi(v);
		return true;
	case 'n':
		opt.clients = atoi(v);
		return true;
	case 'm':
		opt.same = !strcmp(v, "same");
		opt.single = !strcmp(v, "single");
		return true;
	case 's':
		opt.share = atoi(v);
		return true;
	case 'T':
		opt.timeout_s = atof(v);
		return true;
	case 'r':
		opt.rate = atoi(v);
		return true;
	case 't':
		opt.seconds = atof(v);
		return true;
	case 'k':
		opt.max_comm = atoi(v);
		return true;
	case 'e':
		opt.audit_every = atoi(v);
		return true;
	case 'x':
		opt.touch = atoi(v);
		return true;
	case 'R':
		opt.registered = atoi(v);
		return true;
	case 'c':
		opt.control = true;
		return true;
	case 'u':
		opt.uniform = true;
		return true;
	case 'F':
		opt.flaps = atoi(v);
		return true;
	case '6':
		opt.v6 = true;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	const char *path = "table.bin";
	const char *phases = "blast";
	bool list_only = false;
	size_t need;
	char *list;
	int o;

	opt.base_ip = address("10.99.1.1");
	while ((o = getopt(
		    argc, argv, "f:d:A:b:p:n:m:s:P:T:r:t:k:e:x:R:F:6cuL")) > 0)
		if (o == 'f')
			path = optarg;
		else if (o == 'P')
			phases = optarg;
		else if (o == 'L')
			list_only = true;
		else if (!set_option(o, optarg))
			return usage();
	opt.dut_ip = address(opt.dut);
	began = now();
	table_load(path);
	need = (size_t)opt.share;
	if (!opt.same && !opt.single)
		need *= (size_t)opt.clients;
	if (opt.clients > MAX_CLIENTS || need > table.n4)
		die("the table is too small for this");
	if (list_only) {
		registered_print();
		return 0;
	}
	audit_reset();
	sessions_init();
	for (int i = 0; i < opt.clients; i++)
		if (session_establish(&client[i], 60) < 0)
			die("no session");
	printf("{\"ev\":\"up\",\"t\":%.3f}\n", now() - began);
	fflush(stdout);
	run_for(2);
	list = strdup(phases);
	for (char *s = strtok(list, ","); s && !lost && !gave_up;
	     s = strtok(NULL, ","))
		phase_run(s);
	free(list);
	printf("{\"ev\":\"end\",\"lost\":%d}\n", lost);
	return 0;
}
