/* The element type, the vector type and the naming of one compiled variant.
 *
 * A kernel file is compiled once for each instruction set and element type, with
 *     -DFCN_STORED=float -DFCN_REAL=float -DFCN_REAL_BYTES=4 -DFCN_TERMS=1 -DFCN_VARIANT=float32_avx2
 * (ELEMENT_TYPES of setup.py) and written once, in terms of
 *     stored    what arrays of values hold, see stored.h
 *     real      what is computed and summed in: float or double
 *     vreal     VL reals in one register (GCC and Clang vector extensions; + - * / work on it)
 *     FCN(name) fcn_name_float32_avx2
 * A product that is added (acc += a * b) becomes a fused multiply-add where the instruction set has one.
 */
#ifndef FCN_VEC_H
#define FCN_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    uint16_t bits;
} fcn_bfloat16;

typedef FCN_STORED stored;
typedef FCN_REAL real;

#if defined(__AVX512F__)
#define FCN_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define FCN_VECTOR_BYTES 32
#else
#define FCN_VECTOR_BYTES 16 /* SSE2 and NEON */
#endif

#define VL (FCN_VECTOR_BYTES / FCN_REAL_BYTES)

typedef real vreal __attribute__((vector_size(FCN_VECTOR_BYTES)));
typedef real vreal_unaligned __attribute__((vector_size(FCN_VECTOR_BYTES), aligned(sizeof(real)), may_alias));

#define FCN_PASTE_(a, b, c) a##b##_##c
#define FCN_PASTE(a, b, c) FCN_PASTE_(a, b, c)
#define FCN(name) FCN_PASTE(fcn_, name, FCN_VARIANT)

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "common/stored.h"

/* Sums, and whatever else is real. */
static inline vreal rload(const real *p) { return *(const vreal_unaligned *)p; }
static inline void rstore(real *p, vreal v) { *(vreal_unaligned *)p = v; }
static inline vreal vset(real a) { return a - (vreal){0}; }

/* Integers as wide as a real. Comparing vectors gives them: -1 (all bits set) for true, 0 for false. */
#if FCN_REAL_BYTES == 4
typedef int32_t lane_int;
#else
typedef int64_t lane_int;
#endif
typedef lane_int vint __attribute__((vector_size(FCN_VECTOR_BYTES)));

/* x where the mask is set, else 0. */
static inline vreal keep(vint mask, vreal x) { return (vreal)(mask & (vint)x); }

/* x where the mask is set, else y. */
static inline vreal pick(vint mask, vreal x, vreal y)
{
    return (vreal)((mask & (vint)x) | (~mask & (vint)y));
}

/* Keep a vector in a register. Without this the compiler may load it from memory for every use. */
#if defined(__AVX512F__)
#define PIN(v) __asm__("" : "+v"(v))
#elif defined(__x86_64__)
#define PIN(v) __asm__("" : "+x"(v))
#elif defined(__aarch64__)
#define PIN(v) __asm__("" : "+w"(v))
#else
#define PIN(v) ((void)0)
#endif

#define INLINE static inline __attribute__((always_inline))

/* vmax: a > b ? a : b in each lane, and vmin: a < b ? a : b; so b where one of them is NaN. On x86 one
 * instruction does just that, but compilers do not always find it. */
#if defined(__x86_64__)
#if defined(__AVX512F__)
#define FCN_X86(operation) _mm512_##operation
#elif defined(__AVX2__)
#define FCN_X86(operation) _mm256_##operation
#else
#define FCN_X86(operation) _mm_##operation
#endif
#if FCN_REAL_BYTES == 4
#define FCN_MASK __mmask16
#define FCN_MASKED(operation) _mm512_mask_##operation##_ps
#define FCN_MASKED_INTEGERS(old, mask, new) _mm512_mask_mov_epi32((__m512i)(old), mask, (__m512i)(new))
#define FCN_COMPARE(a, b, how) _mm512_cmp_ps_mask(a, b, how)
#define FCN_SCALED(x, n) _mm512_scalef_ps(x, n) /* x 2^n */
static inline vreal vmax(vreal a, vreal b) { return (vreal)FCN_X86(max_ps)(a, b); }
static inline vreal vmin(vreal a, vreal b) { return (vreal)FCN_X86(min_ps)(a, b); }
#else
#define FCN_MASK __mmask8
#define FCN_MASKED(operation) _mm512_mask_##operation##_pd
#define FCN_MASKED_INTEGERS(old, mask, new) _mm512_mask_mov_epi64((__m512i)(old), mask, (__m512i)(new))
#define FCN_COMPARE(a, b, how) _mm512_cmp_pd_mask(a, b, how)
#define FCN_SCALED(x, n) _mm512_scalef_pd(x, n)
static inline vreal vmax(vreal a, vreal b) { return (vreal)FCN_X86(max_pd)(a, b); }
static inline vreal vmin(vreal a, vreal b) { return (vreal)FCN_X86(min_pd)(a, b); }
#endif
#else
static inline vreal vmax(vreal a, vreal b)
{
    for (int i = 0; i < VL; ++i)
        b[i] = a[i] > b[i] ? a[i] : b[i];
    return b;
}
static inline vreal vmin(vreal a, vreal b)
{
    for (int i = 0; i < VL; ++i)
        b[i] = a[i] < b[i] ? a[i] : b[i];
    return b;
}
#endif

