/* One session; see play_session.h. */
#include "cli/play/play_session.h"

#include "base/clock.h"
#include "bgp/bgp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define OUT_SIZE ((size_t)512 << 10)
#define IN_SIZE ((size_t)256 << 10)
#define CONNECT_S 30
#define LEAVE_S 10
#define PROGRESS_NS (2 * NS_PER_S)
#define DRAIN_MS 20

enum state {
	CONNECTING,
	OPEN_SENT,
	OPEN_CONFIRM,
	ESTABLISHED,
	LEAVING
};

struct session {
	const struct play_session_conf *c;
	struct play_source *source;
	struct play_outcome *out;
	enum state state;
	bool over;
	int fd;
	struct ip local;
	size_t max_in; /* bytes of a message that we take */
	uint64_t now;
	uint64_t hold_ns;   /* 0: no timers */
	uint64_t hold_due;  /* the peer must have spoken */
	uint64_t alive_due; /* we must speak */
	uint64_t first_route, said, source_due;
	bool waiting;	  /* the source has nothing before source_due */
	bool at_end;	  /* the source has nothing at all */
	uint8_t *to_send; /* OUT_SIZE; from..to are unsent */
	size_t from, to;
	uint8_t *in; /* IN_SIZE */
	size_t got;
	const char *unsent[FAMILY_COUNT]; /* why a family cannot be sent */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

void play_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool play_interrupted(void)
{
	return interrupted;
}

static void end(struct session *x, enum play_end how, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void end(struct session *x, enum play_end how, const char *fmt, ...)
{
	va_list ap;

	if (x->over)
		return;
	x->over = true;
	x->out->end = how;
	va_start(ap, fmt);
	(void)vsnprintf(x->out->why, sizeof x->out->why, fmt, ap);
	va_end(ap);
}

/* ---- sending ----------------------------------------------------------- */

static struct wr out_open(struct session *x)
{
	if (x->from && x->from == x->to)
		x->from = x->to = 0;
	if (OUT_SIZE - x->to < BGP_MAX_EXTENDED) {
		memmove(x->to_send, x->to_send + x->from, x->to - x->from);
		x->to -= x->from;
		x->from = 0;
	}
	return wr_from(x->to_send + x->to, OUT_SIZE - x->to);
}

static void out_close(struct session *x, const struct wr *w)
{
	if (!wr_ok(w))
		return;
	x->to += wr_len(w);
	x->alive_due = x->now + x->hold_ns / 3;
}

static void flush(struct session *x)
{
	while (x->from < x->to) {
		ssize_t n = send(x->fd, x->to_send + x->from, x->to - x->from,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			/* What the peer said before it left is read first. */
			if (errno != EPIPE && errno != ECONNRESET)
				end(x, PLAY_LOST, "cannot send: %s",
				    strerror(errno));
			x->from = x->to;
			return;
		}
		x->from += (size_t)n;
	}
}

static void keepalive(struct session *x)
{
	struct wr w = out_open(x);

	bgp_keepalive_write(&w);
	out_close(x, &w);
}

static void notify(struct session *x, const struct bgp_notify *n)
{
	struct wr w = out_open(x);

	bgp_notify_write(&w, n);
	out_close(x, &w);
	flush(x);
}

static void refuse(struct session *x, const struct bgp_notify *n)
{
	char text[256];

	notify(x, n);
	end(x, PLAY_REFUSED, "what the peer sent was no BGP: %s",
	    bgp_notify_format(n, text, sizeof text));
}

static void send_open(struct session *x)
{
	const struct play_session_conf *c = x->c;
	struct bgp_open o = {.asn = c->asn,
	    .hold_s = c->hold_s,
	    .id = c->router_id,
	    .mp = true,
	    .families = c->families,
	    .as4 = true,
	    .refresh = true,
	    .enhanced_refresh = true,
	    .extended = true};
	const uint8_t *b = x->local.b;
	struct wr w = out_open(x);

	if (x->local.family == FAMILY_IPV6 && !c->has_hop[FAMILY_IPV4])
		o.next_hop6 = BGP_FAMILY(FAMILY_IPV4);
	if (!o.id && x->local.family == FAMILY_IPV6)
		b += 12;
	if (!o.id)
		o.id = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
		       (uint32_t)b[2] << 8 | b[3];
	if (!o.id)
		o.id = c->asn;
	bgp_open_write(&w, &o);
	out_close(x, &w);
	x->state = OPEN_SENT;
	x->hold_due = x->now + CONNECT_S * NS_PER_S;
}

/* ---- receiving --------------------------------------------------------- */

/* Our address as a next hop for a family; false: there is none. */
static bool hop_of(
    struct session *x, enum family f, const struct bgp_open *o, struct ip *ret)
{
	const struct play_session_conf *c = x->c;

	if (c->has_hop[f]) {
		*ret = c->hop[f];
		return true;
	}
	*ret = x->local;
	return x->local.family == f ||
	       (f == FAMILY_IPV4 && o->next_hop6 & BGP_FAMILY(f));
}

static void begin(struct session *x, const struct bgp_open *o)
{
	struct play_shape shape = {
	    .as4 = o->as4,
	    .enhanced_refresh = o->enhanced_refresh,
	    .extended = o->extended,
	};
	uint8_t theirs = o->mp ? o->families : BGP_FAMILY(FAMILY_IPV4);

	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		if (!(x->c->families & BGP_FAMILY(f)))
			continue;
		if (!(theirs & BGP_FAMILY(f)))
			x->unsent[f] = "the peer does not take them";
		else if (!hop_of(x, (enum family)f, o, &shape.hop[f]))
			x->unsent[f] =
			    f == FAMILY_IPV6
				? "no next hop for them, see --next-hop6"
				: "no next hop for them, see --next-hop";
		else
			shape.families |= (uint8_t)BGP_FAMILY(f);
	}
	x->max_in = o->extended ? BGP_MAX_EXTENDED : BGP_MAX;
	play_source_begin(x->source, &shape, x->now);
}

static void on_open(struct session *x, struct rd body)
{
	struct bgp_notify n;
	struct bgp_open o;
	char to[IP_TEXT];

	if (bgp_open_parse(body, &o, &n)) {
		refuse(x, &n);
		return;
	}
	uint16_t hold = o.hold_s < x->c->hold_s ? o.hold_s : x->c->hold_s;
	x->hold_ns = hold * NS_PER_S;
	begin(x, &o);
	keepalive(x);
	x->state = OPEN_CONFIRM;
	if (!x->c->quiet)
		(void)fprintf(stderr,
		    "spean play: AS%u answers at %s, hold time %u s\n", o.asn,
		    ip_format(&x->c->to, to), hold);
}

static void heard(struct session *x)
{
	if (x->state != LEAVING)
		x->hold_due =
		    x->now + (x->hold_ns ? x->hold_ns : CONNECT_S * NS_PER_S);
}

static void on_established(struct session *x)
{
	x->state = ESTABLISHED;
	x->out->established = true;
	x->first_route = x->now;
	x->said = x->now;
}

static void on_refresh(struct session *x, struct rd body)
{
	struct bgp_refresh r;
	struct bgp_notify n;

	if (bgp_refresh_parse(body, &r, &n)) {
		refuse(x, &n);
		return;
	}
	if (r.family >= FAMILY_COUNT || r.subtype != 0)
		return;
	play_source_refresh(x->source, (enum family)r.family);
	x->waiting = x->at_end = false;
}

static void on_message(struct session *x, enum bgp_type type, struct rd body)
{
	struct bgp_notify n;
	char text[320];

	if (type == BGP_NOTIFICATION) {
		bgp_notify_parse(body, &n);
		end(x, PLAY_REFUSED, "the peer ended the session: %s",
		    bgp_notify_format(&n, text, sizeof text));
	} else if (x->state == OPEN_SENT && type == BGP_OPEN) {
		on_open(x, body);
	} else if (x->state == OPEN_CONFIRM && type == BGP_KEEPALIVE) {
		on_established(x);
	} else if (x->state < ESTABLISHED || type == BGP_OPEN) {
		n = (struct bgp_notify){.code = BGP_ERR_FSM};
		notify(x, &n);
		end(x, PLAY_REFUSED, "the peer sent messages out of order");
	} else if (type == BGP_ROUTE_REFRESH) {
		on_refresh(x, body);
	} else if (type == BGP_UPDATE) {
		x->out->received++;
	}
}

/* Takes the whole messages off what came. */
static void messages(struct session *x)
{
	size_t at = 0;

	while (!x->over && x->got - at >= BGP_HEADER) {
		enum bgp_type type;
		struct bgp_notify n;
		size_t len = bgp_header(x->in + at, x->max_in, &type, &n);

		if (len == 0) {
			refuse(x, &n);
			break;
		}
		if (x->got - at < len)
			break;
		on_message(x, type,
		    rd_from(x->in + at + BGP_HEADER, len - BGP_HEADER));
		heard(x);
		at += len;
	}
	memmove(x->in, x->in + at, x->got - at);
	x->got -= at;
}

static void receive(struct session *x)
{
	ssize_t n = recv(x->fd, x->in + x->got, IN_SIZE - x->got, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		x->got += (size_t)n;
		messages(x);
		return;
	}
	if (x->state == LEAVING)
		end(x, x->out->all_sent ? PLAY_SENT : PLAY_STOPPED, "%s", "");
	else
		end(x, PLAY_LOST, "the connection was lost%s%s",
		    n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
}

/* ---- connecting -------------------------------------------------------- */

static int set_password(struct session *x)
{
	struct tcp_md5sig sig = {0};
	size_t n = strlen(x->c->password);

	if (n > TCP_MD5SIG_MAXKEYLEN)
		return -EINVAL;
	(void)ip_to_sockaddr(&x->c->to, 0, &sig.tcpm_addr);
	sig.tcpm_keylen = (uint16_t)n;
	memcpy(sig.tcpm_key, x->c->password, n);
	if (setsockopt(x->fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof sig))
		return -errno;
	return 0;
}

static int set_options(struct session *x)
{
	struct sockaddr_storage from;
	int ttl = 255, one = 1;

	(void)setsockopt(x->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (x->c->password) {
		int err = set_password(x);
		if (err)
			return err;
	}
	if (x->c->gtsm) {
		int level = IPPROTO_IP, name = IP_TTL;

		if (x->c->to.family == FAMILY_IPV6) {
			level = IPPROTO_IPV6;
			name = IPV6_UNICAST_HOPS;
		}
		if (setsockopt(x->fd, level, name, &ttl, sizeof ttl))
			return -errno;
	}
	if (x->c->has_from) {
		socklen_t n = ip_to_sockaddr(&x->c->from, 0, &from);
		if (bind(x->fd, (struct sockaddr *)&from, n))
			return -errno;
	}
	return 0;
}

static void connect_to(struct session *x)
{
	struct sockaddr_storage to;
	socklen_t n = ip_to_sockaddr(&x->c->to, x->c->port, &to);
	char text[IP_TEXT];
	int err = 0;

	x->fd =
	    socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (x->fd < 0)
		err = -errno;
	else
		err = set_options(x);
	if (!err && connect(x->fd, (struct sockaddr *)&to, n) &&
	    errno != EINPROGRESS)
		err = -errno;
	if (err)
		end(x, PLAY_LOST, "cannot connect to %s port %u: %s",
		    ip_format(&x->c->to, text), x->c->port, strerror(-err));
	x->hold_due = x->now + CONNECT_S * NS_PER_S;
}

static void connected(struct session *x)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa, n_err = sizeof(int);
	char text[IP_TEXT];
	uint16_t port;
	int err = 0;

	(void)getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &err, &n_err);
	if (!err && getsockname(x->fd, (struct sockaddr *)&sa, &n))
		err = errno;
	if (!err)
		err = -ip_from_sockaddr(
		    (const struct sockaddr *)&sa, &x->local, &port);
	if (err) {
		end(x, PLAY_LOST, "cannot connect to %s port %u: %s",
		    ip_format(&x->c->to, text), x->c->port, strerror(err));
		return;
	}
	send_open(x);
}

/* ---- the loop ---------------------------------------------------------- */

static void progress(struct session *x)
{
	const struct play_figures *g = play_source_figures(x->source);
	uint64_t n = 0, known = 0;

	if (x->c->quiet || x->now - x->said < PROGRESS_NS)
		return;
	x->said = x->now;
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		n += g->announced[f] + g->withdrawn[f];
		known += g->known[f];
	}
	double s = (double)(x->now - x->first_route) / 1e9;
	(void)fprintf(stderr, "spean play: %llu", (unsigned long long)n);
	if (g->table)
		(void)fprintf(stderr, " of %llu", (unsigned long long)known);
	(void)fprintf(
	    stderr, " routes sent, %.0f/s\n", s > 0 ? (double)n / s : 0);
}

