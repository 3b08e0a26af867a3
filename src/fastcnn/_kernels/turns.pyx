"""Who uses which of several things: each is one thread's at a time.

What is taken and given back is noted in C, where neither a signal's handler nor another thread comes in
between: after an interrupt, wherever it came, nothing is lost and nobody waits for what nobody has.
"""

from cpython.pythread cimport PyThread_get_thread_ident

# So often something is given back between two looks at what was not used.
SWEEP = 2**16


cdef class Hold:
    """The use of a lock: ``with Hold(lock)``.

    From Python 3.14 on a signal's handler may run between ``__enter__`` and the with block: of a lock by
    itself the thread would never let go.
    """

    cdef object _lock
    cdef bint _held

    def __cinit__(self, lock):
        self._lock = lock

    def __enter__(self):
        self._lock.acquire()
        self._held = True

    cdef int _let_go(self) except -1:
        if self._held:
            self._held = False
            self._lock.release()
        return 0

    def __exit__(self, *error):
        self._let_go()

    def __del__(self):
        self._let_go()


cdef class Turns:
    """Things that threads take in turn.

    Attributes
    ----------
    closed : bool
        Whether others are to wait in a queue, and no thread takes anything by itself.
    version : int
        What a thing must have followed (its attribute `followed`) to be taken.
    """

    cdef list _free  # the last one is taken next
    cdef list _threads  # one entry for each thing that is taken
    cdef object _first
    cdef Py_ssize_t _generation, _returns
    cdef public bint closed
    cdef public Py_ssize_t version

    def __cinit__(self, first):
        self._first = first
        self._free = [first]
        self._threads = []

    def __len__(self):
        return len(self._free) + len(self._threads)

    def add(self, thing):
        """Have one more."""
        self._free.append(thing)

    def next(self):
        """Return what is taken next, None if there is nothing."""
        return self._free[-1] if self._free else None

    def others(self):
        """Tell whether another thread than this one has something."""
        cdef Py_ssize_t i
        for i in range(len(self._threads)):
            if self._threads[i] != PyThread_get_thread_ident():
                return True
        return False

    def renew(self):
        """Have only the first thing, which nobody uses: after a fork, other threads are not there."""
        self._generation += 1
        self._free, self._threads = [self._first], []
        self.closed = False

    cdef void _sweep(self):
        """Forget what was not used since the last time."""
        self._free = [each for each in self._free if each is self._first or each.used]
        for each in self._free:
            each.used = False


cdef class Turn:
    """The use of one thing: ``with Turn(runners) as runner``.

    Parameters
    ----------
    pool : object
        `turns`, the Turns; `is_ready()`, whether something may be taken; `wait(turn)`, which is called if
        not, and ends when `turn.take` has taken something; `wake()`, which is called when something was given
        back while `turns.closed`.
    """

    cdef object _pool, _thing
    cdef Turns _turns
    cdef Py_ssize_t _generation
    cdef unsigned long _thread

    def __cinit__(self, pool):
        self._pool = pool
        self._turns = pool.turns

    def __enter__(self):
        cdef Py_ssize_t version = self._turns.version
        if self._turns.closed or not self._pool.is_ready() or not self.take(version):
            self._pool.wait(self)
        return self._thing

    cpdef bint take(self, Py_ssize_t version, bint first=False) except -1:
        """Take the next thing if it has followed `version`, and return whether it has.

        Where `closed`, only the `first` of those that wait may.
        """
        cdef Turns turns = self._turns
        if (turns.closed and not first) or turns.version != version or not turns._free:
            return False
        if turns._free[-1].followed != version:
            return False
        self._thread = PyThread_get_thread_ident()
        self._generation = turns._generation
        turns._threads.append(self._thread)
        self._thing = turns._free.pop()
        self._thing.used = True
        self._thing.share = len(turns._threads)
        return True

    cdef int _give_back(self) except -1:
        cdef Turns turns = self._turns
        thing, self._thing = self._thing, None
        if thing is None or self._generation != turns._generation:
            return 0
        turns._threads.remove(self._thread)
        # The first one is taken first.
        turns._free.insert(len(turns._free) if thing is turns._first else 0, thing)
        turns._returns += 1
        if turns._returns % SWEEP == 0 and not turns._threads:
            turns._sweep()
        if turns.closed:
            self._pool.wake()
        return 0

    def __exit__(self, *error):
        self._give_back()

    # Where an interrupt came between the making of a turn and its with block.
    def __del__(self):
        self._give_back()
