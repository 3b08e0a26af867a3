/* Losses of classes, of one row (common/rows.h), for eager mode and the engine. The equations stand in
 * eager/class_losses.c. */
#ifndef FCN_CLASS_LOSSES_H
#define FCN_CLASS_LOSSES_H

#include "common/softmax.h"

/* Options of the losses; each has those that its equation has. */
typedef struct {
    stored *weight; /* of each class, or NULL */
    int64_t ignore_index;
    double scale; /* gradients are multiplied by it */
    double smoothing;
    double margin;
    ptrdiff_t power;
} class_loss;

/* The samples of a row: at most VL, 1 if classes are in the lanes. */
typedef struct {
    ptrdiff_t count;
    const int64_t *label; /* the class of each, `step` apart; NULL if there is none */
    ptrdiff_t step;
    double share[VL]; /* the weight of each: of 0 it counts for nothing, whatever its numbers are */
    /* What comes of it: the loss, times the weight, and 1 if the first maximum is the label, counted or not,
     * else 0. */
    double loss[VL], right[VL];
} row_samples;

/* Numbers of the lanes as vectors: that of one sample in all lanes, or each in its own. */
INLINE vreal lanes_of(const real each[VL], const row_kind kind)
{
    return kind == CLASSES_IN_LANES ? vset(each[0]) : rload(each);
}

INLINE vint integers_of(const lane_int each[VL], const row_kind kind)
{
    vint v = (vint){0} + each[0];
    if (kind == SAMPLES_IN_LANES)
        memcpy(&v, each, sizeof(v));
    return v;
}

/* `scale` times the weight of each sample. */
INLINE vreal scales_of(const row_samples *s, const class_loss *o, const row_kind kind)
{
    real scale[VL] = {0};
    for (ptrdiff_t i = 0; i < s->count; ++i)
        scale[i] = (real)(o->scale * s->share[i]);
    return lanes_of(scale, kind);
}

/* What a row should be, after smoothing. */
typedef struct {
    row weight;  /* of each class; without data: 1 */
    row soft;    /* probabilities; without data the targets are labels */
    vint label;  /* the class of each sample, -1: none */
    vreal hard;  /* the part of the label that smoothing leaves to it, times its weight */
    real rest;   /* the part of a target that smoothing leaves to it */
    real smooth; /* the part of each class that comes from smoothing */
} targets;

/* The targets of vector k, each times the weight of its class. */
INLINE vreal target_share(const targets *t, ptrdiff_t k, const row_kind kind)
{
    const vint classes = row_classes(k, kind);
    vreal weight = vset(1), share = vset(t->smooth);
    if (t->weight.data)
        weight =
            kind == CLASSES_IN_LANES ? row_load(&t->weight, k, kind) : vset(value_of(t->weight.data + k));
    if (t->soft.data)
        return (row_load(&t->soft, k, kind) * t->rest + share) *
               keep(classes < (lane_int)t->weight.classes, weight);
    share = t->smooth != 0 ? share * keep(classes < (lane_int)t->weight.classes, weight) : (vreal){0};
    return keep(classes == t->label, t->hard) + share;
}

/* loss -= share * log_p. Where the share is 0 so is the product, even if log_p is -inf. */
INLINE void add_losses(double *loss, vreal share, vreal log_p)
{
    real shares[VL], logs[VL];
    rstore(shares, share);
    rstore(logs, keep(share != 0, log_p));
    for (int i = 0; i < VL; ++i)
        loss[i] -= (double)shares[i] * (double)logs[i];
}

/* The first maximum in each lane, or the first NaN; the class that has it becomes *winner. */
INLINE vreal row_maximum(const row *x, vint *winner, const row_kind kind)
{
    vreal max = row_load(x, 0, kind);
    *winner = row_classes(0, kind);
    for (ptrdiff_t k = 1; k < row_vectors(x, kind); ++k) {
        const vreal value = row_load(x, k, kind);
        const vint better = (value > max) | ((value != value) & (max == max));
        max = pick(better, value, max);
        *winner = (better & row_classes(k, kind)) | (~better & *winner);
    }
    return max;
}

