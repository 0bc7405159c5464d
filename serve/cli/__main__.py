"""Lets `python -m serve.cli` be the same as `doorbuster`."""

from .main import main

if __name__ == "__main__":
    main()
