/* The weight gradient of few pixels over all images at once, by multiply-adds of two terms: weight_of_all.h.
 *
 * Layout    scratch of dy: [pair of rows][output][2].
 * Method    Register blocks of one or two vectors of input channels by outputs; pairs of dy are broadcast.
 */
#include "engine/kernel.h"
#if TERMS == 2
#include "weight_sums.h"

#define PAIRS_AT_ONCE 1

/* What is in hand: outputs o0 and on, by so many vectors of input channels; pairs of rows. */
typedef struct {
    ptrdiff_t o0, outputs, vectors, pairs;
    uint32_t *x, *dy;
    real *totals;
    int fresh;
} in_hand;

static void begin(const in_hand *h) { (void)h; }
static void end(const in_hand *h) { (void)h; }

static ptrdiff_t dy_row(const in_hand *h) { return fcn_divide_up(h->outputs, VL) * VL; }

/* Rows of whole vectors: what is past the outputs is read by no block. */
static void lay_out_dy(const in_hand *h, const stored *const *rows)
{
    const ptrdiff_t row = dy_row(h);
    for (ptrdiff_t pair = 0; pair < h->pairs; ++pair) {
        const stored *other = rows[2 * pair + 1];
        put_pairs(h->dy + pair * row, rows[2 * pair] + h->o0, other ? other + h->o0 : NULL, row);
    }
}

INLINE void add_block(const in_hand *h, real *total, ptrdiff_t total_row, ptrdiff_t v, ptrdiff_t o,
                      const int vectors, const int outputs)
{
    vreal sum[MAX_SUMS];
#pragma GCC unroll 32
    for (int i = 0; i < outputs * vectors; ++i)
        sum[i] = (vreal){0};
    const ptrdiff_t x_row = h->vectors * VL, row = dy_row(h);
    const uint32_t *x = h->x + v * VL, *dy = h->dy + o;
    for (ptrdiff_t pair = 0; pair < h->pairs; ++pair, x += x_row, dy += row) {
        vterms value[MAX_WIDTH];
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j) {
            value[j] = load_terms((const stored *)(x + j * VL));
            PIN(value[j]);
        }
#pragma GCC unroll 32
        for (int i = 0; i < outputs; ++i) {
            vterms grad = set_terms((const stored *)(dy + i));
            if (vectors > 1)
                PIN(grad);
#pragma GCC unroll 2
            for (int j = 0; j < vectors; ++j)
                sum[i * vectors + j] = multiply_add(sum[i * vectors + j], grad, value[j]);
        }
    }
    total += o * total_row + v * VL;
#pragma GCC unroll 32
    for (int i = 0; i < outputs; ++i, total += total_row)
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j)
            rstore(total + j * VL,
                   h->fresh ? sum[i * vectors + j] : rload(total + j * VL) + sum[i * vectors + j]);
}

#if MAX_BLOCK == 8
#define MOST_OUTPUTS 12
#define BLOCKS(K) UP_TO_12(K, 1) UP_TO_12(K, 2)
#else
#define MOST_OUTPUTS 6
#define BLOCKS(K) UP_TO_6(K, 1) UP_TO_6(K, 2)
#endif

#define DEFINE(v, n)                                                                                         \
    static void add_block_##v##_##n(const in_hand *h, real *total, ptrdiff_t total_row, ptrdiff_t v0,        \
                                    ptrdiff_t o)                                                             \
    {                                                                                                        \
        add_block(h, total, total_row, v0, o, v, n);                                                         \
    }
BLOCKS(DEFINE)
#define ENTRY(v, n) [v][n] = add_block_##v##_##n,
static void (*const blocks[MAX_WIDTH + 1][MOST_OUTPUTS + 1])(const in_hand *, real *, ptrdiff_t, ptrdiff_t,
                                                             ptrdiff_t) = {BLOCKS(ENTRY)};

static void add_rows(const in_hand *h, real *totals, ptrdiff_t total_row)
{
    const ptrdiff_t parts = fcn_divide_up(h->outputs, MOST_OUTPUTS);
    for (ptrdiff_t v = 0, width; v < h->vectors; v += width) {
        width = fcn_min(MAX_WIDTH, h->vectors - v);
        for (ptrdiff_t part = 0, o = 0, some; part < parts; ++part, o += some) {
            some = h->outputs / parts + (part < h->outputs % parts);
            blocks[width][some](h, totals, total_row, v, o);
        }
    }
}

#include "weight_of_all.h"
#endif
