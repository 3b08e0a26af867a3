/* Arithmetic of sizes. */
#ifndef FCN_INTEGERS_H
#define FCN_INTEGERS_H

#include <stddef.h>

static inline ptrdiff_t fcn_min(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t fcn_max(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static inline ptrdiff_t fcn_divide_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

/* Bytes rounded up to whole cache lines: what comes after them is aligned as they are. */
static inline size_t fcn_whole_lines(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

#endif
