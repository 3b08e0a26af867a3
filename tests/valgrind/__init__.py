"""The smallest programs under valgrind, which sees reads of memory that nothing has been written to."""
