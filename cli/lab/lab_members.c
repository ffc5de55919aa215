/*
 * The lab's members: real daemons, each with a configuration of its own
 * under DIR, as a foreground process in its namespace; see lab.h.
 *
 * Each announces what is registered for it, and one thing that the exchange
 * has to refuse.
 */
#include "cli/lab/lab.h"

#include <errno.h>
#include <jansson.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RS4 LAB_LAN4 "1"
#define RS6 LAB_LAN6 "1"

static const char *const rs[2] = {RS4, RS6};

/* Opens DIR/name for writing; the caller closes it with done(). */
static FILE *conf_open(const struct lab *l, const char *name)
{
	char path[LAB_PATH];
	FILE *f = fopen(lab_path(l, path, name), "we");

	if (f)
		(void)fchmod(fileno(f), 0600);
	return f;
}

static int conf_close(FILE *f)
{
	int bad = ferror(f);

	if (fclose(f) || bad)
		return -EIO;
	return 0;
}

static json_t *ask(
    const struct lab *l, const char *host, const char *const argv[])
{
	char *out = NULL;
	json_t *j = NULL;

	if (lab_run(l, host, argv, &out) == 0)
		j = json_loads(out, 0, NULL);
	free(out);
	return j;
}

/* ---- bird2 ------------------------------------------------------------- */

static int bird_configure(const struct lab *l, const struct lab_member *m)
{
	FILE *f = conf_open(l, "bird.conf");

	if (!f)
		return -errno;
	(void)fprintf(f,
	    "router id " LAB_LAN4 "%u;\n"
	    "protocol device { }\n"
	    "protocol static own4 {\n"
	    "\tipv4;\n"
	    "\troute %s blackhole;\n"
	    "\troute %s blackhole; # a bogon: to be refused\n"
	    "}\n"
	    "protocol static own6 {\n"
	    "\tipv6;\n"
	    "\troute %s blackhole;\n"
	    "}\n",
	    m->host, m->good4, m->bad, m->good6);
	for (unsigned v = 0; v < 2; v++)
		(void)fprintf(f,
		    "protocol bgp exchange%u {\n"
		    "\tlocal as %u;\n"
		    "\tneighbor %s as %u;\n"
		    "\tconnect delay time 1;\n"
		    "\tconnect retry time 3;\n"
		    "\terror wait time 1, 5;\n"
		    "\tipv%u {\n"
		    "\t\timport all;\n"
		    "\t\texport where source = RTS_STATIC;\n"
		    "\t};\n"
		    "}\n",
		    v ? 6 : 4, m->asn, rs[v], LAB_RS_ASN, v ? 6 : 4);
	return conf_close(f);
}

static int bird_start(const struct lab *l, const struct lab_member *m)
{
	char conf[LAB_PATH], ctl[LAB_PATH], pid[LAB_PATH];
	const char *const argv[] = {"bird", "-f", "-c",
	    lab_path(l, conf, "bird.conf"), "-s", lab_path(l, ctl, "bird.ctl"),
	    "-P", lab_path(l, pid, "bird.pid"), NULL};

	return lab_spawn(l, m->name, m->name, argv);
}

static bool bird_view(
    const struct lab *l, const struct lab_member *m, struct lab_view *ret)
{
	char ctl[LAB_PATH], protocol[16], *out = NULL, *at;

	(void)m;
	for (unsigned v = 0; v < 2; v++) {
		(void)snprintf(
		    protocol, sizeof protocol, "exchange%u", v ? 6 : 4);
		const char *const argv[] = {"birdc", "-s",
		    lab_path(l, ctl, "bird.ctl"), "show", "protocols", "all",
		    protocol, NULL};
		if (lab_run(l, NULL, argv, &out)) {
			free(out);
			return false;
		}
		ret->up[v] = strstr(out, "Established") != NULL;
		at = strstr(out, "Routes:");
		ret->routes[v] = at ? strtoull(at + 7, NULL, 10) : 0;
		free(out);
		out = NULL;
	}
	return true;
}

