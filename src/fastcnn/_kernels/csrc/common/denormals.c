/* The floating-point modes of denormals.h. */
#include "common/denormals.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define FLUSHING 0x8040u /* flush to zero (bit 15), and denormals are zeros (bit 6) */

fcn_float_mode fcn_get_float_mode(void) { return _mm_getcsr(); }
void fcn_set_float_mode(fcn_float_mode mode) { _mm_setcsr((unsigned)mode); }

#elif defined(__aarch64__)
#define FLUSHING (UINT64_C(1) << 24) /* flush to zero */

fcn_float_mode fcn_get_float_mode(void)
{
    fcn_float_mode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
void fcn_set_float_mode(fcn_float_mode mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }

#else
#define FLUSHING 0

fcn_float_mode fcn_get_float_mode(void) { return 0; }
void fcn_set_float_mode(fcn_float_mode mode) { (void)mode; }
#endif

static int flushes = 1;

int fcn_set_flush_denormals(int flush)
{
    flushes = flush;
    return FLUSHING != 0;
}

int fcn_get_flush_denormals(void) { return FLUSHING != 0 && flushes; }

fcn_float_mode fcn_begin_flush(void)
{
    const fcn_float_mode before = fcn_get_float_mode();
    if (flushes && (before & FLUSHING) != FLUSHING)
        fcn_set_float_mode(before | FLUSHING);
    return before;
}

void fcn_end_flush(const fcn_float_mode *before) { fcn_set_float_mode(*before); }
