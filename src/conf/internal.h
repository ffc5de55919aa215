/*
 * Inside conf: tokens, errors, the directive tables and the parser's state.
 *
 *   text -> lex.c -> parse.c (blocks, recovery) -> value.c (one value)
 *                       |  tables.c says what may stand where
 *                       v
 *                    check.c (what no single directive can know)
 */
#pragma once

#include "base/attr.h"
#include "conf/conf.h"

#define ERRORS_MAX 1000u

/* ---- errors ------------------------------------------------------------ */

struct pos {
	unsigned line;
	unsigned col; /* in characters, from 1 */
};

struct errors {
	struct conf_error *list;
	size_t n;
	size_t cap;
	bool full; /* the lexer ends here: too many, or no use to go on */
	bool no_mem;
};

void errors_add(struct errors *e, struct pos at, const char *fmt, ...)
    ATTR_PRINTF(3, 4);
/* By position; of several at one place, in the order found. */
void errors_sort(struct errors *e);

/* ---- tokens ------------------------------------------------------------ */

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,   /* also numbers, addresses, prefixes, durations */
	TOKEN_STRING, /* text is what stands between the quotes */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_SEMICOLON,
	TOKEN_COMMA,
};

struct token {
	enum token_kind kind;
	const char *text; /* borrowed from the file's text */
	size_t len;
	struct pos pos;
	struct pos after; /* right behind it */
};

struct lex {
	const char *p;
	const char *end;
	struct pos pos;
	struct errors *errors;
};

void lex_init(struct lex *l, const char *text, size_t n, struct errors *e);
/* The next token; what cannot be one is reported and left out. */
struct token lex_next(struct lex *l);

#define TOKEN_TEXT 64
/*
 * "'hold'", "the end of the file": for messages.  A string is only called
 * one: it may be a secret.
 */
const char *token_format(const struct token *t, char buf[TOKEN_TEXT]);
/* Its text, cut, without control characters, between two of quote. */
const char *token_quote(
    const struct token *t, char quote, char buf[TOKEN_TEXT]);
bool token_is(const struct token *t, const char *word);
/* Resolves \" and \\ of a string; false when it is longer than cap - 1. */
bool token_string(const struct token *t, char *buf, size_t cap);

/* ---- tables ------------------------------------------------------------ */

enum value_kind {
	VALUE_ASN,
	VALUE_ROUTER_ID,
	VALUE_NUMBER,
	VALUE_SECONDS,
	VALUE_HOLD,   /* as SECONDS, but off or >= 3 (RFC 4271 s4.2) */
	VALUE_SWITCH, /* on | off */
	VALUE_CHOICE,
	VALUE_SET_NAME, /* AS-ALPHA, AS64501:AS-CUSTOMERS */
	VALUE_SECRET,
	VALUE_ADDRESSES,
	VALUE_PREFIXES,
	VALUE_ASNS,
	VALUE_REGISTERED, /* PREFIX [ge N] [le N] */
	VALUE_LENGTHS,	  /* ipv4 N-M, ipv6 N-M */
	VALUE_LIMITS,	  /* V4 [, V6] */
	VALUE_ADD_PATH,	  /* rx | tx | both | off */
	VALUE_SHUTDOWN,	  /* ["text"] */
	VALUE_AT,	  /* addresses and a block */
	VALUE_CACHE,	  /* caches and a block */
	VALUE_STATION,	  /* BMP stations and a block */
	VALUE_PORT,	  /* of a cache */
	VALUE_TEXT,	  /* a word or a string */
	VALUE_LATER,	  /* known, but not in this version */
};

enum directive_flag {
	DIR_REQUIRED = 1,
	DIR_SECRET = 2,	 /* its value is never shown */
	DIR_RESETS = 4,	 /* a change resets the sessions concerned */
	DIR_REPEATS = 8, /* may stand more than once; the lists add up */
	DIR_OFF = 16,	 /* "off" stands for 0 */
};

struct choice {
	const char *word; /* NULL ends the table */
	int value;
	const char *doc;
};

struct directive {
	const char *name; /* NULL ends the table */
	enum value_kind kind;
	unsigned flags;
	const char *syntax;  /* what follows the name, for people */
	const char *initial; /* default as written, NULL: none */
	const char *doc;     /* sentences */
	uint64_t min;
	uint64_t max; /* of a list: how many there may be */
	uint16_t at;  /* field in the block's struct */
	uint16_t size;
	uint16_t n_at;	 /* a list's count (size_t); 0: not a list */
	uint16_t own_at; /* bool: was given here; 0: has none */
	const struct choice *choices;
};

enum block_kind {
	BLOCK_EXCHANGE,
	BLOCK_POLICY,
	BLOCK_MEMBER,
	BLOCK_AT,
	BLOCK_RPKI,
	BLOCK_CACHE,
	BLOCK_MONITORING,
	BLOCK_STATION,
	BLOCK_REGISTRY,
};

struct block {
	const char *name; /* NULL ends the table */
	enum block_kind kind;
	bool labelled;
	const struct directive *directives; /* NULL: not in this version */
	const char *doc;
};

