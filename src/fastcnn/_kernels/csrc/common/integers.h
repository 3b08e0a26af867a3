/* Arithmetic of sizes. */
#ifndef FCN_INTEGERS_H
#define FCN_INTEGERS_H

#include <stddef.h>

static inline ptrdiff_t fcn_min(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t fcn_max(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static inline ptrdiff_t fcn_divide_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

#endif
