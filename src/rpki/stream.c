#include "rpki/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct stream {
	int fd;
	bool connected; /* TCP */
	bool ready;	/* TLS too */
	SSL *ssl;	/* NULL: plain */
	uint32_t wants;
	char error[STREAM_ERROR];
};

/* ---- TLS ---------------------------------------------------------------- */

/* What OpenSSL says went wrong, into error; what: before it. */
static void say_tls(char error[STREAM_ERROR], const char *what)
{
	unsigned long e = ERR_get_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	snprintf(error, STREAM_ERROR, "%s%s%s", what, reason ? ": " : "",
	    reason ? reason : "");
	ERR_clear_error();
}

static BIO *bio_of(struct bytes b)
{
	return b.n && b.n <= INT32_MAX ? BIO_new_mem_buf(b.p, (int)b.n) : NULL;
}

/* Nobody is asked for a passphrase. */
static int no_passphrase(char *buf, int n, int writing, void *arg)
{
	(void)buf;
	(void)n;
	(void)writing;
	(void)arg;
	return 0;
}

static bool take_ca(SSL_CTX *ctx, struct bytes pem)
{
	BIO *bio = bio_of(pem);
	X509 *x;
	size_t n = 0;

	if (!bio)
		return false;
	while ((x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		n +=
		    (size_t)X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x);
		X509_free(x);
	}
	ERR_clear_error(); /* the end of the text is an error to OpenSSL */
	BIO_free(bio);
	return n > 0;
}

static bool take_certificate(SSL_CTX *ctx, struct bytes pem)
{
	BIO *bio = bio_of(pem);
	X509 *x =
	    bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	bool ok = x && SSL_CTX_use_certificate(ctx, x) == 1;

	X509_free(x);
	while (ok && (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)))
		if (SSL_CTX_add_extra_chain_cert(ctx, x) != 1)
			X509_free(x);
	if (ok)
		ERR_clear_error();
	BIO_free(bio);
	return ok;
}

static bool take_key(SSL_CTX *ctx, struct bytes pem)
{
	BIO *bio = bio_of(pem);
	EVP_PKEY *key =
	    bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
		: NULL;
	bool ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	return ok;
}

static SSL_CTX *context(const struct stream_tls *t, char why[STREAM_ERROR])
{
	static bool begun;
	SSL_CTX *ctx;

	/* Its configuration file is out of our reach, and of no interest. */
	if (!begun)
		OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	begun = true;
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx) {
		say_tls(why, "TLS");
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	/* A moved buffer and a short write are fine. */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Neither tickets nor handshakes without end keep us in one read. */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	if (!take_ca(ctx, t->ca))
		say_tls(why, "the ca file has no certificate that can be used");
	else if (t->certificate.n && !take_certificate(ctx, t->certificate))
		say_tls(why, "the certificate cannot be used");
	else if (t->certificate.n && !take_key(ctx, t->key))
		say_tls(why, "the key cannot be used with the certificate");
	else
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static bool expect_name(SSL *ssl, const char *name)
{
	struct ip ip;
	char host[256];

	snprintf(host, sizeof host, "%s", name); /* OpenSSL wants no const */
	if (!ip_parse(name, &ip))
		return X509_VERIFY_PARAM_set1_ip_asc(
			   SSL_get0_param(ssl), name) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, name) == 1 &&
	       SSL_set_tlsext_host_name(ssl, host) == 1;
}

static bool begin_tls(
    struct stream *s, const struct stream_tls *t, char why[STREAM_ERROR])
{
	SSL_CTX *ctx = context(t, why);

	if (!ctx)
		return false;
	s->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx); /* the session holds it */
	if (s->ssl && SSL_set_fd(s->ssl, s->fd) == 1 &&
	    expect_name(s->ssl, t->name)) {
		SSL_set_connect_state(s->ssl);
		return true;
	}
	say_tls(why, "TLS");
	return false;
}

