"""`python -m streamnotice`: the command, where no folder of scripts is on the path."""

import sys

from streamnotice.cli import main

sys.exit(main())
