/* Vectors whose elements stand apart in memory, and vectors of which some lanes are written, or that are
 * written past the caches. */
#ifndef FCN_VMEMORY_H
#define FCN_VMEMORY_H

#include "common/vec.h"

/* base[at[i]] in lane i. */
INLINE vreal vgather(const real *base, const int32_t *at)
{
#if defined(__AVX512F__) && FCN_REAL_BYTES == 4
    return (vreal)_mm512_i32gather_ps(_mm512_loadu_si512(at), base, 4);
#elif defined(__AVX512F__)
    return (vreal)_mm512_i32gather_pd(_mm256_loadu_si256((const __m256i *)at), base, 8);
#elif defined(__AVX2__) && FCN_REAL_BYTES == 4
    return (vreal)_mm256_i32gather_ps(base, _mm256_loadu_si256((const __m256i *)at), 4);
#elif defined(__AVX2__)
    return (vreal)_mm256_i32gather_pd(base, _mm_loadu_si128((const __m128i *)at), 8);
#else
    real lanes[VL];
    for (int i = 0; i < VL; ++i)
        lanes[i] = base[at[i]];
    return rload(lanes);
#endif
}

/* Write the first lanes of a vector, one or more. */
INLINE void rstore_first(real *p, vreal v, ptrdiff_t count)
{
#if defined(__AVX512F__) && FCN_REAL_BYTES == 4
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
#elif defined(__AVX512F__)
    _mm512_mask_storeu_pd(p, (__mmask8)((1u << count) - 1), (__m512d)v);
#else
    memcpy(p, &v, (size_t)count * sizeof(real));
#endif
}

/* Write a vector to memory, where that is not soon read: a cache line that is filled so is not read before.
 * The place must be aligned to whole vectors. Before other threads read it, rstreamed() must be called. */
static inline int is_aligned(const real *p) { return (uintptr_t)p % FCN_VECTOR_BYTES == 0; }
INLINE void rstream(real *p, vreal v)
{
#if defined(__AVX512F__)
    _mm512_stream_si512((void *)p, (__m512i)v);
#elif defined(__AVX2__)
    _mm256_stream_si256((void *)p, (__m256i)v);
#elif defined(__x86_64__)
    _mm_stream_si128((void *)p, (__m128i)v);
#else
    rstore(p, v);
#endif
}

INLINE void rstreamed(void)
{
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

#endif
