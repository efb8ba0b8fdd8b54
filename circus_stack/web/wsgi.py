"""The application that `circushttpd` has chaussette serve. Importing it opens the files of the console and nothing
else: the stack is asked when somebody asks us."""

from __future__ import annotations

import os
from pathlib import Path

from circus_stack.web.access.doors import open_doors
from circus_stack.web.app import make_app
from circus_stack.web.settings import from_environ

_settings = from_environ(os.environ)
application = make_app(_settings, open_doors(Path(_settings.directory)))
