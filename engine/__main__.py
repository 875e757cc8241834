"""`python -m engine`."""

from engine.program.main import main

if __name__ == "__main__":
    main()