/* ---- frr --------------------------------------------------------------- */

static int frr_configure(const struct lab *l, const struct lab_member *m)
{
	FILE *f = conf_open(l, "frr.conf");

	if (!f)
		return -errno;
	(void)fprintf(f,
	    "bgp as-path access-list own permit ^$\n"
	    "router bgp %u\n"
	    " bgp router-id " LAB_LAN4 "%u\n"
	    " no bgp ebgp-requires-policy\n"
	    " no bgp default ipv4-unicast\n"
	    " no bgp network import-check\n",
	    m->asn, m->host);
	for (unsigned v = 0; v < 2; v++)
		(void)fprintf(f,
		    " neighbor %s remote-as %u\n"
		    " neighbor %s timers connect 3\n"
		    /* A route server's ASN is not in the path. */
		    " no neighbor %s enforce-first-as\n",
		    rs[v], LAB_RS_ASN, rs[v], rs[v]);
	for (unsigned v = 0; v < 2; v++) {
		(void)fprintf(f, " address-family ipv%u unicast\n", v ? 6 : 4);
		(void)fprintf(f, "  network %s\n", v ? m->good6 : m->good4);
		if (!v)
			(void)fprintf(f, "  network %s\n", m->bad);
		(void)fprintf(f,
		    "  neighbor %s activate\n"
		    "  neighbor %s filter-list own out\n"
		    " exit-address-family\n",
		    rs[v], rs[v]);
	}
	return conf_close(f);
}

/* DIR/frr: both programs run as their user, and write here alone. */
static int frr_dir(const struct lab *l, char dir[LAB_PATH])
{
	const struct passwd *pw = getpwnam("frr");
	char conf[LAB_PATH];

	if (!pw)
		return -ENOENT;
	if (mkdir(lab_path(l, dir, "frr"), 0750) && errno != EEXIST)
		return -errno;
	if (chown(dir, pw->pw_uid, pw->pw_gid) ||
	    chown(lab_path(l, conf, "frr.conf"), pw->pw_uid, pw->pw_gid))
		return -errno;
	return 0;
}

/*
 * bgpd takes no next hop with a link-local address before zebra has told it
 * the interfaces.  Routes stay out of the kernel (-n).
 */
static int frr_start(const struct lab *l, const struct lab_member *m)
{
	char dir[LAB_PATH], conf[LAB_PATH], pid[LAB_PATH], zpid[LAB_PATH],
	    zserv[LAB_PATH];
	const char *const zebra[] = {"/usr/lib/frr/zebra", "-P", "0", "-i",
	    lab_path(l, zpid, "frr/zebra.pid"), "-z",
	    lab_path(l, zserv, "frr/zserv.api"), "-f", "/dev/null",
	    "--vty_socket", dir, NULL};
	const char *const bgpd[] = {"/usr/lib/frr/bgpd", "-n", "-P", "0", "-f",
	    lab_path(l, conf, "frr.conf"), "-i",
	    lab_path(l, pid, "frr/bgpd.pid"), "-z", zserv, "--vty_socket", dir,
	    NULL};
	int err = frr_dir(l, dir);

	if (!err)
		err = lab_spawn(l, "zebra", m->name, zebra);
	for (unsigned i = 0; !err && access(zserv, F_OK); i++) {
		if (i == 100 || !lab_alive(l, "zebra"))
			err = -EIO;
		else if (lab_pause(50))
			err = -EINTR;
	}
	if (!err)
		err = lab_spawn(l, m->name, m->name, bgpd);
	return err;
}

static bool frr_view(
    const struct lab *l, const struct lab_member *m, struct lab_view *ret)
{
	static const char *const commands[2] = {
	    "show bgp ipv4 unicast summary json",
	    "show bgp ipv6 unicast summary json"};

	char dir[LAB_PATH];

	(void)m;
	(void)lab_path(l, dir, "frr");
	for (unsigned v = 0; v < 2; v++) {
		const char *const argv[] = {"vtysh", "--vty_socket", dir, "-d",
		    "bgpd", "-c", commands[v], NULL};
		json_t *j = ask(l, NULL, argv), *peer;
		const char *state;

		if (!j)
			return false;
		peer = json_object_get(json_object_get(j, "peers"), rs[v]);
		state = json_string_value(json_object_get(peer, "state"));
		ret->up[v] = state && strcmp(state, "Established") == 0;
		ret->routes[v] = (uint64_t)json_integer_value(
		    json_object_get(peer, "pfxRcd"));
		json_decref(j);
	}
	return true;
}

