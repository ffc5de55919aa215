#include "peer_rig.h"

#include "base/clock.h"
#include "net/msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_event(void *arg, enum peers_event what, const struct ip *peer,
    uint32_t asn, const char *text)
{
	struct rig *r = arg;

	(void)peer;
	(void)asn;
	r->events[what]++;
	snprintf(r->last, sizeof r->last, "%s", text);
}

static void on_blame(void *arg, const struct ip *peer)
{
	struct rig *r = arg;

	r->blames++;
	r->blamed = *peer;
}

static void on_pass(void *arg, unsigned to, int fd, const struct ip *peer)
{
	struct rig *r = arg;

	r->passes++;
	r->passed_to = to;
	r->passed_fd = fd;
	r->passed = *peer;
}

static const struct peers_ops ops = {
    .event = on_event, .blame = on_blame, .pass = on_pass};

static bool before(void *arg)
{
	struct rig *r = arg;

	return peers_sleep(r->peers);
}

static void after(void *arg)
{
	struct rig *r = arg;

	peers_wake(r->peers);
}

static struct conf *parse(const char *exchange, const char *members)
{
	static char text[16384];
	struct conf *conf = NULL;
	struct conf_error *errors = NULL;
	size_t n = 0;

	int len = snprintf(text, sizeof text,
	    "exchange \"Test\" { asn 64500; router-id 192.0.2.1; "
	    "listen 127.0.0.1, ::1; connect-retry 1s; %s }\n"
	    "policy { preset open; }\n%s",
	    exchange, members);
	int err = conf_parse(text, (size_t)len, &conf, &errors, &n);
	if (err)
		print_error("%s\n", n ? errors[0].text : "?");
	assert_int_equal(err, 0);
	free(errors);
	return conf;
}

static int listen_on(const char *at, uint16_t port)
{
	struct sockaddr_storage sa;
	struct ip ip;
	int one = 1;

	assert_int_equal(ip_parse(at, &ip), 0);
	socklen_t n = ip_to_sockaddr(&ip, port, &sa);
	int fd =
	    socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	struct ip ip;
	uint16_t port;

	getsockname(fd, (struct sockaddr *)&sa, &n);
	assert_int_equal(
	    ip_from_sockaddr((struct sockaddr *)&sa, &ip, &port), 0);
	return port;
}

void rig_start(struct rig *r, const char *exchange, const char *members)
{
	rig_start_as(r, 0, exchange, members);
}

void rig_start_as(
    struct rig *r, unsigned instance, const char *exchange, const char *members)
{
	memset(r, 0, sizeof *r);
	r->loop = loop_new();
	r->conf = parse(exchange, members);
	assert_int_equal(
	    peers_new(r->loop, &ops, r, r->conf, instance, false, &r->peers),
	    0);
	loop_on_sleep(r->loop, before, after, r);
	int fd = listen_on("127.0.0.1", 0);
	r->port = port_of(fd);
	peers_listen(r->peers, &fd, 1);
	rig_link(r);
}

void rig_stop(struct rig *r)
{
	peers_free(r->peers);
	link_free(r->engine);
	conf_free(r->conf);
	loop_free(r->loop);
}

void rig_reload(struct rig *r, const char *exchange, const char *members)
{
	struct conf *old = r->conf;

	r->conf = parse(exchange, members);
	peers_apply(r->peers, old, r->conf);
	conf_free(old);
}

void rig_link(struct rig *r)
{
	int pair[2];
	size_t n;

	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(
	    link_new(pair[1], (size_t)1 << 20,
		FEED_CHUNKS_AT + RIG_CHUNKS * (size_t)FEED_CHUNK, &r->engine),
	    0);
	r->shared = link_extra(r->engine, &n);
	r->chunks = (uint8_t *)r->shared + FEED_CHUNKS_AT;
	r->shared->n_chunks = RIG_CHUNKS;
	assert_int_equal(peers_engine(r->peers, pair[0]), 0);
	assert_int_equal(link_bell(r->engine), 0);
	assert_true(link_ready(r->engine));
	rig_turn(r, 5);
}

void rig_kill_engine(struct rig *r)
{
	link_free(r->engine);
	r->engine = NULL;
	rig_turn(r, 5);
}

void rig_turn(struct rig *r, unsigned ms)
{
	uint64_t until = clock_now_ns() + ms * NS_PER_MS;

	do {
		assert_int_equal(loop_turn(r->loop, 1), 0);
		if (r->engine)
			link_sleep(r->engine);
	} while (clock_now_ns() < until);
}

