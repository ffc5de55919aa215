#include "daemon/engine_monitor.h"

#include "base/log.h"

#include <string.h>

#define RING ((size_t)1 << 20)

static bool put(void *arg, uint32_t type, uint32_t a, const void *pa, size_t na,
    const void *pb, size_t nb)
{
	struct engine_monitor *em = arg;

	return link_write(em->link, type, a, 0, pa, na, pb, nb);
}

static void drop(struct engine_monitor *em, const char *why)
{
	if (!em->link)
		return;
	log_info("link_ended", "to=monitor info=\"%s\"", why);
	exchange_unwatch(em->exchange);
	em->watching = false;
	loop_del(em->loop, &em->bell);
	link_free(em->link);
	em->link = NULL;
}

static void watch(struct engine_monitor *em)
{
	const struct exchange_watch_out out = {
	    .write = put, .arg = em, .classes = em->out};

	if (em->watching || !link_ready(em->link))
		return;
	exchange_watch(em->exchange, &out);
	em->watching = true;
}

static void on_bell(struct loop_fd *f, uint32_t events)
{
	struct engine_monitor *em = list_entry(f, struct engine_monitor, bell);
	int err = link_bell(em->link);

	(void)events;
	if (err)
		drop(em, strerror(-err));
	else
		watch(em);
	loop_task_queue(em->loop, em->turn);
}

void engine_monitor_link(struct engine_monitor *em, int sock)
{
	drop(em, "replaced");
	int err = link_new(sock, RING, 0, &em->link);
	if (!err) {
		em->bell = (struct loop_fd){.fd = link_fd(em->link),
		    .events = EPOLLIN,
		    .ready = on_bell};
		err = loop_add(em->loop, &em->bell);
	}
	if (err) {
		log_error("link_failed", "error=%s", strerror(-err));
		link_free(em->link);
		em->link = NULL;
	}
	loop_task_queue(em->loop, em->turn);
}

void engine_monitor_conf(struct engine_monitor *em, const struct conf *c)
{
	em->out = false;
	for (size_t i = 0; i < c->monitoring.n_station; i++)
		em->out |= c->monitoring.station[i].out;
	if (em->watching && em->out)
		exchange_watch_classes(em->exchange);
}

void engine_monitor_flush(struct engine_monitor *em)
{
	if (em->link)
		link_flush(em->link, false);
}

bool engine_monitor_sleep(struct engine_monitor *em)
{
	return !em->link || link_sleep(em->link);
}

void engine_monitor_wake(struct engine_monitor *em)
{
	if (em->link)
		link_wake(em->link);
}
