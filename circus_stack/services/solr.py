"""The recipe of Apache Solr: its options, files in the home directory, command and exported variables."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote

from circus_stack.config import kinds
from circus_stack.config.option import option
from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.errors import ConfigError, Problem
from circus_stack.services.java import find_java, require
from circus_stack.services.memory import MEMORY
from circus_stack.services.plan import ServicePlan, Site
from circus_stack.services.recipe import Recipe
from circus_stack.services.singleton import singleton
from circus_stack.services.solr_program import SolrProgram, find_solr

_MIB = 1024 * 1024
# A cold JVM on a busy disk, and the replay of a transaction log.
_READY_TIMEOUT_S = 180.0
# Closing an index commits it.
_GRACEFUL_TIMEOUT_S = 60.0
_HOST = "127.0.0.1"
# The least that Solr wants to find in its home.
SOLR_XML = "<?xml version='1.0' encoding='UTF-8'?>\n<!-- Written by circus-stack. -->\n<solr>\n</solr>\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SolrOptions:
    """Options of `[service:solr]`."""

    binary: str | None = option(None, kinds.TEXT, "The script bin/solr of an installation: a path or a name on PATH.")
    port: int = option(8983, kinds.PORT, "TCP port on 127.0.0.1.")
    home: str | None = option(
        None, kinds.TEXT, "Solr's home directory, with your own cores; one in the state directory by default."
    )
    heap: int = option(512 * _MIB, MEMORY, "Size of the JVM's heap; counted in whole MiB.")
    collection: str | None = option(None, kinds.TEXT, "Core that the exported URL names.")
    configset: str | None = option(
        None,
        kinds.TEXT,
        "Make that core, once, from this directory (it holds conf/) or from a configset that Solr ships.",
    )
    java_home: str | None = option(None, kinds.TEXT, "Java installation to run on; JAVA_HOME or PATH by default.")
    requires: tuple[str, ...] = option(
        (), kinds.WORDS, "Programs and files (patterns are allowed) that must be there, or the service is unavailable."
    )
    more_args: str = option("", kinds.TEXT, "More arguments of `solr start`.")


class SolrRecipe(Recipe):
    """Solr in the foreground, standalone, on loopback, with its home, logs and index in the state directory."""

    options = SolrOptions

    def plan(self, site: Site) -> ServicePlan:
        chosen = cast(SolrOptions, site.service.options)
        program = SolrProgram("solr") if site.has_own_command else self._program(site, chosen)
        own_home = site.state_dir / "home"
        home = Path(chosen.home).expanduser().absolute() if chosen.home else own_home
        url = f"http://{_HOST}:{chosen.port}/solr"
        return ServicePlan(
            watcher=singleton(
                site,
                shlex.join(_argv(site, chosen, program, home)),
                Readiness(ReadinessForm.HTTP, f"{url}/admin/info/system"),
                ready_timeout=_READY_TIMEOUT_S,
                graceful_timeout=_GRACEFUL_TIMEOUT_S,
                env=_environment(site, chosen),
            ),
            files=_files(site, chosen, home),
            directories=_directories(site, chosen, home),
            seeds=_seeds(site, chosen, program, home),
            exports={f"{site.prefix}_URL": f"{url}/{quote(chosen.collection)}" if chosen.collection else url},
        )

    @staticmethod
    def _program(site: Site, chosen: SolrOptions) -> SolrProgram:
        find_java(chosen.java_home, site.environ)
        require(chosen.requires, site.environ)
        return find_solr(chosen.binary, site.environ)


def _argv(site: Site, chosen: SolrOptions, program: SolrProgram, home: Path) -> list[str]:
    argv = [program.path, "start", "-f", "-p", str(chosen.port), "-m", f"{max(1, chosen.heap // _MIB)}m"]
    argv += program.home_args(home)
    if program.major is not None and program.major < 9:
        # Solr 8 listens on all interfaces unless Jetty itself is told; later ones read the environment.
        argv += [f"-Djetty.host={_HOST}", f"-Dsolr.jetty.host={_HOST}"]
    if site.is_root and not site.service.watcher.get("uid"):
        argv.append(program.force_arg)
    return argv + shlex.split(chosen.more_args)


def _environment(site: Site, chosen: SolrOptions) -> dict[str, str]:
    env = {
        # Solr 9 reads the first, Solr 10 the second.
        "SOLR_JETTY_HOST": _HOST,
        "SOLR_HOST_BIND": _HOST,
        "SOLR_LOGS_DIR": str(site.state_dir / "logs"),
        "SOLR_PID_DIR": str(site.state_dir),
        # Else an installed service's /etc/default/solr.in.sh would be read, which overrules all of these.
        "SOLR_INCLUDE": str(_include(site)),
    }
    if chosen.java_home:
        env |= {"SOLR_JAVA_HOME": chosen.java_home, "JAVA_HOME": chosen.java_home}
    return env


def _include(site: Site) -> Path:
    return site.state_dir / "solr.in.sh"


def _files(site: Site, chosen: SolrOptions, home: Path) -> dict[Path, str]:
    files = {
        _include(site): "# Written by circus-stack: `solr start` reads this in place of /etc/default/solr.in.sh.\n"
    }
    existing = home / "solr.xml"
    # A home of the user's own keeps its solr.xml; it gets one only where it has none (or the one it got from us).
    if not chosen.home or not existing.exists() or existing.read_text() == SOLR_XML:
        files[existing] = SOLR_XML
    if chosen.configset and chosen.collection:
        files[home / chosen.collection / "core.properties"] = f"name={chosen.collection}\n"
    return files


def _seeds(site: Site, chosen: SolrOptions, program: SolrProgram, home: Path) -> dict[Path, Path]:
    """The configuration of the core: a copy, since Solr itself writes into its schema. Raises ConfigError."""
    if not chosen.configset:
        return {}
    path = Path(chosen.configset).expanduser().absolute()
    if "/" not in chosen.configset and program.root:
        path = program.root / "server" / "solr" / "configsets" / chosen.configset
    if not chosen.collection:
        raise _wrong_configset(site, chosen, "needs the option collection, the name of the core to make")
    if not (path / "conf").is_dir():
        raise _wrong_configset(site, chosen, f"{path / 'conf'} is not a directory")
    return {home / chosen.collection / "conf": path / "conf"}


def _wrong_configset(site: Site, chosen: SolrOptions, message: str) -> ConfigError:
    where = site.service.where.get("configset") or site.service.where.get("")
    return ConfigError(
        [
            Problem(
                message,
                file=where.file if where else "",
                line=where.line if where else 0,
                section=f"service:{site.service.name}",
                option="configset",
                found=chosen.configset,
            )
        ]
    )


def _directories(site: Site, chosen: SolrOptions, home: Path) -> tuple[Path, ...]:
    directories = [site.state_dir, site.state_dir / "logs", home]
    if chosen.configset and chosen.collection:
        directories.append(home / chosen.collection)
    return tuple(directories)
