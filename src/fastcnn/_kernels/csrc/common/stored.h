/* Values in memory, and products of what is stored. Part of vec.h.
 *
 * A value is stored as it is summed, or as a bfloat16: the upper half of a float, with its 8 bits of exponent
 * and 8 of precision. Conversion to it rounds to nearest, ties to even.
 *
 * vload, vstore, value_of, set_value   convert between what is stored and a vector, or one number
 * vterms                               what one multiply-add takes of a factor: VL times TERMS neighbours,
 *                                      1 number or 2 bfloat16
 * multiply_add                         sum + a b; of two terms a[1] b[1] is added first, then a[0] b[0]
 * terms_of                             the lanes of TERMS rows of numbers as neighbours
 * rounded                              a vector as it would be read again once it is stored
 *
 * Edges   A NaN stays one: quiet, with the upper bits of its number. Numbers that bfloat16 would have as
 *         denormal are stored as 0 in any mode. The product of two bfloat16 is exact in a float, so that a
 *         multiply-add rounds once on each instruction set, and all give the same bits but where a product
 *         falls below 2^-126. vdpbf16ps (AVX512-BF16) takes denormal numbers for zeros in any mode; the plain
 *         form does what the mode says (common/float_mode.h).
 * Source  Intel's manual of instructions, VDPBF16PS and VCVTNEPS2BF16. The order of the two terms is what
 *         processors do: tests/_kernels/test_bfloat16.py compares both forms.
 */
#ifndef FCN_STORED_H
#define FCN_STORED_H

#if FCN_TERMS == 2
#define TERMS 2
#else
#define TERMS 1
#endif

/* The next multiple of TERMS: of as many numbers are the weights of a span. */
static inline ptrdiff_t whole_terms(ptrdiff_t count) { return (count + TERMS - 1) / TERMS * TERMS; }

#if TERMS == 1

/* A type that is stored otherwise than it is summed in has its conversions here. */
_Static_assert(sizeof(stored) == sizeof(real), "no conversion is known for this element type");
typedef vreal vterms;

static inline vreal vload(const stored *p) { return *(const vreal_unaligned *)p; }
static inline void vstore(stored *p, vreal v) { *(vreal_unaligned *)p = v; }
static inline real bits_of_value(const void *p)
{
    real value;
    memcpy(&value, p, sizeof(value));
    return value;
}
static inline real value_of(const stored *p)
{
    return _Generic(p, const real *: *(const real *)p, default: bits_of_value(p));
}
static inline void set_value(stored *p, real value)
{
    _Generic(p, real *: (void)(*(real *)p = value), default: (void)memcpy(p, &value, sizeof(value)));
}
static inline vreal rounded(vreal v) { return v; }

static inline vterms load_terms(const stored *p) { return vload(p); }
static inline vterms set_terms(const stored *p) { return value_of(p) - (vreal){0}; }
static inline vterms set_last_term(const stored *p) { return set_terms(p); }
static inline vreal multiply_add(vreal sum, vterms a, vterms b) { return sum + a * b; }
static inline vterms terms_of(const vreal *rows) { return rows[0]; }
static inline void store_terms(stored *p, vterms a) { vstore(p, a); }

#else

typedef uint32_t vbits __attribute__((vector_size(FCN_VECTOR_BYTES)));
typedef uint32_t vbits_unaligned __attribute__((vector_size(FCN_VECTOR_BYTES), aligned(2), may_alias));
typedef uint16_t vhalves __attribute__((vector_size(FCN_VECTOR_BYTES / 2)));
typedef uint16_t vhalves_unaligned __attribute__((vector_size(FCN_VECTOR_BYTES / 2), aligned(2), may_alias));
typedef vbits vterms; /* in each lane the first term in the lower half, the second one in the upper half */

