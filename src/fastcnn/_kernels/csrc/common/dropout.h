/* The mask of dropout, which eager mode and the engine's two layouts must agree on to the bit.
 *
 * Equation  mask = 0 where bits(key, row, element) < p 2^32, else 1 / (1 - p)
 * Method    A row is one sample. The bits are a 32-bit integer hash of the three numbers, two rounds of
 *           xor-shift and multiply at a time (constants of the "lowbias32" search by C. Wellons). Nothing
 *           else enters, so any thread can make any part of the mask in any order.
 * Edges     p = 0 keeps everything; p = 1 drops everything, because what is kept is then multiplied by 0.
 */
#ifndef FCN_DROPOUT_H
#define FCN_DROPOUT_H

#include "common/vec.h"

typedef uint32_t hash_lanes __attribute__((vector_size(4 * VL)));

/* The hash for one word, or for each lane of a vector of words: the operators are the same. name_of_row
 * hashes the key and the row, once for all elements of the row, and name_bits adds an element. */
#define DEFINE_HASH(name, word)                                                                              \
    typedef struct {                                                                                         \
        word low, high;                                                                                      \
    } name##_row;                                                                                            \
    static inline word name##_mix(word h)                                                                    \
    {                                                                                                        \
        h = (h ^ (h >> 16)) * 0x7feb352du;                                                                   \
        h = (h ^ (h >> 15)) * 0x846ca68bu;                                                                   \
        return h ^ (h >> 16);                                                                                \
    }                                                                                                        \
    static inline name##_row name##_of_row(uint64_t key, word row)                                           \
    {                                                                                                        \
        const word low = name##_mix((uint32_t)key ^ name##_mix(row));                                        \
        return (name##_row){low, name##_mix((uint32_t)(key >> 32) + low)};                                   \
    }                                                                                                        \
    static inline word name##_bits(name##_row row, word element)                                             \
    {                                                                                                        \
        return name##_mix(name##_mix(element + row.low) ^ row.high);                                         \
    }

DEFINE_HASH(hash, uint32_t)
DEFINE_HASH(lane_hash, hash_lanes)

/* Elements whose bits are below this are dropped; the others are multiplied by dropout_scale. */
static inline uint32_t dropout_threshold(double p) { return p < 1 ? (uint32_t)(p * 4294967296.0) : 0; }
static inline real dropout_scale(double p) { return (real)(p < 1 ? 1 / (1 - p) : 0); }

#endif
