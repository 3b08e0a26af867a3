/* The adjustments of colour that csrc/data/adjust.c knows, in the order of their numbers. */
#ifndef FCN_ADJUST_H
#define FCN_ADJUST_H

#define FCN_ADJUSTMENTS(DO)                                                                                  \
    DO(nothing)                                                                                              \
    DO(brightness)                                                                                           \
    DO(contrast)                                                                                             \
    DO(saturation)                                                                                           \
    DO(hue)                                                                                                  \
    DO(grey)                                                                                                 \
    DO(sharpness)                                                                                            \
    DO(posterize)                                                                                            \
    DO(solarize)                                                                                             \
    DO(autocontrast)                                                                                         \
    DO(equalize)

#define FCN_NUMBER(name) FCN_##name,
enum { FCN_ADJUSTMENTS(FCN_NUMBER) FCN_ADJUSTMENT_COUNT };
#undef FCN_NUMBER

#define FCN_NAME(name) #name,
static const char *const fcn_adjustment_names[] = {FCN_ADJUSTMENTS(FCN_NAME)};
#undef FCN_NAME

#endif
