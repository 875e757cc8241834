"""`python -m engine`."""

import os
import sys

# A product of the NumPy backend is small: threads that wait for each other cost more than they do, and take up to
# fifteen times as long where others use the processor, too. Libraries read this when they are loaded.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
if not any(variable in os.environ for variable in _THREADS):
    os.environ.update(dict.fromkeys(_THREADS, "1"))

if __name__ == "__main__":
    try:
        from engine.program.main import main

        main()
    except KeyboardInterrupt:
        # While modules were being imported.
        sys.exit(130)
