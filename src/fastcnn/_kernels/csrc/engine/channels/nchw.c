/* Images in and results out, in the layout "channels"; within a program, a linear layer's flat sample and
 * back.
 *
 * Layout  see program.h. Images and results outside are (N, channels, pixels), and so is a flat sample.
 * Method  VL pixels of VL channels are a square, which is transposed in registers; images of up to four
 *         channels are zipped. Where few channels are left over, and where a vector could reach past the last
 *         pixel, elements are moved one by one.
 */
#include "engine/kernel.h"

/* One image: pixels in the layout, planes outside. */
typedef struct {
    const int32_t *at; /* of each pixel */
    ptrdiff_t pixels, channels;
} image;

/* Tell whether VL pixels from p on are moved as squares of VL channels from c on. */
INLINE int is_square(const image *m, ptrdiff_t p, ptrdiff_t count, ptrdiff_t c)
{
    return count == VL && m->channels - c > VL / 4 &&
           m->at[p + VL - 1] + c + VL <= m->at[m->pixels - 1] + m->channels;
}

/* Whether VL pixels of an image of one channel are neighbours. */
INLINE int is_row(const image *m, ptrdiff_t p, ptrdiff_t count)
{
    return m->channels == 1 && count == VL && m->at[p + VL - 1] == m->at[p] + VL - 1;
}

/* Tell whether VL pixels from p on are moved as quads of up to four channels, VL of them at a time. */
INLINE int is_quads(const image *m, ptrdiff_t p, ptrdiff_t count)
{
    return VL > 4 && m->channels <= 4 && count == VL &&
           m->at[p + VL - 1] + 4 <= m->at[m->pixels - 1] + m->channels;
}

/* The first of the last block of channels, which may be partial. */
INLINE ptrdiff_t last_block(ptrdiff_t channels) { return (channels - 1) / VL * VL; }

#define NUMBER stored
#define LOAD vload
#define STORE vstore
#define GET value_of
#define SET set_value
#define OF(name) name##_of_values
#include "planes.h"

static inline real number_of(const real *p) { return *p; }
static inline void set_number(real *p, real value) { *p = value; }
#define NUMBER real
#define LOAD rload
#define STORE rstore
#define GET number_of
#define SET set_number
#define OF(name) name##_of_numbers
#include "planes.h"

void KERNEL(from_nchw)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_from_nchw *a = &op->from_nchw;
    const image m = {a->x_at, a->pixels, a->channels};
    from_planes_of_values(&m, of_group(&a->x, batch, group), of_group(&a->images, batch, group));
}

void KERNEL(to_nchw)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_to_nchw *a = &op->to_nchw;
    const image m = {a->x_at, a->pixels, a->channels};
    to_planes_of_values(&m, of_group(&a->images, batch, group), of_group(&a->x, batch, group));
}

void KERNEL(rows_from_planes)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_rows_from_planes *a = &op->rows_from_planes;
    const image m = {a->row_at, a->pixels, a->channels};
    (void)batch, (void)task;
    from_planes_of_numbers(&m, the(&a->rows), the(&a->planes));
}

void KERNEL(planes_from_rows)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_planes_from_rows *a = &op->planes_from_rows;
    const image m = {a->row_at, a->pixels, a->channels};
    (void)batch, (void)task;
    to_planes_of_numbers(&m, the(&a->planes), the(&a->rows));
}
