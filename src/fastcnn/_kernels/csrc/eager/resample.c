/* Sums of rows crossed with sums of columns: interpolation and padding, and their gradients.
 *
 * Equation  y[i, j] = sum_{u, v} row_weight[u] column_weight[v] x[row[u], column[v]], where u runs over the
 *           entries rows.first[i] .. rows.first[i + 1] - 1 and v over those of columns likewise
 * Layout    x (planes, in_h, in_w), y (planes, out_h, out_w). The gradient is the same sum with transposed
 *           lists, so that each of its elements is written once, in one order of terms.
 * Method    For each row of y the rows of x are added up first, into a line of scratch memory, unless there
 *           is one alone that counts once; columns of that are added then. But for those at the ends they
 *           are mostly sums of equally many, which have a loop of their own.
 * Threads   Over the rows of y of all planes.
 * Edges     Of no entries the sum is 0. Without weights all of them are 1, and of one entry it is that number
 *           as it is, denormal or not.
 */
#include "eager/eager.h"

size_t FCN(resample_workspace)(ptrdiff_t in_w, int threads)
{
    return (size_t)threads * fcn_whole_lines((size_t)in_w * sizeof(real));
}

typedef struct {
    real *y;
    const real *x;
    ptrdiff_t in_h, in_w, out_h, out_w;
    const fcn_lines *rows, *columns;
    ptrdiff_t middle, middle_end; /* the longest run of columns that are sums of as many */
    char *workspace;
} resample_args;

/* The sum of the rows of a plane that belong to row i of the output. */
static const real *row_sum(const resample_args *a, const real *plane, ptrdiff_t i, real *line)
{
    const ptrdiff_t in_w = a->in_w;
    const int64_t first = a->rows->first[i], count = a->rows->first[i + 1] - first;
    const int64_t *at = a->rows->at + first;
    const real *weight = a->rows->weight ? (const real *)a->rows->weight + first : NULL;
    if (count == 1 && (!weight || weight[0] == 1))
        return plane + at[0] * in_w;
    if (count == 2 && weight) {
        const real *r0 = plane + at[0] * in_w, *r1 = plane + at[1] * in_w;
        for (ptrdiff_t j = 0; j < in_w; ++j)
            line[j] = weight[0] * r0[j] + weight[1] * r1[j];
        return line;
    }
    memset(line, 0, (size_t)in_w * sizeof(real));
    for (int64_t u = 0; u < count; ++u) {
        const real *row = plane + at[u] * in_w;
        const real factor = weight ? weight[u] : 1;
        for (ptrdiff_t j = 0; j < in_w; ++j)
            line[j] += factor * row[j];
    }
    return line;
}

/* Sums of `count` entries each; usual numbers of them are constants. */
INLINE void sums(real *y, const real *line, const int64_t *at, const real *weight, ptrdiff_t lines,
                 const ptrdiff_t count)
{
    for (ptrdiff_t j = 0; j < lines; ++j, at += count) {
        real sum = 0;
        if (!weight && count)
            sum = line[at[0]];
        for (ptrdiff_t v = weight ? 0 : 1; v < count; ++v)
            sum += weight ? weight[j * count + v] * line[at[v]] : line[at[v]];
        y[j] = sum;
    }
}

/* The columns first .. last - 1 of a row, all of as many entries. */
static void column_sums(const resample_args *a, real *y, const real *line, ptrdiff_t first, ptrdiff_t last)
{
    const int64_t start = a->columns->first[first];
    const ptrdiff_t count = a->columns->first[first + 1] - start, lines = last - first;
    const int64_t *at = a->columns->at + start;
    const real *weight = a->columns->weight ? (const real *)a->columns->weight + start : NULL;
    y += first;
    if (!weight && count == 1)
        sums(y, line, at, NULL, lines, 1);
    else if (!weight)
        sums(y, line, at, NULL, lines, count);
    else if (count == 2)
        sums(y, line, at, weight, lines, 2);
    else if (count == 4)
        sums(y, line, at, weight, lines, 4);
    else
        sums(y, line, at, weight, lines, count);
}

static void resample_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    const resample_args a = *(const resample_args *)args;
    real *line = (real *)(a.workspace + (size_t)thread * FCN(resample_workspace)(a.in_w, 1));
    for (ptrdiff_t row = first; row < last; ++row) {
        const real *plane = a.x + row / a.out_h * a.in_h * a.in_w;
        const real *sum = row_sum(&a, plane, row % a.out_h, line);
        real *y = a.y + row * a.out_w;
        for (ptrdiff_t j = 0; j < a.middle; ++j)
            column_sums(&a, y, sum, j, j + 1);
        column_sums(&a, y, sum, a.middle, a.middle_end);
        for (ptrdiff_t j = a.middle_end; j < a.out_w; ++j)
            column_sums(&a, y, sum, j, j + 1);
    }
}

void FCN(resample)(void *y, const void *x, ptrdiff_t planes, ptrdiff_t in_h, ptrdiff_t in_w, ptrdiff_t out_h,
                   ptrdiff_t out_w, const fcn_lines *rows, const fcn_lines *columns, void *workspace,
                   int threads)
{
    OWN_FLOAT_MODE;
    resample_args a = {y, x, in_h, in_w, out_h, out_w, rows, columns, 0, 0, workspace};
    for (ptrdiff_t j = 0, end; j < out_w; j = end) {
        const int64_t *first = columns->first;
        for (end = j + 1; end < out_w && first[end + 1] - first[end] == first[j + 1] - first[j];)
            ++end;
        if (end - j > a.middle_end - a.middle) {
            a.middle = j;
            a.middle_end = end;
        }
    }
    if (out_w)
        fcn_parallel_for(planes * out_h, (double)in_w + (double)out_w, threads, resample_rows, &a);
}
