/* Winograd's filtering by multiply-adds that take two terms, bfloat16: winograd.c for operations of other
 * names, with tiles of 2x2 pixels, see winograd.h.
 */
#include "common/vec.h"

#if TERMS == 2
#define MULTIPLIES_PAIRS 1
#include "winograd.c"
#endif
