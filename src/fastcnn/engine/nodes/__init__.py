"""How each kind of node is written into a program: a file a kind, forward and backward side by side."""
