/* The lab's namespaces; see lab.h. */
#include "cli/lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ip(const struct lab *l, const char *what, const char *const argv[])
{
	char *out = NULL;
	int code = lab_run(l, NULL, argv, &out);

	if (code)
		lab_say(
		    "cannot %s: %s", what, code < 0 ? strerror(-code) : out);
	free(out);
	return code ? -EIO : 0;
}

/* Feeds lines to `ip -batch`, for a host unless it is NULL. */
static int ip_batch(
    const struct lab *l, const char *host, const char *what, const char *lines)
{
	char path[LAB_PATH], ns[64];
	FILE *f = fopen(lab_path(l, path, "ip.batch"), "we");
	int err = 0;

	if (!f)
		return -errno;
	if (fputs(lines, f) < 0)
		err = -EIO;
	if (fclose(f))
		err = -errno;
	const char *const here[] = {"ip", "-batch", path, NULL};
	const char *const there[] = {"ip", "-n",
	    lab_namespace(l, ns, host ? host : ""), "-batch", path, NULL};
	if (!err)
		err = ip(l, what, host ? there : here);
	(void)unlink(path);
	return err;
}

/* A namespace with one leg on the bridge. */
static int make_host(const struct lab *l, const char *name, unsigned host)
{
	char lines[1024];

	(void)snprintf(lines, sizeof lines,
	    "netns add %s-%s\n"
	    "link add p-%s netns %s-lan type veth peer name lan netns %s-%s\n",
	    l->name, name, name, l->name, l->name, name);
	int err = ip_batch(l, NULL, "make a namespace", lines);
	if (err)
		return err;
	(void)snprintf(lines, sizeof lines,
	    "link set p-%s master br0\n"
	    "link set p-%s up\n",
	    name, name);
	err = ip_batch(l, "lan", "plug it in", lines);
	if (err)
		return err;
	(void)snprintf(lines, sizeof lines,
	    "link set lo up\n"
	    "link set lan up\n"
	    "addr add " LAB_LAN4 "%u/24 dev lan\n"
	    "addr add " LAB_LAN6 "%u/64 dev lan nodad\n",
	    host, host);
	return ip_batch(l, name, "give it addresses", lines);
}

int lab_net_make(const struct lab *l)
{
	char lines[256];

	(void)snprintf(lines, sizeof lines,
	    "netns add %s-lan\n"
	    "link add br0 netns %s-lan type bridge\n",
	    l->name, l->name);
	int err = ip_batch(l, NULL, "make the LAN", lines);

	if (!err)
		err = ip_batch(l, "lan", "make the LAN", "link set br0 up\n");
	if (!err)
		err = make_host(l, "rs", 1);
	for (size_t i = 0; !err && i < lab_member_count; i++)
		err = make_host(l, lab_members[i].name, lab_members[i].host);
	if (!err && l->table)
		err = make_host(l, "table", LAB_TABLE_HOST);
	return err;
}

/* Ends what runs in a namespace: it can only be the lab's. */
static void end_inside(const struct lab *l, const char *ns)
{
	const char *const argv[] = {"ip", "netns", "pids", ns, NULL};
	char *out = NULL, *save;

	if (lab_run(l, NULL, argv, &out) == 0) {
		for (char *p = strtok_r(out, " \n", &save); p;
		     p = strtok_r(NULL, " \n", &save)) {
			long pid = strtol(p, NULL, 10);
			if (pid > 1)
				(void)kill((pid_t)pid, SIGKILL);
		}
	}
	free(out);
}

static unsigned remove_one(const struct lab *l, const char *host)
{
	char ns[64], path[LAB_PATH];

	(void)snprintf(
	    path, sizeof path, "/run/netns/%s", lab_namespace(l, ns, host));
	if (access(path, F_OK))
		return 0;
	end_inside(l, ns);
	const char *const argv[] = {"ip", "netns", "del", ns, NULL};
	(void)ip(l, "remove a namespace", argv);
	return 1;
}

unsigned lab_net_remove(const struct lab *l)
{
	unsigned n = remove_one(l, "table") + remove_one(l, "rs");

	for (size_t i = 0; i < lab_member_count; i++)
		n += remove_one(l, lab_members[i].name);
	return n + remove_one(l, "lan");
}
