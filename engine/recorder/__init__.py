"""Records what the NumPy backend does, in the form in which nsys exports what it records of a GPU."""