/* Say which samples are predicted right, from what row_maximum found. */
INLINE void mark_right(row_samples *s, const row *x, vreal best, vint winner, const row_kind kind)
{
    lane_int first[VL];
    memcpy(first, &winner, sizeof(winner));
    if (kind == CLASSES_IN_LANES) {
        /* The first class among the lanes that hold the maximum. */
        const vint holds = (best == merge_larger(best, kind)) | (best != best);
        lane_int held[VL], least = (lane_int)x->classes;
        memcpy(held, &holds, sizeof(holds));
        for (int i = 0; i < VL; ++i)
            if (held[i] && first[i] < least)
                least = first[i];
        first[0] = least;
    }
    for (ptrdiff_t i = 0; i < s->count; ++i)
        s->right[i] = s->label && first[i] == s->label[i * s->step];
}

/* Cross-entropy: dx becomes the gradients of the samples. The targets are the probabilities `soft`, or if
 * that has no data the labels. `marks` says whether it shall be found out who is right. */
INLINE void row_cross_entropy(row *dx, row *x, const row *soft, row_samples *s, const class_loss *o,
                              const int marks, const row_kind kind)
{
    const ptrdiff_t vectors = row_vectors(x, kind), samples = kind == CLASSES_IN_LANES ? 1 : VL;
    row_begin(x, kind, (real)-INFINITY);
    targets t = {
        .weight = {.data = o->weight, .classes = x->classes},
        .soft = *soft,
        .rest = (real)(1 - o->smoothing),
        .smooth = (real)(o->smoothing / (double)x->classes),
    };
    if (o->weight)
        row_begin(&t.weight, kind, 0);
    if (soft->data)
        row_begin(&t.soft, kind, 0);
    const int hard_labels = !soft->data, one_class = hard_labels && t.smooth == 0;
    lane_int labels[VL], counted[VL];
    real hard[VL];
    for (ptrdiff_t i = 0; i < samples; ++i) {
        const int64_t label = i < s->count && hard_labels ? s->label[i * s->step] : -1;
        const int counts = i < s->count && s->share[i] != 0 && !(hard_labels && label == o->ignore_index);
        labels[i] = counts ? (lane_int)label : -1;
        hard[i] = labels[i] < 0 ? 0 : t.rest * (o->weight ? value_of(o->weight + labels[i]) : 1);
        /* A class of weight 0 counts for nothing, whatever the logits. */
        counted[i] = -(counts && !(one_class && hard[i] == 0));
    }
    const vint counts = integers_of(counted, kind);
    t.label = integers_of(labels, kind);
    t.hard = lanes_of(hard, kind);

    vint winner;
    const vreal best = row_maximum(x, &winner, kind), max = merge_larger(best, kind);

    row_sum parts = {0}, shares = {0};
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal e = vexp(row_load(x, k, kind) - max);
        row_store(dx, k, kind, e);
        add_class(&parts, k, kind, e);
        if (!one_class)
            add_class(&shares, k, kind, target_share(&t, k, kind));
    }
    const vreal sum = merge_sum(&parts, kind), mass = one_class ? t.hard : merge_sum(&shares, kind);
    const vreal log_sum = log_of(sum, kind), factor = mass / sum;
    const vreal scale = scales_of(s, o, kind);
    double loss[VL] = {0};
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal share = target_share(&t, k, kind);
        if (!one_class)
            add_losses(loss, share, row_load(x, k, kind) - max - log_sum);
        const vreal grad = (row_load(dx, k, kind) * factor - share) * scale;
        row_store(dx, k, kind, keep(counts, grad));
    }
    row_end(dx, kind);
    for (ptrdiff_t i = 0; one_class && i < samples; ++i)
        if (hard[i] != 0)
            loss[i] = -(double)hard[i] * (double)(row_element(x, labels[i], i, kind) - max[i] - log_sum[i]);
    for (int i = 1; kind == CLASSES_IN_LANES && i < VL; ++i)
        loss[0] += loss[i];
    for (ptrdiff_t i = 0; i < s->count; ++i)
        s->loss[i] = counted[i] ? loss[i] * s->share[i] : 0;
    if (marks)
        mark_right(s, x, best, winner, kind);
}

