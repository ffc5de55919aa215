/* Compiler attributes under names that read well. */
#pragma once

#define ATTR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ATTR_MUST_USE __attribute__((warn_unused_result))
#define ATTR_NOINLINE __attribute__((noinline))
#define ATTR_ALWAYS __attribute__((always_inline))
#define ATTR_UNUSED __attribute__((unused))
/* A large array of which only the part that was written is read. */
#define ATTR_UNINIT __attribute__((uninitialized))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
