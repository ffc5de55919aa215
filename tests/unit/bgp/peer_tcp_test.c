/*
 * TCP-MD5 and GTSM, in a network namespace of the test's own: every packet
 * on its loopback is looked at, and a peer without the key, or from further
 * away, gets no session.
 */
#include "peer_rig.h"

#include "base/clock.h"
#include "bgp/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/tcp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMBER(what)                                                           \
	"member \"Alpha\" { asn 64501; at 127.0.0.2 { passive on; " what "} "  \
	"}\n"

static struct rig rig;
static struct speaker a;

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0)
		return;
	assert_true(write(fd, text, strlen(text)) > 0);
	close(fd);
}

/* As root in a network of our own, whoever runs the test. */
static int own_network(void **state)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	char map[64];
	unsigned uid = getuid();

	(void)state;
	if (uid == 0) {
		assert_int_equal(unshare(CLONE_NEWNET), 0);
	} else {
		assert_int_equal(unshare(CLONE_NEWUSER | CLONE_NEWNET), 0);
		put("/proc/self/setgroups", "deny");
		snprintf(map, sizeof map, "0 %u 1", uid);
		put("/proc/self/uid_map", map);
	}
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
	return 0;
}

static int tap(void)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, htons(ETH_P_IP));

	assert_true(fd >= 0);
	return fd;
}

struct seen {
	unsigned packets; /* that we sent */
	unsigned signed_;
	unsigned ttl255;
};

static bool has_md5(const uint8_t *tcp)
{
	const uint8_t *end = tcp + 4 * (tcp[12] >> 4);

	for (const uint8_t *o = tcp + 20; o < end && *o;)
		if (*o == 19)
			return o[1] == 18;
		else
			o += *o == 1 ? 1 : o[1];
	return false;
}

static struct seen look(int fd, uint16_t port)
{
	struct seen s = {0};
	uint8_t p[2048];
	struct sockaddr_ll from;
	socklen_t n = sizeof from;
	ssize_t len;

	while ((len = recvfrom(
		    fd, p, sizeof p, 0, (struct sockaddr *)&from, &n)) > 0) {
		size_t head = 4u * (p[0] & 15);

		if (from.sll_pkttype == PACKET_OUTGOING ||
		    p[9] != IPPROTO_TCP || (p[head] << 8 | p[head + 1]) != port)
			continue;
		s.packets++;
		s.ttl255 += p[8] == 255;
		s.signed_ += has_md5(p + head);
	}
	return s;
}

/* A peer's socket: with that key and TTL, bound to 127.0.0.2. */
static int peer_socket(const char *key, int ttl)
{
	struct sockaddr_storage sa;
	struct ip ip;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ip_parse("127.0.0.1", &ip), 0);
	if (key) {
		struct tcp_md5sig k = {.tcpm_keylen = (uint16_t)strlen(key)};

		memcpy(k.tcpm_key, key, strlen(key));
		ip_to_sockaddr(&ip, 0, &sa);
		memcpy(&k.tcpm_addr, &sa, sizeof k.tcpm_addr);
		assert_int_equal(
		    setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &k, sizeof k), 0);
	}
	if (ttl)
		assert_int_equal(
		    setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl), 0);
	assert_int_equal(ip_parse("127.0.0.2", &ip), 0);
	socklen_t n = ip_to_sockaddr(&ip, 0, &sa);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* True when TCP comes up within half a second. */
static bool reaches(int fd)
{
	struct sockaddr_storage sa;
	struct ip ip;

	assert_int_equal(ip_parse("127.0.0.1", &ip), 0);
	socklen_t n = ip_to_sockaddr(&ip, rig.port, &sa);
	connect(fd, (struct sockaddr *)&sa, n);
	for (int i = 0; i < 100; i++) {
		rig_turn(&rig, 5);
		if (!getpeername(fd, (struct sockaddr *)&sa, &n))
			return true;
	}
	return false;
}

