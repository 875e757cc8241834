"""`python -m engine`."""

import sys

from engine.threads import multiply_on_one_thread

multiply_on_one_thread()

if __name__ == "__main__":
    try:
        from engine.program.main import main

        main()
    except KeyboardInterrupt:
        # While modules were being imported.
        sys.exit(130)