extern const struct block conf_blocks[]; /* what stands at the top */
extern const struct block conf_block_at;
extern const struct block conf_block_cache;
extern const struct block conf_block_station;

/* Index in the block's table, or -1. */
int directive_find(const struct block *b, const struct token *name);
/* Its value is a list of addresses and a block that they share. */
static inline bool directive_nests(const struct directive *d)
{
	return d->kind == VALUE_AT || d->kind == VALUE_CACHE ||
	       d->kind == VALUE_STATION;
}

/* The top-level block of that name; NULL for others. */
const struct block *block_find(const struct token *name);
/* The same by a name of our own. */
const struct block *block_named(const char *name);

static inline void *field(void *base, size_t at)
{
	return (char *)base + at;
}

static inline const void *field_of(const void *base, size_t at)
{
	return (const char *)base + at;
}

/* ---- parser ------------------------------------------------------------ */

#define DIRECTIVES_MAX 24

/* What is known of one block while it is read. */
struct scope {
	const struct block *block;
	struct token label;
	struct pos open;		 /* its first word */
	struct pos seen[DIRECTIVES_MAX]; /* its name; line 0: not there */
	struct pos value[DIRECTIVES_MAX];
	bool bad[DIRECTIVES_MAX]; /* was there, but its value not good */
	const char *meant;	  /* misspelt, and so not missing as well */
};

/* Where a session was written, for check.c. */
struct at_pos {
	struct pos pos;
	uint32_t member; /* as read, before sorting */
	struct ip addr;
};

struct member_pos {
	struct pos open;
	struct pos name;
	struct pos asn; /* line 0: none, or not a good one */
};

struct parser {
	struct lex lex;
	struct token tok;  /* to be looked at next */
	struct token prev; /* taken last */
	struct errors *errors;
	struct conf *conf;
	struct scope exchange;
	struct scope policy;
	struct scope rpki;
	struct scope monitoring;
	struct scope registry;
	bool meant_exchange;	       /* a block's name looks much like it */
	struct member_pos *member_pos; /* one a member */
	size_t member_cap;
	struct at_pos *at_pos;
	size_t n_at_pos;
	size_t at_cap;
	struct pos cache_pos[CONF_CACHES];
	struct conf_rpki other_rpki; /* a second block, which is an error */
	struct conf_monitoring other_monitoring;
	struct pos station_pos[CONF_STATIONS];
	bool no_mem;
};

void parser_next(struct parser *p);
/* Takes the token if it is of that kind. */
bool parser_take(struct parser *p, enum token_kind kind);
/* Reports what is there instead; always false. */
bool parser_expected(struct parser *p, const char *what);
/* Reads "{", a block's directives and "}"; false without the latter. */
bool parser_body(struct parser *p, struct scope *s, void *base);

/* Puts every default of the block's table into base. */
void conf_defaults(const struct block *b, void *base);

/*
 * Reads the value of d into base.  False: reported, and the caller goes on
 * after the next ';'.
 */
bool value_parse(struct parser *p, const struct directive *d, void *base);

/* For value.c: lists of any kind, and "at". */
bool list_parse(struct parser *p, const struct directive *d, void *base);
bool at_parse(struct parser *p, void *base);
/* cache.c */
bool cache_parse(struct parser *p, void *base);
void cache_check(struct parser *p);
/*
 * "192.0.2.1", "192.0.2.1:323", "2001:db8::1", "[2001:db8::1]:323"; changes
 * text.  No port gives 0.
 */
bool endpoint_parse(char *text, struct ip *ret, uint16_t *ret_port);
/* "192.0.2.1:323", "[2001:db8::1]:323" */
const char *endpoint_format(
    const struct ip *ip, uint16_t port, char buf[IP_TEXT + 16]);
/* station.c */
bool station_parse(struct parser *p, void *base);
void station_check(struct parser *p);

/*
 * Take one word of that kind.  False: reported, and a word is taken all the
 * same; anything that is no word stays.
 */
bool take_asn(struct parser *p, uint32_t *ret);
bool take_address(struct parser *p, bool any, struct ip *ret);
bool take_prefix(struct parser *p, struct prefix *ret);
bool take_number(struct parser *p, const char *what, uint64_t min, uint64_t max,
    uint64_t *ret);

/*
 * Where the value of the directive of that name was written; false when it
 * was not, or when it was not a good one.
 */
bool scope_value(const struct scope *s, const char *name, struct pos *ret);

/* Everything that needs more than one directive to see. */
void conf_check(struct parser *p);

/* ---- values as text ---------------------------------------------------- */

/* A text that grows; after an out-of-memory it stays as it was. */
struct text {
	char *s;
	size_t n;
	size_t cap;
	bool no_mem;
};

void text_add(struct text *t, const char *fmt, ...) ATTR_PRINTF(2, 3);
void text_clear(struct text *t);
void text_done(struct text *t);

/* The value as it would stand in the file, without its name. */
void value_format(const struct directive *d, const void *base, struct text *t);

/* The elements of a list value, for comparing: bytes without padding. */
struct list_view {
	const uint8_t *p;
	size_t n;
	size_t width;
};

struct list_view list_of(const struct directive *d, const void *base);
void list_format(
    const struct directive *d, const uint8_t *element, struct text *t);
