"""What holds for every test: the processes that it starts find our modules compiled, whatever the environment says."""

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
