/* Packing of a linear layer's weights for the gradient of its input, an image, in the layout "channels".
 *
 * Equation  packed[o][p][c] = weight[o][c][p], of which rows p, c are the channels of a product, from a
 *           vector first_vector on
 * Layout    as of pack_weights.c: [block][pair of outputs][vectors of the block][VL][2]
 * Method    Places of a channel are neighbours in weight: VL of them of VL channels are a square, whose
 *           elements are pairs of outputs, which is transposed. pack_weights would gather each vector.
 * Edges     There are at least VL places, and whole vectors of input channels.
 */
#include "pack.h"

#if TERMS == 2

/* Where a vector is packed: its first pair, and how far it is to the next one. */
typedef struct {
    stored *to;
    ptrdiff_t step;
} column;

/* That of one of `vectors` vectors; none if it is none of them. */
static column column_of(stored *packed, ptrdiff_t v, ptrdiff_t vectors, ptrdiff_t rows)
{
    if (v < 0 || v >= vectors)
        return (column){NULL, 0};
    const ptrdiff_t block = vector_block_of(vectors, v);
    const ptrdiff_t start = vector_block_start(vectors, block);
    const ptrdiff_t width = vector_block_start(vectors, block + 1) - start;
    return (column){packed + (start * rows + (v - start) * TERMS) * VL, width * VL * TERMS};
}

/* Make the vectors of VL places of VL channels, whose weights of the first output are at `from`. */
static void pack_square(const real *from, ptrdiff_t places, ptrdiff_t depth, ptrdiff_t outputs,
                        const column *columns)
{
    for (ptrdiff_t o = 0; o < outputs; o += TERMS) {
        vreal square[VL];
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i) {
            const real *tap = from + o * depth + i * places;
            const vreal rows[TERMS] = {rload(tap), o + 1 < outputs ? rload(tap + depth) : (vreal){0}};
            square[i] = (vreal)terms_of(rows);
        }
        transpose_lanes(square);
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            if (columns[i].to)
                store_terms(columns[i].to + o / TERMS * columns[i].step, (vterms)square[i]);
    }
}

/* A task packs up to VL places. */
void KERNEL(pack_places)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_pack_places *a = &op->pack_places;
    const ptrdiff_t of_place = a->channels / VL, depth = a->channels * a->places;
    const ptrdiff_t first = task * VL, p0 = fcn_min(first, a->places - VL);
    (void)batch;
    for (ptrdiff_t v = 0; v < of_place; ++v) {
        column columns[VL];
        for (ptrdiff_t i = 0; i < VL; ++i) {
            const ptrdiff_t vector = (p0 + i) * of_place + v - a->first_vector;
            /* What the task before has packed is left out. */
            columns[i] =
                column_of(the(&a->packed), p0 + i < first ? -1 : vector, a->vectors, whole_terms(a->outputs));
        }
        pack_square((const real *)the(&a->weight) + v * VL * a->places + p0, a->places, depth, a->outputs,
                    columns);
    }
}

#endif
