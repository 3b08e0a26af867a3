"""The four files of the MNIST database of handwritten digits, as published; see NOTICE."""