static void leave(struct session *x, const char *text)
{
	struct bgp_notify n = bgp_notify_cease(BGP_CEASE_SHUTDOWN, text);

	notify(x, &n);
	x->state = LEAVING;
	x->hold_due = x->now + LEAVE_S * NS_PER_S;
	(void)shutdown(x->fd, SHUT_WR);
}

/* All was given to the kernel: did the peer's take it? */
static bool drained(const struct session *x)
{
	int left = 0;

	return x->from == x->to && ioctl(x->fd, SIOCOUTQ, &left) == 0 &&
	       left == 0;
}

static void say_sent(struct session *x)
{
	const struct play_figures *g = play_source_figures(x->source);
	double s = (double)x->out->send_ns / 1e9;

	if (x->c->quiet)
		return;
	(void)fprintf(stderr,
	    "spean play: all sent in %.2f s: %llu IPv4 and %llu IPv6 routes", s,
	    (unsigned long long)g->announced[FAMILY_IPV4],
	    (unsigned long long)g->announced[FAMILY_IPV6]);
	if (g->withdrawn[FAMILY_IPV4] + g->withdrawn[FAMILY_IPV6])
		(void)fprintf(stderr, ", %llu withdrawals",
		    (unsigned long long)(g->withdrawn[FAMILY_IPV4] +
					 g->withdrawn[FAMILY_IPV6]));
	(void)fprintf(
	    stderr, ", in %llu messages\n", (unsigned long long)g->messages);
	if (g->no_hop) {
		const char *why = x->unsent[FAMILY_IPV6];

		(void)fprintf(stderr,
		    "spean play: %llu routes were left out: %s\n",
		    (unsigned long long)g->no_hop,
		    why ? why : x->unsent[FAMILY_IPV4]);
	}
	if (g->damaged + g->too_long)
		(void)fprintf(stderr,
		    "spean play: left out: %llu damaged, %llu too long for a "
		    "message\n",
		    (unsigned long long)g->damaged,
		    (unsigned long long)g->too_long);
	if (!x->c->exit_when_sent)
		(void)fprintf(
		    stderr, "spean play: the session stays up until ^C\n");
}

