/* Tiles: matrices of 16 rows of 64 bytes in registers of their own, and products of two of them.
 *
 * Equation  sum[m][n] += (sum over k of a[m][2k] b[k][2n]) + (sum over k of a[m][2k + 1] b[k][2n + 1])
 *           Both sums over k start from 0 and are chains of fused multiply-adds in the order of k.
 * Layout    sums 16 x 16 floats; a 16 rows of pairs of bfloat16; b a row of 16 pairs for each pair of a's
 *           columns. Rows in memory stand any number of bytes apart.
 * Use       tiles_begin before, and tiles_end after. There are four tiles of sums, two for a, and two for b.
 *           tiles_begin is told how many rows a and the sums have, and how many pairs the second ones, so
 *           that the last products of a sum read nothing past them. Where FCN_AMX is not set, the same
 *           happens in plain C.
 * Edges     The instruction takes denormal numbers for zeros, and makes them such, in any mode; the plain
 *           form does what the mode says (common/float_mode.h).
 * Source    Intel's manual of instructions, TDPBF16PS.
 */
#ifndef FCN_TILES_H
#define FCN_TILES_H

#include "engine/kernel.h"

#define TILE_ROWS FCN_TILE_ROWS
#define TILE_PAIRS (FCN_TILE_TERMS / 2)
#define TILE_SUMS 4 /* tiles of sums */

#if FCN_AMX

typedef struct fcn_tiles {
    ptrdiff_t rows; /* of a and of sums; the tiles themselves are registers */
} tiles;

/* The instructions stand here as such, since the compilers' functions for them do not all say which memory
 * they read. The number of a tile is a part of them: 0 to 3 hold sums, 4 and 5 a, 6 and 7 b. */
#define LOAD_TILE(n, from, row_bytes)                                                                        \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #n::"r"(from), "r"(row_bytes) : "memory")
#define STORE_TILE(n, to, row_bytes)                                                                         \
    __asm__ volatile("tilestored %%tmm" #n ", (%0,%1,1)" ::"r"(to), "r"(row_bytes) : "memory")
#define ZERO_TILE(n, ...) __asm__ volatile("tilezero %tmm" #n)
#define MULTIPLY_TILES(sum, a, b) __asm__ volatile("tdpbf16ps %tmm" #b ", %tmm" #a ", %tmm" #sum)
/* Of the tile of sums i, which is known when this is compiled. */
#define OF_SUM(i, DO, ...)                                                                                   \
    do {                                                                                                     \
        if ((i) == 0)                                                                                        \
            DO(0, __VA_ARGS__);                                                                              \
        else if ((i) == 1)                                                                                   \
            DO(1, __VA_ARGS__);                                                                              \
        else if ((i) == 2)                                                                                   \
            DO(2, __VA_ARGS__);                                                                              \
        else                                                                                                 \
            DO(3, __VA_ARGS__);                                                                              \
    } while (0)

INLINE void tiles_begin(tiles *t, ptrdiff_t rows, ptrdiff_t second_pairs)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int i = 0; i < 8; ++i) {
        shape.bytes[i] = i == 5 ? (uint16_t)(4 * second_pairs) : 64;
        shape.rows[i] = (uint8_t)(i < 6 ? rows : i == 6 ? TILE_PAIRS : second_pairs);
    }
    __asm__ volatile("ldtilecfg %0" ::"m"(shape));
    t->rows = rows;
}

INLINE void tiles_end(tiles *t)
{
    (void)t;
    __asm__ volatile("tilerelease");
}

INLINE void tile_zero(tiles *t, const int i)
{
    (void)t;
    OF_SUM(i, ZERO_TILE, );
}

INLINE void tile_load_sums(tiles *t, const int i, const float *from, ptrdiff_t row_bytes)
{
    (void)t;
    OF_SUM(i, LOAD_TILE, from, row_bytes);
}

