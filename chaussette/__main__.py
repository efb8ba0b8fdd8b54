"""`python -m chaussette`: the same program as the `chaussette` script."""

from __future__ import annotations

import sys

from chaussette.cli import main

sys.exit(main())
