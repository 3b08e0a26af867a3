/* Matrix multiplication C (m, n) = A (m, k) B (k, n), or C += A B, blocked and packed.
 *
 * Layout  C is row-major; A and B are given by their element strides, so transposes cost nothing.
 * Method  A block of B (KC x NC) and one of A (MC x KC) are copied ("packed") into panels of NR columns or MR
 *         rows, in the order in which the micro-kernel reads them. The micro-kernel holds MR x NR numbers of
 *         C in registers and adds one outer product a step: 2 loads, MR broadcasts, 2 MR fused multiply-adds.
 *         See Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
 * Threads Over tiles of C. The sum over k is not cut, so each element is summed in the same order (in blocks
 *         of KC, upwards) for any number of threads and any tiles.
 * Edges   Panels are padded with zeros; a block at the border is computed whole, and the part that lies in C
 *         is copied. k = 0 writes zeros, or adds nothing; m = 0 or n = 0 does nothing.
 */
#include "eager/eager.h"

#if defined(__AVX512F__) || defined(__aarch64__)
#define MR 8 /* 16 of the 32 registers hold C; 8 divides the usual numbers of channels */
#else
#define MR 6 /* 12 of the 16 registers */
#endif
#define NR (2 * VL)
#define KC 256
#define MC (12 * MR)
#define NC (16 * NR)

#define WORKSPACE_REALS (MC * KC + KC * NC)

size_t FCN(gemm_workspace)(int threads) { return (size_t)threads * WORKSPACE_REALS * sizeof(real); }

/* Pack `lines` lines (rows of A, or columns of B) of length `depth` into panels of `width` lines:
 * panels[p][k][r] = element k of line p * width + r, or 0 past the last line. */
static void pack(real *restrict panels, const real *source, ptrdiff_t line_stride, ptrdiff_t depth_stride,
                 ptrdiff_t lines, ptrdiff_t depth, ptrdiff_t width)
{
    for (ptrdiff_t first = 0; first < lines; first += width, panels += width * depth) {
        const real *line = source + first * line_stride;
        ptrdiff_t valid = fcn_min(width, lines - first);
        if (line_stride == 1 && valid == width) {
            for (ptrdiff_t k = 0; k < depth; ++k)
                memcpy(panels + k * width, line + k * depth_stride, (size_t)width * sizeof(real));
            continue;
        }
        for (ptrdiff_t r = 0; r < valid; ++r)
            for (ptrdiff_t k = 0; k < depth; ++k)
                panels[k * width + r] = line[r * line_stride + k * depth_stride];
        for (ptrdiff_t k = 0; k < depth; ++k)
            for (ptrdiff_t r = valid; r < width; ++r)
                panels[k * width + r] = 0;
    }
}

/* block (MR, NR; rows are ldc apart) = the product of a panel of A and one of B, or += that. */
static inline void micro_kernel(real *restrict block, ptrdiff_t ldc, const real *restrict a,
                                const real *restrict b, ptrdiff_t depth, int accumulate)
{
    vreal sum[MR][2] = {{{0}}};
    for (ptrdiff_t k = 0; k < depth; ++k, a += MR, b += NR) {
        vreal b0 = vload(b), b1 = vload(b + VL);
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) {
            vreal ai = vset(a[i]);
            sum[i][0] += ai * b0;
            sum[i][1] += ai * b1;
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
        real *row = block + i * ldc;
        vstore(row, accumulate ? vload(row) + sum[i][0] : sum[i][0]);
        vstore(row + VL, accumulate ? vload(row + VL) + sum[i][1] : sum[i][1]);
    }
}