/* The label of each sample, -1 if it counts for nothing, and the weight of its class times its own. */
INLINE void row_labels(lane_int labels[VL], double weights[VL], const row_samples *s, const class_loss *o)
{
    for (ptrdiff_t i = 0; i < VL; ++i) {
        labels[i] = -1;
        weights[i] = 0;
        if (i >= s->count || s->label[i * s->step] == o->ignore_index)
            continue;
        const ptrdiff_t label = (ptrdiff_t)s->label[i * s->step];
        weights[i] = s->share[i] * (o->weight ? (double)value_of(o->weight + label) : 1);
        labels[i] = weights[i] != 0 ? (lane_int)label : -1;
    }
}

/* The negative log-likelihood, of logarithms of probabilities. */
INLINE void row_nll(row *dx, row *x, row_samples *s, const class_loss *o, const int marks,
                    const row_kind kind)
{
    lane_int labels[VL];
    double weights[VL];
    real grads[VL];
    row_labels(labels, weights, s, o);
    for (ptrdiff_t i = 0; i < VL; ++i)
        grads[i] = (real)(-weights[i] * o->scale);
    row_begin(x, kind, (real)-INFINITY);
    const vint label = integers_of(labels, kind);
    const vreal grad = lanes_of(grads, kind);
    for (ptrdiff_t k = 0; k < row_vectors(x, kind); ++k)
        row_store(dx, k, kind, keep(row_classes(k, kind) == label, grad));
    row_end(dx, kind);
    for (ptrdiff_t i = 0; i < s->count; ++i)
        s->loss[i] = labels[i] < 0 ? 0 : -weights[i] * (double)row_element(x, labels[i], i, kind);
    if (marks) {
        vint winner;
        const vreal best = row_maximum(x, &winner, kind);
        mark_right(s, x, best, winner, kind);
    }
}

/* The margins by which other classes come too near to the label's, or their squares. */
INLINE void row_multi_margin(row *dx, row *x, row_samples *s, const class_loss *o, const int marks,
                             const row_kind kind)
{
    lane_int labels[VL];
    double weights[VL], loss[VL] = {0};
    real own[VL] = {0}, grads[VL];
    row_labels(labels, weights, s, o);
    for (ptrdiff_t i = 0; i < VL; ++i) {
        weights[i] /= (double)x->classes;
        grads[i] = (real)(weights[i] * o->scale * (double)o->power);
        if (labels[i] >= 0)
            own[i] = row_element(x, labels[i], i, kind);
    }
    row_begin(x, kind, (real)-INFINITY);
    const vint label = integers_of(labels, kind);
    const vreal grad = lanes_of(grads, kind), least = lanes_of(own, kind) - (real)o->margin;
    const vint counts = label >= 0;
    row_sum parts = {0};
    for (ptrdiff_t k = 0; k < row_vectors(x, kind); ++k) {
        const vint classes = row_classes(k, kind);
        const vreal excess = row_load(x, k, kind) - least;
        const vint near = counts & (excess > 0) & (classes != label) & (classes < (lane_int)x->classes);
        const vreal slope = keep(near, o->power == 1 ? grad : grad * excess);
        real values[VL];
        rstore(values, keep(near, o->power == 1 ? excess : excess * excess));
        for (int i = 0; i < VL; ++i)
            loss[i] += (double)values[i];
        row_store(dx, k, kind, slope);
        add_class(&parts, k, kind, slope);
    }
    const vreal sum = merge_sum(&parts, kind);
    for (ptrdiff_t k = 0; k < row_vectors(x, kind); ++k)
        row_store(dx, k, kind, pick(row_classes(k, kind) == label, -sum, row_load(dx, k, kind)));
    row_end(dx, kind);
    for (int i = 1; kind == CLASSES_IN_LANES && i < VL; ++i)
        loss[0] += loss[i];
    for (ptrdiff_t i = 0; i < s->count; ++i)
        s->loss[i] = labels[i] < 0 ? 0 : loss[i] * weights[i];
    if (marks) {
        vint winner;
        const vreal best = row_maximum(x, &winner, kind);
        mark_right(s, x, best, winner, kind);
    }
}

#endif
