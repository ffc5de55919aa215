#include "check.h"

#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *manual(void)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	conf_write_manual(f);
	fclose(f);
	return text;
}

static void every_directive_is_described(void **state)
{
	static const char *const names[] = {"asn", "router-id", "listen", "lan",
	    "port", "hold", "send-hold", "connect-retry", "back-off",
	    "graceful-restart", "restart-time", "selection-deferral",
	    "stale-time", "llgr", "preset", "unknown-attributes",
	    "prefix-length", "max-path", "max-communities", "transit-free",
	    "as-set", "at", "prefix", "origin", "max-prefix", "add-path",
	    "shutdown", "password", "gtsm", "passive", "rov", "aspa", "cache",
	    "tls", "ca", "certificate", "key", "preference", "refresh", "retry",
	    "expire", "bmp", "pre", "post", "loc-rib", "out", "stats", "mrt",
	    "table", "updates"};
	char *text = manual();

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char line[64];

		snprintf(line, sizeof line, "\n.It Ic %s", names[i]);
		assert_non_null(strstr(text, line));
	}
	/* What this version does not do is not promised. */
	assert_null(strstr(text, "gateway"));
	free(text);
}

static void the_manual_is_clean_mdoc(void **state)
{
	char path[] = "/tmp/spean-conf-manual-XXXXXX";
	char command[128];
	char *text = manual();
	int fd = mkstemp(path);
	char line[256] = "";
	FILE *f;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	free(text);
	if (system("command -v mandoc >/dev/null 2>&1")) {
		unlink(path);
		print_message("# mandoc is not installed\n");
		skip();
	}
	/* A manual that is not installed yet cannot be found. */
	snprintf(command, sizeof command,
	    "mandoc -T lint %s | grep -v 'referenced manual not found'", path);
	f = popen(command, "r");
	assert_non_null(f);
	assert_null(fgets(line, sizeof line, f));
	pclose(f);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_directive_is_described),
	    cmocka_unit_test(the_manual_is_clean_mdoc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
