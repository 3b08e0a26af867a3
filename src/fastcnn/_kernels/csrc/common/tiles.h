/* Tiles: matrices of 16 rows of 64 bytes in registers of their own, and products of two of them.
 *
 * Equation  sum[m][n] += (sum over k of a[m][2k] b[k][2n]) + (sum over k of a[m][2k + 1] b[k][2n + 1])
 *           Both sums over k start from 0 and are chains of fused multiply-adds in the order of k.
 * Layout    sums 16 x 16 floats; a 16 rows of pairs of bfloat16; b a row of 16 pairs for each pair of a's
 *           columns. Rows in memory stand any number of bytes apart.
 * Use       tiles_begin before, and tiles_end after: it says how many pairs the last products of a sum have,
 *           for which there is another pair of tiles, so that nothing past them is read. There are four tiles
 *           of sums. Where the compiler has no instructions for tiles (AMX), the same happens in plain C.
 * Edges     The instruction takes denormal numbers for zeros, and makes them such, in any mode; the plain
 *           form does what the mode says (common/float_mode.h).
 * Source    Intel's manual of instructions, TDPBF16PS.
 */
#ifndef FCN_TILES_H
#define FCN_TILES_H

#include "engine/kernel.h"

#define TILE_ROWS 16
#define TILE_PAIRS 16
#define TILE_SUMS 4 /* tiles of sums */

#if defined(__AMX_BF16__)

typedef struct fcn_tiles {
    char none; /* they are registers */
} tiles;

enum { A = 4, LAST_A = 5, B = 6, LAST_B = 7 };

INLINE void tiles_begin(tiles *t, ptrdiff_t last_pairs)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int i = 0; i < 8; ++i) {
        shape.bytes[i] = i == LAST_A ? (uint16_t)(4 * last_pairs) : 64;
        shape.rows[i] = i == LAST_B ? (uint8_t)last_pairs : TILE_ROWS;
    }
    _tile_loadconfig(&shape);
    (void)t;
}

INLINE void tiles_end(tiles *t)
{
    (void)t;
    _tile_release();
}

/* The number of a tile stands in the instruction. */
#define OF_SUM(i, DO)                                                                                        \
    switch (i) {                                                                                             \
    case 0:                                                                                                  \
        DO(0) break;                                                                                         \
    case 1:                                                                                                  \
        DO(1) break;                                                                                         \
    case 2:                                                                                                  \
        DO(2) break;                                                                                         \
    default:                                                                                                 \
        DO(3)                                                                                                \
    }

INLINE void tile_zero(tiles *t, const int i)
{
    (void)t;
#define ZERO(n) _tile_zero(n);
    OF_SUM(i, ZERO)
}

INLINE void tile_load_sums(tiles *t, const int i, const float *from, ptrdiff_t row_bytes)
{
    (void)t;
#define LOAD_SUMS(n) _tile_loadd(n, from, row_bytes);
    OF_SUM(i, LOAD_SUMS)
}

INLINE void tile_store_sums(tiles *t, const int i, float *to, ptrdiff_t row_bytes)
{
    (void)t;
#define STORE_SUMS(n) _tile_stored(n, to, row_bytes);
    OF_SUM(i, STORE_SUMS)
}

INLINE void tile_load_a(tiles *t, const int last, const void *from, ptrdiff_t row_bytes)
{
    (void)t;
    if (last)
        _tile_loadd(5, from, row_bytes);
    else
        _tile_loadd(4, from, row_bytes);
}

INLINE void tile_load_b(tiles *t, const int last, const void *from, ptrdiff_t row_bytes)
{
    (void)t;
    if (last)
        _tile_loadd(7, from, row_bytes);
    else
        _tile_loadd(6, from, row_bytes);
}

/* Add to the sums i the product of what was loaded. */
INLINE void tile_multiply(tiles *t, const int last, const int i)
{
    (void)t;
#define MULTIPLY(n)                                                                                          \
    if (last)                                                                                                \
        _tile_dpbf16ps(n, 5, 7);                                                                             \
    else                                                                                                     \
        _tile_dpbf16ps(n, 4, 6);
    OF_SUM(i, MULTIPLY)
}

#else

typedef struct fcn_tiles {
    float sums[TILE_SUMS][TILE_ROWS][16];
    uint32_t a[TILE_ROWS][TILE_PAIRS], b[TILE_PAIRS][16];
    ptrdiff_t last_pairs;
} tiles;

INLINE void tiles_begin(tiles *t, ptrdiff_t last_pairs) { t->last_pairs = last_pairs; }
INLINE void tiles_end(tiles *t) { (void)t; }

INLINE void tile_zero(tiles *t, const int i) { memset(t->sums[i], 0, sizeof(t->sums[i])); }

INLINE void tile_load_sums(tiles *t, const int i, const float *from, ptrdiff_t row_bytes)
{
    for (ptrdiff_t m = 0; m < TILE_ROWS; ++m)
        memcpy(t->sums[i][m], (const char *)from + m * row_bytes, 64);
}

INLINE void tile_store_sums(tiles *t, const int i, float *to, ptrdiff_t row_bytes)
{
    for (ptrdiff_t m = 0; m < TILE_ROWS; ++m)
        memcpy((char *)to + m * row_bytes, t->sums[i][m], 64);
}

INLINE void tile_load_a(tiles *t, const int last, const void *from, ptrdiff_t row_bytes)
{
    for (ptrdiff_t m = 0; m < TILE_ROWS; ++m)
        memcpy(t->a[m], (const char *)from + m * row_bytes, last ? (size_t)t->last_pairs * 4 : 64);
}

INLINE void tile_load_b(tiles *t, const int last, const void *from, ptrdiff_t row_bytes)
{
    for (ptrdiff_t k = 0; k < (last ? t->last_pairs : TILE_PAIRS); ++k)
        memcpy(t->b[k], (const char *)from + k * row_bytes, 64);
}

/* The first or the second number of each pair. */
INLINE vreal first_of(vbits pairs) { return (vreal)(pairs << 16); }
INLINE vreal second_of(vbits pairs) { return (vreal)(pairs & 0xffff0000); }

static void tile_multiply(tiles *t, const int last, const int i)
{
    const ptrdiff_t pairs = last ? t->last_pairs : TILE_PAIRS;
    for (ptrdiff_t m = 0; m < TILE_ROWS; ++m)
        for (ptrdiff_t n = 0; n < 16; n += VL) {
            vreal first = {0}, second = {0};
            for (ptrdiff_t k = 0; k < pairs; ++k) {
                const vbits a = t->a[m][k] - (vbits){0}, b = *(const vbits_unaligned *)&t->b[k][n];
                first += first_of(a) * first_of(b);
                second += second_of(a) * second_of(b);
            }
            rstore(&t->sums[i][m][n], rload(&t->sums[i][m][n]) + (first + second));
        }
}

#endif

#endif
