/* How the pixels of a resized image are made of those of the image; see resize.c. */
#ifndef FCN_RESIZE_H
#define FCN_RESIZE_H

enum { FCN_TWO_TAPS, FCN_TRIANGLE, FCN_MEAN };

#endif
