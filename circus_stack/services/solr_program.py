"""Which Solr is installed, and how that version wants its arguments. Reads file names, runs nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from circus_stack.errors import ServiceUnavailableError
from circus_stack.services.binaries import find_named, find_on_path

# Where the service installer of Solr, and most people, unpack it.
_USUAL = Path("/opt/solr/bin/solr")
_CORE_JAR = "server/solr-webapp/webapp/WEB-INF/lib/solr-core-*.jar"
_INSTALL = (
    "Unpack a release from solr.apache.org, for instance to /opt/solr, and name its script: "
    "binary = /opt/solr/bin/solr (Debian has no package of it)"
)


class SolrProgram(Struct, frozen=True):
    """`path` of the script; `root` of the installation and `major` version where it looks like a release."""

    path: str
    root: Path | None = None
    major: int | None = None

    def home_args(self, home: Path) -> list[str]:
        """How a standalone Solr gets its home: Solr 10 took `-s` away and starts as a cluster unless told not to."""
        if self.major is not None and self.major >= 10:
            return ["--user-managed", "--solr-home", str(home)]
        return ["-s", str(home)]

    @property
    def force_arg(self) -> str:
        """The word that lets it run as root; with two dashes only from Solr 10 on, where one is gone."""
        return "--force" if self.major is not None and self.major >= 10 else "-force"


def find_solr(binary: str | None, environ: Mapping[str, str]) -> SolrProgram:
    """The script that the section names, or `solr` on PATH, or the usual place; raises ServiceUnavailableError."""
    if binary:
        path: str | None = find_named(binary, environ)
    else:
        path = find_on_path(("solr",), environ) or (str(_USUAL) if _USUAL.is_file() else None)
    if path is None:
        raise ServiceUnavailableError(f"Apache Solr's script `solr` was not found. {_INSTALL}")
    root = Path(path).resolve().parent.parent
    major = _major(root)
    return SolrProgram(path, root if major is not None else None, major)


def _major(root: Path) -> int | None:
    """The major version of the installation under `root`, from the name of its core library."""
    for jar in root.glob(_CORE_JAR):
        match = re.fullmatch(r"solr-core-(\d+)\..*", jar.name)
        if match:
            return int(match[1])
    return None
