/*
 * The api role: clients of the control sockets on one side, links to engine
 * and session and questions to the parent on the other.  It changes nothing
 * by itself.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "daemon/api_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RING ((size_t)512 << 10)
#define ANSWER_MAX ((size_t)256 << 20)
#define READS 64 /* records of one link in one turn */

/* ---- clients ------------------------------------------------------------ */

static void on_request(struct api_client *c, const char *line, size_t n)
{
	struct api *a = api_client_arg(c);
	struct api_request r;
	char why[API_WHY];

	if (api_request_parse(line, n, api_client_is_control(c), &r, why))
		api_end(c, 2, why);
	else
		api_job_start(a, c, &r);
}

static void on_gone(struct api_client *c)
{
	struct api_job *j = api_client_job(c);

	if (j)
		api_job_client_gone(j);
}

static void set_pause(struct api_client *c, bool pause)
{
	struct api *a = api_client_arg(c);
	struct api_job *j = api_client_job(c);

	if (!j)
		return;
	j->pause = pause;
	/* Said from the pump: we may be in the middle of reading a ring. */
	loop_task_queue(a->env->loop, &a->pump);
}

static void on_full(struct api_client *c)
{
	set_pause(c, true);
}

static void on_drained(struct api_client *c)
{
	set_pause(c, false);
}

static const struct api_server_ops server_ops = {
    .request = on_request,
    .gone = on_gone,
    .full = on_full,
    .drained = on_drained,
};

/* ---- links -------------------------------------------------------------- */

static void drop_link(struct api_peer *p)
{
	struct api *a = p->api;

	if (!p->link)
		return;
	loop_del(a->env->loop, &p->bell);
	link_free(p->link);
	p->link = NULL;
	list_each(e, next, &a->jobs)
	    api_job_link_lost(list_entry(e, struct api_job, all), p);
}

/* True when there may be more. */
static bool read_link(struct api_peer *p)
{
	static char buf[LINK_RECORD_MAX];
	struct link_head h;

	for (int i = 0; i < READS && p->link; i++) {
		int n = link_read(p->link, &h, buf);

		if (n < 0) {
			char name[ROLE_NAME];

			role_format(api_peer_name(p->role), p->index, name);
			log_error("link_broken", "with=%s error=%s", name,
			    strerror(-n));
			drop_link(p);
			return false;
		}
		if (n == 0)
			return false;
		struct api_job *j = api_job_find(p->api, h.a);
		if (!j)
			continue;
		if (h.type == QUERY_LINES)
			api_job_lines(j, p, buf, h.len);
		else if (h.type == QUERY_END)
			api_job_end(j, p, (int)h.b);
	}
	return p->link != NULL;
}

static void pump(struct loop_task *t)
{
	struct api *a = list_entry(t, struct api, pump);

	for (unsigned i = 0; i < a->n_peer; i++) {
		struct api_peer *p = &a->peer[i];

		if (p->link && read_link(p))
			loop_task_queue(a->env->loop, t);
		list_each(e, next, &a->jobs)
		    api_job_push(list_entry(e, struct api_job, all), p);
		if (p->link)
			link_flush(p->link, false);
	}
}

static void bell(struct loop_fd *f, uint32_t events)
{
	struct api_peer *p = list_entry(f, struct api_peer, bell);

	(void)events;
	if (link_bell(p->link)) {
		/* What it wrote before it died is worth reading. */
		while (p->link && read_link(p))
			;
		drop_link(p);
		return;
	}
	loop_task_queue(p->api->env->loop, &p->api->pump);
}

static bool before_sleep(void *arg)
{
	struct api *a = arg;
	bool sleep = true;

	for (unsigned i = 0; i < a->n_peer; i++)
		if (a->peer[i].link && !link_sleep(a->peer[i].link))
			sleep = false;
	if (!sleep)
		loop_task_queue(a->env->loop, &a->pump);
	return sleep;
}