/* Keeps the buffer filled while the source has something for now. */
static void refill(struct session *x)
{
	if (x->state != ESTABLISHED || x->at_end)
		return;
	if (x->waiting && x->now < x->source_due)
		return;
	x->waiting = false;
	while (x->to - x->from < OUT_SIZE - 2 * BGP_MAX_EXTENDED) {
		struct wr w = out_open(x);
		enum play_next r =
		    play_source_next(x->source, &w, x->now, &x->source_due);

		if (r == PLAY_MESSAGE) {
			out_close(x, &w);
			continue;
		}
		x->waiting = r == PLAY_LATER;
		x->at_end = r == PLAY_END;
		break;
	}
}

static void timers(struct session *x)
{
	struct bgp_notify n = {.code = BGP_ERR_HOLD};

	if (x->now >= x->hold_due && (x->hold_ns || x->state < ESTABLISHED)) {
		if (x->state == LEAVING) {
			end(x, x->out->all_sent ? PLAY_SENT : PLAY_STOPPED,
			    "%s", "");
		} else if (x->state == CONNECTING) {
			end(x, PLAY_LOST, "nobody answers there");
		} else {
			notify(x, &n);
			end(x, PLAY_REFUSED,
			    "the peer was silent for too long");
		}
		return;
	}
	if (x->state == LEAVING && x->now >= x->hold_due)
		end(x, x->out->all_sent ? PLAY_SENT : PLAY_STOPPED, "%s", "");
	/* A queue that does not move says enough already. */
	if (x->state >= OPEN_CONFIRM && x->state < LEAVING && x->hold_ns &&
	    x->now >= x->alive_due && x->to - x->from < OUT_SIZE / 2)
		keepalive(x);
}

