"""Convolution and its gradients; equation, layout and method stand in csrc/eager/conv2d.c.

Arrays are C-contiguous; `window` is a fastcnn._shapes.Window. Every size was checked by fastcnn.ops.
"""

from .cpu cimport as_window, eager, fcn_conv2d, fcn_eager, real, threads

from .workspace import workspace


cdef fcn_conv2d _shape(Py_ssize_t batch, Py_ssize_t in_channels, Py_ssize_t out_channels, Py_ssize_t groups,
                       object window) except *:
    cdef fcn_conv2d shape
    shape.batch = batch
    shape.in_channels = in_channels
    shape.out_channels = out_channels
    shape.groups = groups
    shape.window = as_window(window)
    return shape


def conv2d(real[:, :, :, ::1] y, const real[:, :, :, ::1] x, const real[:, :, :, ::1] weight,
           const real[::1] bias, Py_ssize_t groups, object window):
    """y = conv2d(x, weight) + bias; bias may be None."""
    cdef fcn_conv2d shape = _shape(x.shape[0], x.shape[1], y.shape[1], groups, window)
    cdef const fcn_eager *kernels = eager(sizeof(real))
    cdef int count = threads()
    cdef char[::1] scratch = workspace(kernels.conv2d_workspace(&shape, count))
    cdef const real *bias_data = NULL
    if bias is not None:
        bias_data = &bias[0]
    with nogil:
        kernels.conv2d(&y[0, 0, 0, 0], &x[0, 0, 0, 0],
                       &weight[0, 0, 0, 0], bias_data, &shape, &scratch[0], count)


def conv2d_backward_input(real[:, :, :, ::1] dx, const real[:, :, :, ::1] dy,
                          const real[:, :, :, ::1] weight, Py_ssize_t groups, object window):
    """dx, the gradient of conv2d with respect to x."""
    cdef fcn_conv2d shape = _shape(dx.shape[0], dx.shape[1], dy.shape[1], groups, window)
    cdef const fcn_eager *kernels = eager(sizeof(real))
    cdef int count = threads()
    cdef char[::1] scratch = workspace(kernels.conv2d_workspace(&shape, count))
    with nogil:
        kernels.conv2d_backward_input(&dx[0, 0, 0, 0], &dy[0, 0, 0, 0], &weight[0, 0, 0, 0], &shape,
                                      &scratch[0], count)


def conv2d_backward_weight(real[:, :, :, ::1] dweight, const real[:, :, :, ::1] dy,
                           const real[:, :, :, ::1] x, Py_ssize_t groups, object window):
    """dweight, the gradient of conv2d with respect to weight."""
    cdef fcn_conv2d shape = _shape(x.shape[0], x.shape[1], dy.shape[1], groups, window)
    cdef const fcn_eager *kernels = eager(sizeof(real))
    cdef int count = threads()
    cdef char[::1] scratch = workspace(kernels.conv2d_workspace(&shape, count))
    with nogil:
        kernels.conv2d_backward_weight(&dweight[0, 0, 0, 0], &dy[0, 0, 0, 0],
                                       &x[0, 0, 0, 0], &shape, &scratch[0], count)
