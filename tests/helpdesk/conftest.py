"""The hands of the whole-program tests, for tests with a real helpdesk."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
