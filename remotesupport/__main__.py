"""``python -m remotesupport`` is the command ``remotesupport``."""

import sys

from remotesupport.cli.main import main

sys.exit(main())
