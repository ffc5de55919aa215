#include "daemon/engine_registry.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>

#define RING ((size_t)1 << 20)
#define RECORDS_TURN 2 /* of 32 kB: some milliseconds of work */

static uint8_t record[LINK_RECORD_MAX];

/* What is known stays: only the role that tells of it is gone. */
static void drop(struct engine_registry *er, const char *why)
{
	if (!er->link)
		return;
	log_info("link_ended", "to=registry info=\"%s\"", why);
	registry_taker_done(&er->taker);
	loop_del(er->loop, &er->bell);
	link_free(er->link);
	er->link = NULL;
}

static void on_bell(struct loop_fd *f, uint32_t events)
{
	struct engine_registry *er =
	    list_entry(f, struct engine_registry, bell);
	int err = link_bell(er->link);

	(void)events;
	if (err)
		drop(er, strerror(-err));
	loop_task_queue(er->loop, er->turn);
}

void engine_registry_link(struct engine_registry *er, int sock)
{
	drop(er, "replaced");
	int err = link_new(sock, RING, 0, &er->link);
	if (!err) {
		er->bell = (struct loop_fd){.fd = link_fd(er->link),
		    .events = EPOLLIN,
		    .ready = on_bell};
		err = loop_add(er->loop, &er->bell);
	}
	if (err) {
		log_error("link_failed", "error=%s", strerror(-err));
		link_free(er->link);
		er->link = NULL;
	}
	loop_task_queue(er->loop, er->turn);
}

/* The role is not trusted: what makes no sense ends the link. */
static bool take(struct engine_registry *er, const struct link_head *h)
{
	struct registry_set *s = NULL;
	int n = registry_take(&er->taker, h->type, rd_from(record, h->len), &s);

	if (n < 0) {
		drop(er, strerror(-n));
		return false;
	}
	if (n == 1 && exchange_registry(er->exchange, s, clock_now_ns()))
		log_error("registry_set", "error=%s", "out of memory");
	return true;
}

bool engine_registry_read(struct engine_registry *er)
{
	struct link_head h;
	int n = 0;

	if (!er->link || !link_ready(er->link))
		return false;
	for (int i = 0; i < RECORDS_TURN; i++) {
		n = link_read(er->link, &h, record);
		if (n <= 0)
			break;
		if (!take(er, &h))
			return false;
	}
	if (n < 0) {
		drop(er, strerror(-n));
		return false;
	}
	link_flush(er->link, false);
	return n > 0;
}

bool engine_registry_sleep(struct engine_registry *er)
{
	return !er->link || link_sleep(er->link);
}

void engine_registry_wake(struct engine_registry *er)
{
	if (er->link)
		link_wake(er->link);
}
