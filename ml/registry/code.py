"""Which code a model needs: the modules it is made of, and the packages that those import, as installed here.

Read from the imports in the source; nothing is run.
"""

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, version
from pathlib import Path
from typing import NamedTuple

OURS = "ml"
MLFLOW = "mlflow"
"""Names itself in what it saves."""


class Code(NamedTuple):
    """What has to be there for a model to be loaded."""

    modules: dict[str, Path]
    """Source files by module name: those of `ml` that it reaches, and those beside it."""
    requirements: list[str]
    """Pinned, such as `numpy==2.4.6`."""


def code_of(*modules: str) -> Code:
    """The code of modules and of what they import: all of their own packages and of `ml`, the rest by name."""
    own = {OURS, *(module.partition(".")[0] for module in modules)}
    files: dict[str, Path] = {}
    outside: set[str] = set()
    waiting = [*modules]
    while waiting:
        name = waiting.pop()
        file = _file_of(name)
        if name in files or file is None:
            continue
        files[name] = file
        if "." in name:
            waiting.append(name.rpartition(".")[0])
        for imported in _imports(name, file):
            if imported.partition(".")[0] in own:
                waiting.append(imported)
            else:
                outside.add(imported.partition(".")[0])
    return Code(files, _pinned(outside))


def _file_of(name: str) -> Path | None:
    """None where it is no module but a name in one, or has no source."""
    try:
        found = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):
        return None
    return Path(found.origin) if found and found.origin and found.origin.endswith(".py") else None


def _imports(name: str, file: Path) -> Iterator[str]:
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _pinned(imported: set[str]) -> list[str]:
    names = {_plain(name) for top in imported - sys.stdlib_module_names - {MLFLOW} for name in _distributions(top)}
    return sorted(f"{name}=={version(name)}" for name in names)


def _distributions(top: str) -> Sequence[str]:
    """What is to be installed for `import top`."""
    try:
        # Most have the name that is imported, and that is quick to see.
        return [distribution(top).metadata["Name"]]
    except PackageNotFoundError:
        return _installed().get(top, ())


@cache
def _installed() -> Mapping[str, Sequence[str]]:
    """By the name that is imported; looking through all of them takes a second."""
    return packages_distributions()


def _plain(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