/* The larger number in each lane, or NaN if one of them is NaN: a NaN of a, if both are. */
static inline vreal larger(vreal a, vreal b)
{
#if defined(__AVX512F__)
    return (vreal)FCN_MASKED(max)(a, FCN_COMPARE(a, a, _CMP_ORD_Q), a, b);
#else
    return pick(a != a, a, vmax(a, b));
#endif
}

/* Where a value is larger than the best so far, or NaN, it becomes the best, and its number the winner. */
INLINE void take_larger(vreal *best, vint *winner, vreal value, vint number)
{
#if defined(__AVX512F__)
    /* Masks have registers of their own, which compilers make little use of. */
    const FCN_MASK better = FCN_COMPARE(value, *best, _CMP_GT_OQ) | FCN_COMPARE(value, value, _CMP_UNORD_Q);
    *best = (vreal)FCN_MASKED(mov)(*best, better, value);
    *winner = (vint)FCN_MASKED_INTEGERS(*winner, better, number);
#else
    const vint better = (value > *best) | (value != value);
    *best = pick(better, value, *best);
    *winner = (better & number) | (~better & *winner);
#endif
}

/* max(x, 0); a NaN stays one. */
static inline vreal clip(vreal x) { return vmax((vreal){0}, x); }

/* Sum of the lanes, always in the same order (halves are added until one lane is left). */
static inline real vsum(vreal v)
{
    real lanes[VL];
    rstore(lanes, v);
    for (int width = VL / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i)
            lanes[i] += lanes[i + width];
    return lanes[0];
}

/* The sums of neighbouring lanes: first those of the pairs of a, then those of b. */
static inline vreal add_pairs(vreal a, vreal b)
{
#if VL == 16
    vreal even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    vreal odd = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif VL == 8
    vreal even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
    vreal odd = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#elif VL == 4
    vreal even = __builtin_shufflevector(a, b, 0, 2, 4, 6), odd = __builtin_shufflevector(a, b, 1, 3, 5, 7);
#else
    vreal even = __builtin_shufflevector(a, b, 0, 2), odd = __builtin_shufflevector(a, b, 1, 3);
#endif
    return even + odd;
}

/* Lane i of the result is the sum of the lanes of v[i]. v (VL vectors) is overwritten. */
static inline vreal sum_each(vreal *v)
{
    for (int count = VL / 2; count > 0; count /= 2)
        for (int i = 0; i < count; ++i)
            v[i] = add_pairs(v[2 * i], v[2 * i + 1]);
    return v[0];
}

/* Take the lanes of a and b in turn, a0 b0 a1 b1 ...; the first VL of them go to a, the others to b. */
static inline void zip(vreal *a, vreal *b)
{
    const vreal x = *a, y = *b;
#if VL == 16
    *a = __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    *b = __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif VL == 8
    *a = __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
    *b = __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
#elif VL == 4
    *a = __builtin_shufflevector(x, y, 0, 4, 1, 5);
    *b = __builtin_shufflevector(x, y, 2, 6, 3, 7);
#else
    *a = __builtin_shufflevector(x, y, 0, 2);
    *b = __builtin_shufflevector(x, y, 1, 3);
#endif
}

/* Transpose VL vectors: lane j of v[i] becomes lane i of v[j]. */
INLINE void transpose_lanes(vreal *v)
{
#pragma GCC unroll 4
    for (int step = 1; step < VL; step *= 2) {
        vreal next[VL];
#pragma GCC unroll 8
        for (int i = 0; i < VL / 2; ++i) {
            next[2 * i] = v[i];
            next[2 * i + 1] = v[i + VL / 2];
            zip(&next[2 * i], &next[2 * i + 1]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            v[i] = next[i];
    }
}

#endif