INLINE void tile_store_sums(tiles *t, const int i, float *to, ptrdiff_t row_bytes)
{
    (void)t;
    OF_SUM(i, STORE_TILE, to, row_bytes);
}

INLINE void tile_load_a(tiles *t, const int second, const void *from, ptrdiff_t row_bytes)
{
    (void)t;
    if (second)
        LOAD_TILE(5, from, row_bytes);
    else
        LOAD_TILE(4, from, row_bytes);
}

INLINE void tile_load_b(tiles *t, const int second, const void *from, ptrdiff_t row_bytes)
{
    (void)t;
    if (second)
        LOAD_TILE(7, from, row_bytes);
    else
        LOAD_TILE(6, from, row_bytes);
}

/* Add to the sums i the product of the first or second a and b. They have the same number of pairs. */
INLINE void tile_multiply(tiles *t, const int second_a, const int second_b, const int i)
{
    (void)t;
    if (second_a && second_b)
        OF_SUM(i, MULTIPLY_TILES, 5, 7);
    else if (second_a)
        OF_SUM(i, MULTIPLY_TILES, 5, 6);
    else if (second_b)
        OF_SUM(i, MULTIPLY_TILES, 4, 7);
    else
        OF_SUM(i, MULTIPLY_TILES, 4, 6);
}

#else

typedef struct fcn_tiles {
    float sums[TILE_SUMS][TILE_ROWS][16];
    uint32_t a[2][TILE_ROWS][TILE_PAIRS], b[2][TILE_PAIRS][16];
    ptrdiff_t rows, pairs[2];
} tiles;

INLINE void tiles_begin(tiles *t, ptrdiff_t rows, ptrdiff_t second_pairs)
{
    t->rows = rows;
    t->pairs[0] = TILE_PAIRS;
    t->pairs[1] = second_pairs;
}
INLINE void tiles_end(tiles *t) { (void)t; }

INLINE void tile_zero(tiles *t, const int i) { memset(t->sums[i], 0, sizeof(t->sums[i])); }

INLINE void tile_load_sums(tiles *t, const int i, const float *from, ptrdiff_t row_bytes)
{
    for (ptrdiff_t m = 0; m < t->rows; ++m)
        memcpy(t->sums[i][m], (const char *)from + m * row_bytes, 64);
}

INLINE void tile_store_sums(tiles *t, const int i, float *to, ptrdiff_t row_bytes)
{
    for (ptrdiff_t m = 0; m < t->rows; ++m)
        memcpy((char *)to + m * row_bytes, t->sums[i][m], 64);
}

INLINE void tile_load_a(tiles *t, const int second, const void *from, ptrdiff_t row_bytes)
{
    for (ptrdiff_t m = 0; m < t->rows; ++m)
        memcpy(t->a[second][m], (const char *)from + m * row_bytes, (size_t)t->pairs[second] * 4);
}

INLINE void tile_load_b(tiles *t, const int second, const void *from, ptrdiff_t row_bytes)
{
    for (ptrdiff_t k = 0; k < t->pairs[second]; ++k)
        memcpy(t->b[second][k], (const char *)from + k * row_bytes, 64);
}

static void tile_multiply(tiles *t, const int second_a, const int second_b, const int i)
{
    const ptrdiff_t pairs = t->pairs[second_a];
    for (ptrdiff_t m = 0; m < t->rows; ++m)
        for (ptrdiff_t n = 0; n < 16; n += VL) {
            vreal first = {0}, second = {0};
            for (ptrdiff_t k = 0; k < pairs; ++k) {
                const vterms a = t->a[second_a][m][k] - (vterms){0};
                const vterms b = load_terms((const stored *)&t->b[second_b][k][n]);
                first += first_of(a) * first_of(b);
                second += second_of(a) * second_of(b);
            }
            rstore(&t->sums[i][m][n], rload(&t->sums[i][m][n]) + (first + second));
        }
}

#endif

#endif