/* The vector whose lanes have these upper halves. Permuting words takes one instruction, shifting two. */
static inline vreal with_upper_halves(vhalves halves)
{
#if defined(__AVX512BF16__)
    static const uint16_t from[32] = {0, 0, 1, 1, 2,  2,  3,  3,  4,  4,  5,  5,  6,  6,  7,  7,
                                      8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15};
    return (vreal)_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, _mm512_loadu_si512(from),
                                                 _mm512_castsi256_si512((__m256i)halves));
#else
    return (vreal)(__builtin_convertvector(halves, vbits) << 16);
#endif
}

static inline vreal vload(const stored *p) { return with_upper_halves(*(const vhalves_unaligned *)p); }

/* The bits of bfloat16, in the lower halves. Denormal numbers become 0, as vcvtneps2bf16 has it. */
static inline vbits halves_of(vreal v)
{
    const vbits bits = (vbits)v, whole = bits + 0x7fff + ((bits >> 16) & 1), quiet = bits | 0x400000;
    const vbits is_nan = (vbits)(v != v), is_small = (vbits)((bits & 0x7f800000) == 0);
    return (((is_nan & quiet) | (~is_nan & whole)) & ~(is_small & 0x7fffffff)) >> 16;
}

static inline void vstore(stored *p, vreal v)
{
#if defined(__AVX512BF16__)
    _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh((__m512)v));
#else
    *(vhalves_unaligned *)p = __builtin_convertvector(halves_of(v), vhalves);
#endif
}

static inline real value_of(const stored *p)
{
    const uint32_t bits = (uint32_t)p->bits << 16;
    real value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline void set_value(stored *p, real value) { p->bits = (uint16_t)halves_of(value - (vreal){0})[0]; }

static inline vreal rounded(vreal v)
{
#if defined(__AVX512BF16__)
    return with_upper_halves((vhalves)_mm512_cvtneps_pbh((__m512)v));
#else
    return (vreal)(halves_of(v) << 16);
#endif
}

/* The first or the second one of each two terms. */
static inline vreal first_of(vterms a) { return (vreal)(a << 16); }
static inline vreal second_of(vterms a) { return (vreal)(a & 0xffff0000); }

/* VL pairs of neighbours. */
static inline vterms load_terms(const stored *p) { return *(const vbits_unaligned *)p; }

/* Two neighbours in all lanes; or one, and 0 in the place of the second. */
static inline vterms set_terms(const stored *p)
{
    uint32_t bits;
    memcpy(&bits, p, sizeof(bits));
    return bits - (vbits){0};
}
static inline vterms set_last_term(const stored *p) { return (uint32_t)p->bits - (vbits){0}; }

static inline vreal multiply_add(vreal sum, vterms a, vterms b)
{
#if defined(__AVX512BF16__)
    return (vreal)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    sum += second_of(a) * second_of(b);
    return sum + first_of(a) * first_of(b);
#endif
}

static inline vterms terms_of(const vreal *rows)
{
#if defined(__AVX512BF16__)
    typedef uint16_t words __attribute__((vector_size(FCN_VECTOR_BYTES)));
    const words one_behind_the_other = (words)_mm512_cvtne2ps_pbh((__m512)rows[1], (__m512)rows[0]);
    return (vterms)__builtin_shufflevector(one_behind_the_other, one_behind_the_other, 0, 16, 1, 17, 2, 18, 3,
                                           19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                           28, 13, 29, 14, 30, 15, 31);
#else
    return halves_of(rows[0]) | (halves_of(rows[1]) << 16);
#endif
}
static inline void store_terms(stored *p, vterms a) { *(vbits_unaligned *)p = a; }

/* VL values from a on as the first terms, and from b on as the second ones, or 0 without b. */
static inline vterms zip_terms(const stored *a, const stored *b)
{
    const vhalves first = *(const vhalves_unaligned *)a;
    if (!b)
        return __builtin_convertvector(first, vbits);
    const vhalves second = *(const vhalves_unaligned *)b;
#if defined(__AVX512BF16__)
    return (vterms)__builtin_shufflevector(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7,
                                           23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#else
    return __builtin_convertvector(first, vbits) | __builtin_convertvector(second, vbits) << 16;
#endif
}

#endif

#endif
