"""How many threads multiply matrices on the host."""

import os

_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def multiply_on_one_thread() -> None:
    """Asks the libraries behind NumPy for a single thread, unless the user has said otherwise; before they are loaded.

    A product of the NumPy backend is small: threads that wait for each other cost more than they do, and take up to
    fifteen times as long where others use the processor, too.
    """
    if not any(variable in os.environ for variable in _VARIABLES):
        os.environ.update(dict.fromkeys(_VARIABLES, "1"))