/* Both messages whole, and those of the session that the rig plays. */
static void take_opens(struct rig *r)
{
	struct bytes sent, received;
	struct feed_opens o;
	struct bgp_notify n;
	struct bgp_open open;

	assert_true(
	    feed_opens_take(r->record, r->head.len, &o, &sent, &received));
	assert_int_equal(
	    bgp_open_parse(
		rd_from(sent.p + BGP_HEADER, sent.n - BGP_HEADER), &open, &n),
	    0);
	assert_int_equal(open.asn, 64500);
	assert_int_equal(bgp_open_parse(rd_from(received.p + BGP_HEADER,
					    received.n - BGP_HEADER),
			     &open, &n),
	    0);
	r->n_opens++;
}

/* The next UPDATE of the run at hand; false: there is none. */
static bool next_of_run(struct rig *r)
{
	while (r->run_at < r->run_len) {
		const uint8_t *m = r->run + r->run_at;
		size_t n = (size_t)m[16] << 8 | m[17];

		assert_true(n >= BGP_HEADER && n <= r->run_len - r->run_at);
		r->run_at += n;
		if (m[18] != BGP_UPDATE) {
			assert_int_equal(m[18], BGP_KEEPALIVE);
			continue;
		}
		r->head.type = FEED_UPDATE;
		r->head.len = (uint32_t)(n - BGP_HEADER);
		memcpy(r->record, m + BGP_HEADER, r->head.len);
		return true;
	}
	return false;
}

bool rig_record(struct rig *r)
{
	if (next_of_run(r))
		return true;
	int err = link_bell(r->engine);

	assert_int_equal(err, 0);
	int n = link_read(r->engine, &r->head, r->record);
	assert_true(n >= 0);
	if (n == 1 && r->head.type == FEED_OPENS) {
		take_opens(r);
		n = link_read(r->engine, &r->head, r->record);
		assert_true(n >= 0);
	}
	link_flush(r->engine, false);
	if (n && r->head.type == FEED_UPDATES) {
		memcpy(r->run, r->record, r->head.len);
		r->run_at = 0;
		r->run_len = r->head.len;
		return next_of_run(r);
	}
	return n == 1;
}

void rig_expect(struct rig *r, enum feed_type type)
{
	rig_until(r, rig_record(r));
	assert_int_equal(r->head.type, type);
}

void rig_tell(struct rig *r, enum feed_type type, uint32_t slot, uint32_t inc,
    const void *data, size_t n)
{
	assert_true(link_write(r->engine, type, slot, inc, data, n, NULL, 0));
	link_flush(r->engine, false);
}

struct feed_chunk *rig_chunk_at(struct rig *r, uint32_t index)
{
	return (void *)(r->chunks + (size_t)index * FEED_CHUNK);
}

uint32_t rig_chunk(struct rig *r, uint32_t index, uint32_t journal)
{
	struct feed_chunk *c = rig_chunk_at(r, index);

	c->seq = ++r->seq;
	c->used = 0;
	c->next = FEED_NO_CHUNK;
	c->journal = journal;
	return index;
}

static void append(
    struct feed_chunk *c, const struct feed_entry *e, const void *payload)
{
	uint32_t used = c->used;
	uint32_t n = (uint32_t)sizeof *e + ((e->len + 7) & ~7u);

	assert_true(used + n <= sizeof c->data);
	memcpy(c->data + used, e, sizeof *e);
	memcpy(c->data + used + sizeof *e, payload, e->len);
	atomic_store(&c->used, used + n);
}

uint32_t rig_mask(struct feed_chunk *c, uint64_t bits)
{
	uint32_t at = c->used + (uint32_t)sizeof(struct feed_entry);
	struct feed_entry e = {.len = 8, .kind = FEED_ENTRY_MASK};

	append(c, &e, &bits);
	return at;
}

void rig_entry(
    struct feed_chunk *c, uint32_t mask, const void *messages, size_t n)
{
	struct feed_entry e = {.len = (uint32_t)n,
	    .mask = mask,
	    .mask_words = 1,
	    .kind = FEED_ENTRY_ROUTES};

	append(c, &e, messages);
}

void rig_publish(struct rig *r)
{
	atomic_fetch_add(&r->shared->published, 1);
	link_flush(r->engine, true);
}

size_t rig_updates(uint8_t *to, unsigned first, unsigned n, size_t len)
{
	uint8_t *p = to;

	for (unsigned i = first; i < first + n; i++, p += len) {
		memset(p, 0xff, 16);
		memset(p + 16, 0, len - 16);
		p[16] = (uint8_t)(len >> 8);
		p[17] = (uint8_t)len;
		p[18] = BGP_UPDATE;
		if (len >= 23)
			memcpy(p + 19, &i, 4);
	}
	return (size_t)(p - to);
}

/* ---- a peer -------------------------------------------------------------- */

