/* Weights of a 3x3 convolution, transformed for winograd_pairs.c: winograd_pack.c for an operation of another
 * name.
 */
#include "common/vec.h"

#if TERMS == 2
#define MULTIPLIES_PAIRS 1
#include "winograd_pack.c"
#endif
