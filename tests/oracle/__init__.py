"""PyTorch's answers, stored as data: an oracle that shares no code with fastcnn.

`cases` reads the stored answers and `recipe` makes their inputs; both need NumPy alone. The `grid_*` modules
list what is asked and the `make_*` modules, run by hand where torch is installed, ask it.
"""
