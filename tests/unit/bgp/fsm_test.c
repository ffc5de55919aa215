#include "check.h"

#include "bgp/fsm.h"

#include <stdio.h>
#include <string.h>

/*
 * The whole of RFC 4271 s8.2.2 once more, written in another way: a row an
 * event, a column a state.  "+X" stays and does X, "X>y" goes to state y.
 */
static const struct {
	enum bgp_event event;
	const char *idle, *connect, *active, *opensent, *openconfirm,
	    *established;
} expected[] = {
    {BGP_EV_START, "connect>c", "-", "-", "-", "-", "-"},
    {BGP_EV_START_PASSIVE, "listen>a", "-", "-", "-", "-", "-"},
    {BGP_EV_STOP, "-", "drop>i", "drop>i", "cease>i", "cease>i", "cease>i"},
    {BGP_EV_DROP, "-", "drop>i", "drop>i", "drop>i", "drop>i", "drop>i"},
    {BGP_EV_RETRY_EXPIRED, "-", "connect>c", "connect>c", "fsm>i", "fsm>i",
	"fsm>i"},
    {BGP_EV_HOLD_EXPIRED, "-", "drop>i", "drop>i", "hold>i", "hold>i",
	"hold>i"},
    {BGP_EV_KEEPALIVE_EXPIRED, "-", "drop>i", "drop>i", "fsm>i", "keepalive>o",
	"keepalive>e"},
    {BGP_EV_SEND_HOLD_EXPIRED, "-", "drop>i", "drop>i", "fsm>i", "fsm>i",
	"sendhold>i"},
    {BGP_EV_TCP_OPEN, "drop>i", "open>s", "open>s", "-", "-", "-"},
    {BGP_EV_TCP_FAIL, "-", "drop>i", "drop>i", "listen>a", "drop>i", "drop>i"},
    {BGP_EV_OPEN, "-", "drop>i", "drop>i", "confirm>o", "fsm>i", "fsm>i"},
    {BGP_EV_HEADER_ERROR, "-", "drop>i", "drop>i", "notify>i", "notify>i",
	"notify>i"},
    {BGP_EV_OPEN_ERROR, "-", "drop>i", "drop>i", "notify>i", "notify>i",
	"fsm>i"},
    {BGP_EV_COLLISION, "-", "drop>i", "drop>i", "cease>i", "cease>i",
	"cease>i"},
    {BGP_EV_NOTIFICATION, "-", "drop>i", "drop>i", "drop>i", "drop>i",
	"drop>i"},
    {BGP_EV_KEEPALIVE, "-", "drop>i", "drop>i", "fsm>i", "up>e", "restart>e"},
    {BGP_EV_UPDATE, "-", "drop>i", "drop>i", "fsm>i", "fsm>i", "update>e"},
    {BGP_EV_UPDATE_ERROR, "-", "drop>i", "drop>i", "fsm>i", "fsm>i",
	"notify>i"},
    {BGP_EV_REFRESH, "-", "drop>i", "drop>i", "fsm>i", "fsm>i", "refresh>e"},
    {BGP_EV_REFRESH_ERROR, "-", "drop>i", "drop>i", "fsm>i", "fsm>i",
	"notify>i"},
};

static const struct {
	const char *word;
	enum bgp_action action;
} actions[] = {
    {"-", BGP_ACT_IGNORE},
    {"connect", BGP_ACT_CONNECT},
    {"listen", BGP_ACT_LISTEN},
    {"open", BGP_ACT_SEND_OPEN},
    {"confirm", BGP_ACT_SEND_KEEPALIVE},
    {"up", BGP_ACT_ESTABLISH},
    {"keepalive", BGP_ACT_KEEPALIVE},
    {"restart", BGP_ACT_RESTART_HOLD},
    {"update", BGP_ACT_UPDATE},
    {"refresh", BGP_ACT_REFRESH},
    {"drop", BGP_ACT_DROP},
    {"cease", BGP_ACT_CEASE},
    {"notify", BGP_ACT_NOTIFY},
    {"hold", BGP_ACT_HOLD_ERROR},
    {"sendhold", BGP_ACT_SEND_HOLD_ERROR},
    {"fsm", BGP_ACT_FSM_ERROR},
};

static enum bgp_state state_of(char letter, enum bgp_state same)
{
	static const char letters[] = "icasoe"; /* in the order of the enum */
	const char *at = letter ? strchr(letters, letter) : NULL;

	return at ? (enum bgp_state)(at - letters) : same;
}

static void check_cell(enum bgp_state s, enum bgp_event e, const char *cell)
{
	char word[16];
	char letter = 0;
	struct bgp_step got = bgp_fsm(s, e);
	size_t n = strcspn(cell, ">");

	memcpy(word, cell, n);
	word[n] = 0;
	if (cell[n])
		letter = cell[n + 1];
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (!strcmp(word, actions[i].word)) {
			if (got.action != actions[i].action ||
			    got.next != state_of(letter, s))
				fail_msg("%s on %s: wanted %s, got %u to %s",
				    bgp_event_name(e), bgp_state_name(s), cell,
				    got.action, bgp_state_name(got.next));
			return;
		}
	fail_msg("no action %s", word);
}

static void every_state_and_event(void **state)
{
	size_t n = sizeof expected / sizeof expected[0];

	(void)state;
	assert_int_equal(n, BGP_NEVENTS);
	for (size_t i = 0; i < n; i++) {
		enum bgp_event e = expected[i].event;

		assert_int_equal(e, i);
		check_cell(BGP_IDLE, e, expected[i].idle);
		check_cell(BGP_CONNECT, e, expected[i].connect);
		check_cell(BGP_ACTIVE, e, expected[i].active);
		check_cell(BGP_OPENSENT, e, expected[i].opensent);
		check_cell(BGP_OPENCONFIRM, e, expected[i].openconfirm);
		check_cell(BGP_ESTABLISHED, e, expected[i].established);
	}
}

static void nothing_is_missing(void **state)
{
	(void)state;
	for (unsigned s = 0; s < BGP_NSTATES; s++) {
		assert_non_null(bgp_state_name(s));
		for (unsigned e = 0; e < BGP_NEVENTS; e++) {
			struct bgp_step step = bgp_fsm(s, e);

			assert_int_not_equal(step.action, BGP_ACT_NONE);
			/* What ends the connection ends in Idle, and only it.
			 */
			if (step.action >= BGP_ACT_DROP)
				assert_int_equal(step.next, BGP_IDLE);
			else if (s != BGP_IDLE)
				assert_int_not_equal(step.next, BGP_IDLE);
		}
	}
	for (unsigned e = 0; e < BGP_NEVENTS; e++)
		assert_non_null(bgp_event_name(e));
}

static void fsm_errors_name_the_state(void **state)
{
	(void)state;
	assert_int_equal(bgp_fsm_subcode(BGP_OPENSENT), 1);
	assert_int_equal(bgp_fsm_subcode(BGP_OPENCONFIRM), 2);
	assert_int_equal(bgp_fsm_subcode(BGP_ESTABLISHED), 3);
	assert_int_equal(bgp_fsm_subcode(BGP_CONNECT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_state_and_event),
	    cmocka_unit_test(nothing_is_missing),
	    cmocka_unit_test(fsm_errors_name_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