static void a_key_signs_every_segment_and_keeps_others_out(void **state)
{
	(void)state;
	rig_start(&rig, "", MEMBER("password \"right\"; "));
	int fd = peer_socket(NULL, 0);
	assert_false(reaches(fd));
	close(fd);
	fd = peer_socket("wrong", 0);
	assert_false(reaches(fd));
	close(fd);
	int watch = tap();
	speak_on(&rig, &a, peer_socket("right", 0), 64501);
	assert_true(reaches(a.fd));
	speak_up(&a);
	struct seen s = look(watch, rig.port);
	assert_true(s.packets >= 3);
	assert_int_equal(s.signed_, s.packets);
	/* Another key: the session is reset, and the new one counts. */
	rig_reload(&rig, "", MEMBER("password \"other\"; "));
	rig_expect(&rig, FEED_DOWN);
	speak_close(&a);
	fd = peer_socket("right", 0);
	assert_false(reaches(fd));
	close(fd);
	fd = peer_socket("other", 0);
	assert_true(reaches(fd));
	close(fd);
	/* None at all any more. */
	rig_reload(&rig, "", MEMBER(""));
	fd = peer_socket("other", 0);
	assert_false(reaches(fd));
	close(fd);
	fd = peer_socket(NULL, 0);
	assert_true(reaches(fd));
	close(fd);
	close(watch);
	rig_stop(&rig);
}

static void what_we_open_is_signed_too(void **state)
{
	char members[256];
	uint16_t port;
	struct tcp_md5sig k = {.tcpm_keylen = 5, .tcpm_key = "right"};
	struct sockaddr_storage sa;
	struct ip ip;

	(void)state;
	int fd = speak_listen("127.0.0.2", &port);
	assert_int_equal(ip_parse("127.0.0.1", &ip), 0);
	ip_to_sockaddr(&ip, 0, &sa);
	memcpy(&k.tcpm_addr, &sa, sizeof k.tcpm_addr);
	assert_int_equal(
	    setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &k, sizeof k), 0);
	snprintf(members, sizeof members,
	    "member \"Alpha\" { asn 64501; at 127.0.0.2 { port %u; "
	    "password \"right\"; gtsm on; } }\n",
	    port);
	rig_start(&rig, "", members);
	int ttl = 255;
	setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
	speak_accepted(&rig, &a, fd, 64501);
	speak_up(&a);
	struct peer_info p;
	assert_true(peers_info(rig.peers, 0, &p));
	assert_true(p.md5 && p.gtsm);
	speak_close(&a);
	close(fd);
	rig_stop(&rig);
}

static void gtsm_sends_255_and_takes_nothing_less(void **state)
{
	(void)state;
	rig_start(&rig, "", MEMBER("gtsm on; "));
	int watch = tap();
	speak_on(&rig, &a, peer_socket(NULL, 255), 64501);
	assert_true(reaches(a.fd));
	speak_up(&a);
	struct seen s = look(watch, rig.port);
	assert_true(s.packets >= 3);
	assert_int_equal(s.ttl255, s.packets);
	speak_close(&a);
	rig_expect(&rig, FEED_DOWN);
	/* From two hops away: its OPEN is not heard, and it gets nowhere. */
	rig_reload(&rig, "", MEMBER("gtsm off; "));
	rig_reload(&rig, "", MEMBER("gtsm on; "));
	speak_on(&rig, &a, peer_socket(NULL, 253), 64501);
	reaches(a.fd);
	speak_open(&a);
	rig_turn(&rig, 1000);
	assert_false(rig_record(&rig));
	assert_int_equal(rig.events[PEERS_UP], 1);
	speak_close(&a);
	close(watch);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_signs_every_segment_and_keeps_others_out),
	    cmocka_unit_test(what_we_open_is_signed_too),
	    cmocka_unit_test(gtsm_sends_255_and_takes_nothing_less),
	};

	return cmocka_run_group_tests(tests, own_network, NULL);
}
