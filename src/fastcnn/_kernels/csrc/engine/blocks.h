/* Register blocks: how many output channels, or vectors of them, the innermost loops of products take at a
 * time. */
#ifndef FCN_BLOCKS_H
#define FCN_BLOCKS_H

#include "common/integers.h"

/* A register block is BLOCK channels by the pixels that then fit: 24 of 32 vector registers hold sums on
 * AVX-512 and NEON, 12 of 16 elsewhere. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define MAX_BLOCK 8
#define MAX_VECTORS 4
#else
#define MAX_BLOCK 4
#define MAX_VECTORS 3
#endif

/* K(v, 1) to K(v, n): a compiled block for each number of rows, pixels or taps. */
#define UP_TO_3(K, v) K(v, 1) K(v, 2) K(v, 3)
#define UP_TO_4(K, v) UP_TO_3(K, v) K(v, 4)
#define UP_TO_6(K, v) UP_TO_4(K, v) K(v, 5) K(v, 6)
#define UP_TO_8(K, v) UP_TO_6(K, v) K(v, 7) K(v, 8)
#define UP_TO_12(K, v) UP_TO_8(K, v) K(v, 9) K(v, 10) K(v, 11) K(v, 12)
#define UP_TO_18(K, v) UP_TO_12(K, v) K(v, 13) K(v, 14) K(v, 15) K(v, 16) K(v, 17) K(v, 18)
#define UP_TO_24(K, v) UP_TO_18(K, v) K(v, 19) K(v, 20) K(v, 21) K(v, 22) K(v, 23) K(v, 24)

/* `channels` are split into the fewest blocks of at most MAX_BLOCK, as even as possible. */
static inline ptrdiff_t block_count(ptrdiff_t channels) { return fcn_divide_up(channels, MAX_BLOCK); }
static inline ptrdiff_t block_start(ptrdiff_t channels, ptrdiff_t block)
{
    ptrdiff_t count = block_count(channels);
    return channels / count * block + fcn_min(block, channels % count);
}

/* The layout "channels" likewise splits the vectors of a pixel, into blocks of at most MAX_VECTORS. */
static inline ptrdiff_t vector_block_count(ptrdiff_t vectors) { return fcn_divide_up(vectors, MAX_VECTORS); }
static inline ptrdiff_t vector_block_start(ptrdiff_t vectors, ptrdiff_t block)
{
    ptrdiff_t count = vector_block_count(vectors);
    return vectors / count * block + fcn_min(block, vectors % count);
}

/* The block that vector v is in. */
static inline ptrdiff_t vector_block_of(ptrdiff_t vectors, ptrdiff_t v)
{
    const ptrdiff_t count = vector_block_count(vectors), width = vectors / count, longer = vectors % count;
    return fcn_max(v / (width + 1), (v - longer) / width);
}

#endif
