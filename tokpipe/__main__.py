"""`python -m tokpipe`, the same as the command `tokpipe`."""

from tokpipe.cli.main import run

if __name__ == "__main__":
    run()