static void after_sleep(void *arg)
{
	struct api *a = arg;

	for (unsigned i = 0; i < a->n_peer; i++)
		if (a->peer[i].link)
			link_wake(a->peer[i].link);
}

/* ---- the role ----------------------------------------------------------- */

static void add_peer(struct api *a, enum role r, unsigned index)
{
	must(a->n_peer < API_PEERS);
	a->peer[a->n_peer] = (struct api_peer){
	    .api = a,
	    .role = r,
	    .index = index,
	    .place = a->n_peer,
	    .bell = {.ready = bell},
	};
	a->n_peer++;
}

static struct api_peer *find_peer(struct api *a, struct role_at at)
{
	for (unsigned i = 0; i < a->n_peer; i++)
		if (a->peer[i].role == at.role && a->peer[i].index == at.index)
			return &a->peer[i];
	return NULL;
}

static int api_start(struct role_env *e, const struct role_conf *rc)
{
	struct api *a = calloc(1, sizeof *a);

	(void)rc;
	if (!a)
		return -ENOMEM;
	a->env = e;
	a->server = api_server_new(e->loop, &server_ops, a);
	if (!a->server) {
		free(a);
		return -ENOMEM;
	}
	list_init(&a->jobs);
	a->pump.run = pump;
	for (unsigned i = 0; i < e->conf->exchange.sessions; i++)
		add_peer(a, ROLE_SESSION, i);
	a->n_session = a->n_peer;
	add_peer(a, ROLE_ENGINE, 0);
	add_peer(a, ROLE_RPKI, 0);
	loop_on_sleep(e->loop, before_sleep, after_sleep, a);
	e->state = a;
	return 0;
}

/* Two sockets: who may change, and who may read. */
static void api_listen(struct role_env *e, const int *fds, int n)
{
	struct api *a = e->state;

	for (int i = 0; i < n; i++) {
		bool fits = a->n_listen < 2;
		int err = fits ? api_server_listen(
				     a->server, fds[i], a->n_listen == 0)
			       : -ENOSPC;

		if (err)
			close(fds[i]);
		else
			a->n_listen++;
	}
}

static void api_link(struct role_env *e, struct role_at other, int sock)
{
	struct api *a = e->state;
	struct api_peer *p = find_peer(a, other);

	if (!p) {
		close(sock);
		return;
	}
	drop_link(p);
	int err = link_new(sock, RING, 0, &p->link);
	if (err) {
		log_error("link_failed", "error=%s", strerror(-err));
		return;
	}
	p->bell.fd = link_fd(p->link);
	p->bell.events = EPOLLIN;
	err = loop_add(e->loop, &p->bell);
	if (err) {
		link_free(p->link);
		p->link = NULL;
	}
}

static void api_answer(struct role_env *e, uint32_t id, const struct msg *m)
{
	struct api *a = e->state;
	struct api_job *j = api_job_find(a, id);
	char *lines = NULL;
	size_t n = 0;

	if (!j || m->n_fds != 1)
		return;
	if (msg_blob_read(m->fds[0], ANSWER_MAX, &lines, &n)) {
		static const char bad[] =
		    "{\"end\":true,\"exit\":3,\"error\":\"out of memory\"}\n";

		api_job_answer(j, bad, sizeof bad - 1);
		return;
	}
	api_job_answer(j, lines, n);
	free(lines);
}

static void api_stop(struct role_env *e)
{
	loop_stop(e->loop);
}

static void api_finish(struct role_env *e)
{
	struct api *a = e->state;

	if (!a)
		return;
	list_each(el, next, &a->jobs)
	    api_job_free(list_entry(el, struct api_job, all));
	for (unsigned i = 0; i < a->n_peer; i++)
		drop_link(&a->peer[i]);
	api_server_free(a->server);
	free(a);
}

const struct role_ops role_api = {
    .name = "api",
    .start = api_start,
    .listen = api_listen,
    .link = api_link,
    .answer = api_answer,
    .stop = api_stop,
    .finish = api_finish,
};