/* The product of a packed block of A (m rows) and one of B (n columns), to or added to c. */
static void macro_kernel(real *c, ptrdiff_t ldc, const real *a, const real *b, ptrdiff_t m, ptrdiff_t n,
                         ptrdiff_t depth, int accumulate)
{
    for (ptrdiff_t j = 0; j < n; j += NR)
        for (ptrdiff_t i = 0; i < m; i += MR) {
            real *block = c + i * ldc + j;
            const real *a_panel = a + i * depth, *b_panel = b + j * depth;
            ptrdiff_t rows = fcn_min(MR, m - i), columns = fcn_min(NR, n - j);
            if (rows == MR && columns == NR) {
                micro_kernel(block, ldc, a_panel, b_panel, depth, accumulate);
                continue;
            }
            real edge[MR * NR];
            micro_kernel(edge, NR, a_panel, b_panel, depth, 0);
            for (ptrdiff_t r = 0; r < rows; ++r)
                for (ptrdiff_t s = 0; s < columns; ++s)
                    block[r * ldc + s] =
                        accumulate ? block[r * ldc + s] + edge[r * NR + s] : edge[r * NR + s];
        }
}

void FCN(gemm_serial)(real *c, ptrdiff_t ldc, fcn_matrix a, fcn_matrix b, ptrdiff_t m, ptrdiff_t n,
                      ptrdiff_t k, int accumulate, void *workspace)
{
    real *a_panels = workspace, *b_panels = a_panels + MC * KC;
    const real *a_data = a.data, *b_data = b.data;
    if (k == 0 && !accumulate)
        for (ptrdiff_t i = 0; i < m; ++i)
            memset(c + i * ldc, 0, (size_t)n * sizeof(real));
    for (ptrdiff_t j = 0; j < n; j += NC) {
        ptrdiff_t columns = fcn_min(NC, n - j);
        for (ptrdiff_t p = 0; p < k; p += KC) {
            ptrdiff_t depth = fcn_min(KC, k - p);
            pack(b_panels, b_data + p * b.row_stride + j * b.column_stride, b.column_stride, b.row_stride,
                 columns, depth, NR);
            for (ptrdiff_t i = 0; i < m; i += MC) {
                ptrdiff_t rows = fcn_min(MC, m - i);
                pack(a_panels, a_data + i * a.row_stride + p * a.column_stride, a.row_stride, a.column_stride,
                     rows, depth, MR);
                macro_kernel(c + i * ldc + j, ldc, a_panels, b_panels, rows, columns, depth,
                             accumulate || p > 0);
            }
        }
    }
}

typedef struct {
    real *c;
    fcn_matrix a, b;
    ptrdiff_t m, n, k;
    ptrdiff_t row_tile, column_tile; /* rows and columns of a tile */
    ptrdiff_t row_tiles;             /* how many tiles are below each other */
    int accumulate;
    real *workspace;
} tile_args;

static void gemm_tiles(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    const tile_args t = *(const tile_args *)args;
    for (ptrdiff_t tile = first; tile < last; ++tile) {
        ptrdiff_t i = tile % t.row_tiles * t.row_tile, j = tile / t.row_tiles * t.column_tile;
        fcn_matrix a_rows = t.a, b_columns = t.b;
        a_rows.data = (const real *)t.a.data + i * t.a.row_stride;
        b_columns.data = (const real *)t.b.data + j * t.b.column_stride;
        FCN(gemm_serial)(t.c + i * t.n + j, t.n, a_rows, b_columns, fcn_min(t.row_tile, t.m - i),
                         fcn_min(t.column_tile, t.n - j), t.k, t.accumulate,
                         t.workspace + thread * WORKSPACE_REALS);
    }
}

void FCN(gemm)(void *c, fcn_matrix a, fcn_matrix b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int accumulate,
               void *workspace, int threads)
{
    OWN_FLOAT_MODE;
    if (m == 0 || n == 0)
        return;
    /* A few tiles for each thread, as square as the panels allow. */
    const ptrdiff_t row_tile = m > 2 * MC ? MC : fcn_divide_up(m, MR) * MR;
    const ptrdiff_t column_tile = fcn_min(NC, fcn_divide_up(fcn_divide_up(n, 4), NR) * NR);
    const ptrdiff_t row_tiles = fcn_divide_up(m, row_tile);
    const tile_args t = {c, a, b, m, n, k, row_tile, column_tile, row_tiles, accumulate, workspace};
    const double products = (double)row_tile * (double)column_tile * (double)(k + 1);
    fcn_parallel_for(row_tiles * fcn_divide_up(n, column_tile), products / FCN_PRODUCTS_PER_ELEMENT, threads,
                     gemm_tiles, &t);
}