/* After a call that gave n <= 0: 0 to wait, -1 it is over. */
static int after_tls(struct stream *s, int n)
{
	long verdict;

	switch (SSL_get_error(s->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		s->wants = EPOLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		s->wants = EPOLLOUT;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		snprintf(s->error, sizeof s->error,
		    "the cache closed the connection");
		return -1;
	default:
		break;
	}
	verdict = SSL_get_verify_result(s->ssl);
	if (!s->ready && verdict != X509_V_OK) {
		snprintf(s->error, sizeof s->error,
		    "the cache's certificate is refused: %s",
		    X509_verify_cert_error_string(verdict));
		ERR_clear_error();
	} else if (!ERR_peek_error()) {
		snprintf(s->error, sizeof s->error,
		    "the cache closed the connection");
	} else {
		say_tls(s->error, "TLS");
	}
	return -1;
}

/* ---- connecting ---------------------------------------------------------- */

struct stream *stream_open(const struct ip *to, uint16_t port,
    const struct stream_tls *tls, char why[STREAM_ERROR])
{
	struct sockaddr_storage sa;
	socklen_t n = ip_to_sockaddr(to, port, &sa);
	struct stream *s = calloc(1, sizeof *s);
	int one = 1;

	if (!s) {
		snprintf(why, STREAM_ERROR, "out of memory");
		return NULL;
	}
	s->wants = EPOLLOUT;
	s->fd =
	    socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0) {
		snprintf(why, STREAM_ERROR, "%s", strerror(errno));
		stream_free(s);
		return NULL;
	}
	(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	if (tls && !begin_tls(s, tls, why)) {
		stream_free(s);
		return NULL;
	}
	if (connect(s->fd, (const struct sockaddr *)&sa, n) &&
	    errno != EINPROGRESS) {
		snprintf(why, STREAM_ERROR, "%s", strerror(errno));
		stream_free(s);
		return NULL;
	}
	return s;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	if (s->ready && s->ssl)
		(void)SSL_shutdown(s->ssl);
	SSL_free(s->ssl);
	ERR_clear_error();
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

int stream_fd(const struct stream *s)
{
	return s->fd;
}

uint32_t stream_events(const struct stream *s)
{
	return s->wants;
}

static enum stream_state shake_hands(struct stream *s)
{
	int n = SSL_do_handshake(s->ssl);

	if (n == 1) {
		s->ready = true;
		s->wants = EPOLLIN;
		return STREAM_READY;
	}
	return after_tls(s, n) ? STREAM_FAILED : STREAM_WAITS;
}

enum stream_state stream_step(struct stream *s)
{
	int err = 0;
	socklen_t n = sizeof err;

	if (s->ready)
		return STREAM_READY;
	if (!s->connected) {
		if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &n))
			err = errno;
		if (err) {
			snprintf(
			    s->error, sizeof s->error, "%s", strerror(err));
			return STREAM_FAILED;
		}
		s->connected = true;
	}
	if (s->ssl)
		return shake_hands(s);
	s->ready = true;
	s->wants = EPOLLIN;
	return STREAM_READY;
}

/* ---- bytes ----------------------------------------------------------------
 */

/* The same for a socket's own calls. */
static ssize_t after_plain(struct stream *s, ssize_t n)
{
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	snprintf(s->error, sizeof s->error, "%s",
	    n ? strerror(errno) : "the cache closed the connection");
	return -1;
}

ssize_t stream_read(struct stream *s, void *buf, size_t n)
{
	if (s->ssl) {
		int k =
		    SSL_read(s->ssl, buf, n > INT32_MAX ? INT32_MAX : (int)n);

		return k > 0 ? k : after_tls(s, k);
	}
	ssize_t k = recv(s->fd, buf, n, 0);
	return k > 0 ? k : after_plain(s, k);
}

ssize_t stream_write(struct stream *s, const void *buf, size_t n)
{
	if (!n)
		return 0;
	if (s->ssl) {
		int k =
		    SSL_write(s->ssl, buf, n > INT32_MAX ? INT32_MAX : (int)n);

		return k > 0 ? k : after_tls(s, k);
	}
	ssize_t k = send(s->fd, buf, n, MSG_NOSIGNAL);
	return k > 0 ? k : after_plain(s, k);
}

const char *stream_error(const struct stream *s)
{
	return s->error;
}