static void begin(struct rig *r, struct speaker *s, uint32_t asn)
{
	s->r = r;
	s->n = 0;
	s->closed = false;
	s->open = (struct bgp_open){
	    .asn = asn,
	    .hold_s = 90,
	    .id = asn,
	    .mp = true,
	    .families = 3,
	    .as4 = true,
	    .refresh = true,
	    .extended = true,
	};
}

void speak(struct rig *r, struct speaker *s, const char *from, uint32_t asn)
{
	struct sockaddr_storage sa;
	struct ip ip;

	begin(r, s, asn);
	assert_int_equal(ip_parse(from, &ip), 0);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = ip_to_sockaddr(&ip, 0, &sa);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(ip_parse("127.0.0.1", &ip), 0);
	n = ip_to_sockaddr(&ip, r->port, &sa);
	assert_int_equal(connect(s->fd, (struct sockaddr *)&sa, n), 0);
}

void speak_on(struct rig *r, struct speaker *s, int fd, uint32_t asn)
{
	begin(r, s, asn);
	s->fd = fd;
}

int speak_listen(const char *at, uint16_t *ret_port)
{
	int fd = listen_on(at, 0);

	*ret_port = port_of(fd);
	return fd;
}

void speak_accepted(
    struct rig *r, struct speaker *s, int listener, uint32_t asn)
{
	begin(r, s, asn);
	rig_until(r, (s->fd = accept(listener, NULL, NULL)) >= 0);
}

void speak_bytes(struct speaker *s, const void *p, size_t n)
{
	const uint8_t *b = p;
	unsigned tries = 0;

	while (n) {
		ssize_t k = send(s->fd, b, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k < 0) {
			assert_int_equal(errno, EAGAIN);
			assert_true(tries++ < 8000);
			rig_turn(s->r, 1);
			continue;
		}
		b += k;
		n -= (size_t)k;
	}
}

void speak_message(
    struct speaker *s, enum bgp_type type, const void *body, size_t n)
{
	uint8_t head[BGP_HEADER];
	size_t len = n + BGP_HEADER;

	memset(head, 0xff, 16);
	head[16] = (uint8_t)(len >> 8);
	head[17] = (uint8_t)len;
	head[18] = (uint8_t)type;
	speak_bytes(s, head, sizeof head);
	speak_bytes(s, body, n);
}

void speak_open(struct speaker *s)
{
	static uint8_t m[BGP_MAX];
	struct wr w = wr_from(m, sizeof m);

	bgp_open_write(&w, &s->open);
	speak_bytes(s, m, wr_len(&w));
}

void speak_keepalive(struct speaker *s)
{
	speak_message(s, BGP_KEEPALIVE, "", 0);
}

static bool take(struct speaker *s)
{
	struct bgp_notify n;

	if (s->n < BGP_HEADER)
		return false;
	size_t len = bgp_header(s->buf, BGP_MAX_EXTENDED, &s->type, &n);
	assert_true(len);
	if (s->n < len)
		return false;
	s->body_n = len - BGP_HEADER;
	memcpy(s->body, s->buf + BGP_HEADER, s->body_n);
	s->n -= len;
	memmove(s->buf, s->buf + len, s->n);
	return true;
}

bool hear(struct speaker *s)
{
	for (unsigned i = 0; i < 8000; i++) {
		if (take(s))
			return true;
		ssize_t k = recv(
		    s->fd, s->buf + s->n, sizeof s->buf - s->n, MSG_DONTWAIT);
		if (k > 0) {
			s->n += (size_t)k;
			continue;
		}
		if (k == 0 || errno != EAGAIN) {
			s->closed = true;
			return false;
		}
		rig_turn(s->r, 1);
	}
	fail_msg("nothing was said for 8 s");
	return false;
}

void hear_type(struct speaker *s, enum bgp_type type)
{
	assert_true(hear(s));
	assert_int_equal(s->type, type);
}

void hear_notification(struct speaker *s, uint8_t code, uint8_t subcode)
{
	do
		assert_true(hear(s));
	while (s->type != BGP_NOTIFICATION);
	assert_int_equal(s->body[0], code);
	assert_int_equal(s->body[1], subcode);
	assert_false(hear(s));
	speak_close(s);
}

void hear_end(struct speaker *s)
{
	while (hear(s))
		assert_int_not_equal(s->type, BGP_NOTIFICATION);
	speak_close(s);
}

void speak_up(struct speaker *s)
{
	speak_open(s);
	hear_type(s, BGP_OPEN);
	hear_type(s, BGP_KEEPALIVE);
	speak_keepalive(s);
	rig_expect(s->r, FEED_UP);
}

void speak_close(struct speaker *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
