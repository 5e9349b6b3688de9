"""Write corpora/world.txt, or check that it is what this program writes.

    python corpora/generate.py
    python corpora/generate.py --check

The text depends on nothing but the facts in `world/` and the seed there: not on the Python
version, the platform or PYTHONHASHSEED.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that it runs as a file, too

from corpora.world.build import DOCUMENTS, world

TARGET = Path(__file__).with_name("world.txt")


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    text = world().encode()
    if not check:
        TARGET.write_bytes(text)
        print(f"{TARGET}: {DOCUMENTS} documents, {len(text)} bytes")
        return 0
    same = TARGET.is_file() and TARGET.read_bytes() == text
    print(f"{TARGET} is {'' if same else 'not '}what the generator writes")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
