"""Updates of one parameter, in place; equations stand in csrc/optim.c. Arrays are flat and of one size."""

from .cpu cimport fcn_adam, fcn_sgd, real, table


def sgd_step(real[::1] param, const real[::1] grad, real[::1] momentum_buffer, *, double lr, double momentum,
             double dampening, double weight_decay, bint nesterov, bint maximize, bint first_step):
    """One step of SGD; momentum_buffer is None without momentum."""
    cdef fcn_sgd options
    options.lr = lr
    options.momentum = momentum
    options.dampening = dampening
    options.weight_decay = weight_decay
    options.nesterov = nesterov
    options.maximize = maximize
    options.first_step = first_step
    if grad.shape[0] != param.shape[0]:
        raise ValueError("sgd_step: the arrays differ in size")
    if momentum_buffer is not None and momentum_buffer.shape[0] != param.shape[0]:
        raise ValueError("sgd_step: the arrays differ in size")
    cdef real *buffer = NULL
    if momentum_buffer is not None:
        buffer = &momentum_buffer[0]
    with nogil:
        table(sizeof(real)).sgd_step(&param[0], buffer, &grad[0], &options, param.shape[0])


def adam_step(real[::1] param, const real[::1] grad, real[::1] exp_avg, real[::1] exp_avg_sq,
              real[::1] max_exp_avg_sq, *, double lr, double beta1, double beta2, double eps,
              double weight_decay, Py_ssize_t step, bint decoupled, bint maximize):
    """Step number `step` (from 1) of Adam or AdamW; max_exp_avg_sq is None without amsgrad."""
    cdef fcn_adam options
    options.lr = lr
    options.beta1 = beta1
    options.beta2 = beta2
    options.eps = eps
    options.weight_decay = weight_decay
    options.bias_correction1 = 1 - beta1 ** step
    options.bias_correction2 = 1 - beta2 ** step
    options.decoupled = decoupled
    options.amsgrad = max_exp_avg_sq is not None
    options.maximize = maximize
    if not (param.shape[0] == grad.shape[0] == exp_avg.shape[0] == exp_avg_sq.shape[0]):
        raise ValueError("adam_step: the arrays differ in size")
    if max_exp_avg_sq is not None and max_exp_avg_sq.shape[0] != param.shape[0]:
        raise ValueError("adam_step: the arrays differ in size")
    cdef real *top = NULL
    if max_exp_avg_sq is not None:
        top = &max_exp_avg_sq[0]
    with nogil:
        table(sizeof(real)).adam_step(&param[0], &exp_avg[0], &exp_avg_sq[0], top, &grad[0], &options,
                                      param.shape[0])
