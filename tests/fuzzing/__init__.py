"""Inputs without end for all readers of files: ``python -m tests.fuzzing``.

Each input is a mutation of a good file. A reader may return something, or raise an error of fastcnn's whose
message starts with the file's name; whatever else it does is a finding. With atheris installed, mutations
follow what code they reach; without, they are drawn at random.
"""