/* ---- openbgpd ---------------------------------------------------------- */

static int openbgpd_configure(const struct lab *l, const struct lab_member *m)
{
	FILE *f = conf_open(l, "openbgpd.conf");

	if (!f)
		return -errno;
	(void)fprintf(f,
	    "AS %u\n"
	    "router-id " LAB_LAN4 "%u\n"
	    "fib-update no\n"
	    "connect-retry 3\n"
	    "socket \"%s/openbgpd.sock\"\n"
	    "listen on " LAB_LAN4 "%u\n"
	    "listen on " LAB_LAN6 "%u\n"
	    "network %s\nnetwork %s\nnetwork %s\n",
	    m->asn, m->host, l->dir, m->host, m->host, m->good4, m->good6,
	    m->bad);
	for (unsigned v = 0; v < 2; v++)
		(void)fprintf(f,
		    "neighbor %s {\n"
		    "\tremote-as %u\n"
		    "\tlocal-address %s%u\n"
		    "\tenforce neighbor-as no\n"
		    "\tannounce IPv%u unicast\n"
		    "}\n",
		    rs[v], LAB_RS_ASN, v ? LAB_LAN6 : LAB_LAN4, m->host,
		    v ? 6 : 4);
	(void)fprintf(f, "allow from any\nallow to any\n");
	return conf_close(f);
}

static int openbgpd_start(const struct lab *l, const struct lab_member *m)
{
	char conf[LAB_PATH];
	const char *const argv[] = {"/usr/sbin/bgpd", "-d", "-f",
	    lab_path(l, conf, "openbgpd.conf"), NULL};
	FILE *f = NULL;

	/* Its children change their root to here; its unit makes it else. */
	if (mkdir(LAB_OPENBGPD_ROOT, 0755) == 0)
		f = conf_open(l, LAB_MADE_ROOT);
	else if (errno != EEXIST)
		return -errno;
	if (f)
		(void)fclose(f);
	return lab_spawn(l, m->name, m->name, argv);
}

static bool openbgpd_view(
    const struct lab *l, const struct lab_member *m, struct lab_view *ret)
{
	char sock[LAB_PATH];
	const char *const argv[] = {"bgpctl", "-s",
	    lab_path(l, sock, "openbgpd.sock"), "-j", "show", "neighbor", NULL};
	json_t *j = ask(l, NULL, argv), *n;
	size_t i;

	(void)m;
	if (!j)
		return false;
	json_array_foreach(json_object_get(j, "neighbors"), i, n)
	{
		const char *addr =
		    json_string_value(json_object_get(n, "remote_addr"));
		const char *state =
		    json_string_value(json_object_get(n, "state"));
		unsigned v = addr && strcmp(addr, RS6) == 0;
		json_t *stats = json_object_get(n, "stats");

		ret->up[v] = state && strcmp(state, "Established") == 0;
		ret->routes[v] = (uint64_t)json_integer_value(json_object_get(
		    json_object_get(stats, "prefixes"), "received"));
	}
	json_decref(j);
	return true;
}

/* ---- gobgp ------------------------------------------------------------- */

