/* The register blocks of products where channels are in the lanes: each number of vectors of output channels
 * by 1 to 12 pixels, as registers allow. BLOCKS(K) expands to K(vectors, pixels) for each of them.
 */
#ifndef FCN_REGISTER_BLOCKS_H
#define FCN_REGISTER_BLOCKS_H

#include "engine/blocks.h"

#if MAX_BLOCK == 8
#define BLOCKS(K) UP_TO_12(K, 1) UP_TO_12(K, 2) UP_TO_8(K, 3) UP_TO_6(K, 4)
static const int max_pixels[] = {0, 12, 12, 8, 6};
#else
#define BLOCKS(K) UP_TO_12(K, 1) UP_TO_6(K, 2) UP_TO_4(K, 3)
static const int max_pixels[] = {0, 12, 6, 4};
#endif

#endif
