/*
 * Tells systemd how we are, over NOTIFY_SOCKET (sd_notify(3)); does nothing
 * when there is none.
 */
#pragma once

#include <stdint.h>

/* state: "READY=1", several split by newlines. */
void notify(const char *state);

/* RELOADING=1 with the time that systemd wants beside it. */
void notify_reloading(void);

/* How often WATCHDOG=1 is due, ns; 0: nobody asked for it. */
uint64_t notify_watchdog_ns(void);