static int wait_ms(const struct session *x)
{
	uint64_t due = x->now + NS_PER_S;
	const uint64_t others[] = {x->hold_due, x->alive_due,
	    x->waiting ? x->source_due : 0,
	    x->at_end && !x->out->all_sent ? x->now + DRAIN_MS * NS_PER_MS : 0};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (others[i] && others[i] < due)
			due = others[i];
	if (due <= x->now)
		return 0;
	return (int)((due - x->now + NS_PER_MS - 1) / NS_PER_MS);
}

static void turn(struct session *x)
{
	struct pollfd p = {.fd = x->fd, .events = POLLIN};

	if (x->state == CONNECTING || x->from < x->to)
		p.events |= POLLOUT;
	if (poll(&p, 1, wait_ms(x)) < 0 && errno != EINTR)
		end(x, PLAY_LOST, "poll: %s", strerror(errno));
	x->now = clock_now_ns();
	if (x->state == CONNECTING && p.revents)
		connected(x);
	else if (p.revents & (POLLIN | POLLERR | POLLHUP))
		receive(x);
	if (interrupted && x->state < LEAVING) {
		if (x->state == CONNECTING)
			end(x, PLAY_STOPPED, "%s", "");
		else
			leave(x, NULL);
	}
	if (x->over)
		return;
	timers(x);
	refill(x);
	if (x->state > CONNECTING)
		flush(x);
	if (x->state == ESTABLISHED && !x->at_end)
		progress(x);
	if (x->state == ESTABLISHED && x->at_end && !x->out->all_sent &&
	    drained(x)) {
		x->out->all_sent = true;
		x->out->send_ns = x->now - x->first_route;
		say_sent(x);
	}
	if (x->state == ESTABLISHED && x->out->all_sent && x->at_end &&
	    x->c->exit_when_sent && drained(x))
		leave(x, "all sent");
}

void play_session(const struct play_session_conf *c, struct play_source *s,
    struct play_outcome *ret)
{
	struct session x = {.c = c,
	    .source = s,
	    .out = ret,
	    .fd = -1,
	    .max_in = BGP_MAX,
	    .now = clock_now_ns(),
	    .to_send = malloc(OUT_SIZE),
	    .in = malloc(IN_SIZE)};

	*ret = (struct play_outcome){0};
	if (!x.to_send || !x.in)
		end(&x, PLAY_LOST, "out of memory");
	else
		connect_to(&x);
	while (!x.over)
		turn(&x);
	if (x.fd >= 0)
		close(x.fd);
	free(x.to_send);
	free(x.in);
}
