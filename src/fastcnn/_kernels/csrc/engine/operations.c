/* The declarations of operations.inc as data, for the builder of programs. */
#include "engine/operations.h"

const fcn_declaration fcn_declarations[] = {
#define OPERATION(name, layouts, over) {"OPERATION", #name, {#layouts, #over}, 0},
#define OUT(name, copies, element) {"OUT", #name, {#copies, #element}, 0},
#define INOUT(name, copies, element) {"INOUT", #name, {#copies, #element}, 0},
#define IN(name, copies, element) {"IN", #name, {#copies, #element}, 0},
#define OUT_IF(name, copies, element) {"OUT_IF", #name, {#copies, #element}, 0},
#define INOUT_IF(name, copies, element) {"INOUT_IF", #name, {#copies, #element}, 0},
#define IN_IF(name, copies, element) {"IN_IF", #name, {#copies, #element}, 0},
#define PLACES(name, length, buffer, count, unit) {"PLACES", #name, {#length, #buffer, #count, #unit}, 0},
#define PLACES_OR_NONE(name, length, buffer, count, unit)                                                    \
    {"PLACES_OR_NONE", #name, {#length, #buffer, #count, #unit}, 0},
#define OFFSETS(name, length, places, count, unit) {"OFFSETS", #name, {#length, #places, #count, #unit}, 0},
#define STARTS(name, length, table) {"STARTS", #name, {#length, #table}, 0},
#define SEGMENTS(name, length, pixels, taps) {"SEGMENTS", #name, {#length, #pixels, #taps}, 0},
#define COUNTERS(name, length) {"COUNTERS", #name, {#length}, 0},
#define LENGTH(name) {"LENGTH", #name, {0}, 0},
#define SIZE(name) {"SIZE", #name, {0}, 0},
#define SIZE_IF(name) {"SIZE_IF", #name, {0}, 0},
#define INTEGER(name) {"INTEGER", #name, {0}, 0},
#define FLAG(name) {"FLAG", #name, {0}, 0},
#define SCALAR(name) {"SCALAR", #name, {0}, 0},
#define SCALAR_IF(name) {"SCALAR_IF", #name, {0}, 0},
#define END(name) {"END", #name, {0}, sizeof(struct fcn_##name)},
#include "engine/operations.inc"
    {0},
};