static int gobgp_configure(const struct lab *l, const struct lab_member *m)
{
	FILE *f = conf_open(l, "gobgp.toml");

	if (!f)
		return -errno;
	(void)fprintf(f,
	    "[global.config]\n"
	    "as = %u\n"
	    "router-id = \"" LAB_LAN4 "%u\"\n",
	    m->asn, m->host);
	for (unsigned v = 0; v < 2; v++)
		(void)fprintf(f,
		    "[[neighbors]]\n"
		    "[neighbors.config]\n"
		    "neighbor-address = \"%s\"\n"
		    "peer-as = %u\n"
		    "[neighbors.transport.config]\n"
		    "local-address = \"%s%u\"\n"
		    "[neighbors.timers.config]\n"
		    "connect-retry = 5\n"
		    "[[neighbors.afi-safis]]\n"
		    "[neighbors.afi-safis.config]\n"
		    "afi-safi-name = \"ipv%u-unicast\"\n",
		    rs[v], LAB_RS_ASN, v ? LAB_LAN6 : LAB_LAN4, m->host,
		    v ? 6 : 4);
	return conf_close(f);
}

static int gobgp_add(const struct lab *l, const struct lab_member *m,
    const char *family, const char *prefix)
{
	const char *const argv[] = {
	    "gobgp", "global", "rib", "-a", family, "add", prefix, NULL};

	return lab_run(l, m->name, argv, NULL) ? -EIO : 0;
}

static int gobgp_start(const struct lab *l, const struct lab_member *m)
{
	char conf[LAB_PATH];
	/* Fewer rounds of its garbage collector, but a bound on it. */
	const char *const argv[] = {"env", "GOGC=200", "GOMEMLIMIT=1200MiB",
	    "gobgpd", "-f", lab_path(l, conf, "gobgp.toml"), "--api-hosts",
	    "127.0.0.1:50051", "--pprof-disable", NULL};
	const char *const hello[] = {"gobgp", "global", NULL};
	int err = lab_spawn(l, m->name, m->name, argv);

	for (unsigned i = 0; !err && lab_run(l, m->name, hello, NULL); i++) {
		if (i == 100 || !lab_alive(l, m->name))
			err = -EIO;
		else if (lab_pause(100))
			err = -EINTR;
	}
	/* What it originates is told to it, not written in its file. */
	if (!err)
		err = gobgp_add(l, m, "ipv4", m->good4);
	if (!err)
		err = gobgp_add(l, m, "ipv6", m->good6);
	if (!err)
		err = gobgp_add(l, m, "ipv6", m->bad);
	return err;
}

static bool gobgp_view(
    const struct lab *l, const struct lab_member *m, struct lab_view *ret)
{
	(void)l;
	(void)m;
	for (unsigned v = 0; v < 2; v++) {
		const char *const argv[] = {
		    "gobgp", "neighbor", rs[v], "-j", NULL};
		json_t *j = ask(l, m->name, argv), *state, *family;

		if (!j)
			return false;
		state = json_object_get(
		    json_object_get(j, "state"), "session_state");
		ret->up[v] = json_integer_value(state) == 6;
		family = json_array_get(json_object_get(j, "afi_safis"), 0);
		ret->routes[v] = (uint64_t)json_integer_value(json_object_get(
		    json_object_get(family, "state"), "received"));
		json_decref(j);
	}
	return true;
}

const struct lab_member lab_members[] = {
    {"bird", "Alpha Net (bird2)", "bird", "bird2", 64401, 11, "44.128.11.0/24",
	"2d00:11::/32", "10.64.0.0/16", bird_configure, bird_start, bird_view},
    {"frr", "Beta Net (frr)", "/usr/lib/frr/bgpd", "frr", 64402, 12,
	"44.128.12.0/24", "2d00:12::/32", "44.128.12.128/25", frr_configure,
	frr_start, frr_view},
    {"openbgpd", "Gamma Net (openbgpd)", "/usr/sbin/bgpd", "openbgpd", 64403,
	13, "44.128.13.0/24", "2d00:13::/32", "44.128.11.0/24",
	openbgpd_configure, openbgpd_start, openbgpd_view},
    {"gobgp", "Delta Net (gobgp)", "gobgpd", "gobgpd", 64404, 14,
	"44.128.14.0/24", "2d00:14::/32", "2d00:14:1:1::/64", gobgp_configure,
	gobgp_start, gobgp_view},
};
const size_t lab_member_count = sizeof lab_members / sizeof *lab_members;
