"""`python -m streamnotice.cli`."""

import sys

from streamnotice.cli import main

sys.exit(main())
