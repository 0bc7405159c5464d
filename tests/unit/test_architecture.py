"""Holds the arrows between the layers: reads the imports of every module, without importing any."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("actors", "engine", "loadtest", "ml", "serve")

MAY_IMPORT = {
    "engine": set[str](),
    "actors": {"engine"},
    "ml": {"actors", "engine"},
    "serve": {"actors", "engine", "ml"},
    "loadtest": set[str](),
}
"""Which of our packages each may import beside itself."""

ENGINE_MAY_IMPORT = {"msgspec"}
"""From outside the standard library."""

NO_PLACE_IN_ENGINE = {
    "asyncio",
    "datetime",
    "os",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
    "uuid",
}
"""Parts of the standard library that read a clock, throw dice or reach outside: a decision knows its arguments only."""

BESIDE_THE_SHOP = {ROOT / "loadtest" / "contenders" / "actor_per_product_app.py"}
"""A contender that is written with Ray: a program of its own, and no part of the shop."""

LOADED_BY_PATH = {ROOT / "loadtest" / "locustfile.py"}
"""Loaded as a file by the tool that runs it, so it has no package to be relative to."""


class Import(NamedTuple):
    """One imported module, as written: level 0 is absolute."""

    file: Path
    line: int
    module: str
    level: int

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {'.' * self.level}{self.module}"


class Module(NamedTuple):
    file: Path
    imports: list[Import]
    docstring: str | None


STATEMENTS_IN = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where a statement holds others: an import can stand nowhere else, and expressions are most of a module."""


def statements(holder: ast.AST) -> Iterator[ast.AST]:
    for part in STATEMENTS_IN:
        for statement in getattr(holder, part, ()):
            yield statement
            yield from statements(statement)


def read(source: str, file: Path) -> Module:
    tree = ast.parse(source)
    found = []
    for node in statements(tree):
        if isinstance(node, ast.Import):
            found += [Import(file, node.lineno, alias.name, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(Import(file, node.lineno, node.module or "", node.level))
    return Module(file, found, ast.get_docstring(tree))


@cache
def modules_of(package: str) -> list[Module]:
    """Each is read once, whatever is asked of it."""
    return [read(file.read_text(), file) for file in sorted((ROOT / package).rglob("*.py")) if file.stat().st_size]


def imports_in(package: str) -> list[Import]:
    return [
        found
        for module in modules_of(package)
        if not any(module.file.is_relative_to(beside) for beside in BESIDE_THE_SHOP)
        for found in module.imports
    ]


def told(faults: list[Import]) -> str:
    return "\n".join(str(fault) for fault in faults)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_the_layers_below_it(package: str) -> None:
    others = set(PACKAGES) - MAY_IMPORT[package] - {package}
    faults = [found for found in imports_in(package) if found.level == 0 and found.top in others]
    assert not faults, told(faults)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_inside_a_package_are_relative(package: str) -> None:
    inside = (found for found in imports_in(package) if found.file not in LOADED_BY_PATH)
    faults = [found for found in inside if found.level == 0 and found.top == package]
    assert not faults, told(faults)


@pytest.mark.parametrize("package", PACKAGES)
def test_relative_imports_stay_inside_their_package(package: str) -> None:
    faults = [found for found in imports_in(package) if found.level > len(found.file.relative_to(ROOT).parts) - 1]
    assert not faults, told(faults)


def test_the_engine_needs_nothing_but_the_standard_library_and_msgspec() -> None:
    allowed = sys.stdlib_module_names | ENGINE_MAY_IMPORT
    faults = [found for found in imports_in("engine") if found.level == 0 and found.top not in allowed]
    assert not faults, told(faults)


def test_the_engine_has_no_clock_no_dice_and_no_way_out() -> None:
    faults = [found for found in imports_in("engine") if found.level == 0 and found.top in NO_PLACE_IN_ENGINE]
    assert not faults, told(faults)


def test_one_module_of_the_runtime_names_ray() -> None:
    naming = {found.file for found in imports_in("actors") if found.level == 0 and found.top == "ray"}
    assert len(naming) <= 1, f"Ray is named in {sorted(str(file.relative_to(ROOT)) for file in naming)}"


def test_the_load_test_knows_the_shop_by_http_only() -> None:
    faults = [found for found in imports_in("loadtest") if found.top in {"ray", "sqlite3"}]
    assert not faults, told(faults)


def test_what_reads_the_journal_brings_nothing_of_the_api_along() -> None:
    readers = {ROOT / "serve" / name for name in ("feed", "reports", "recommendations", "mail")}
    faults = [
        found
        for found in imports_in("serve")
        if found.level and found.file.parents[0] in readers and found.module.partition(".")[0] == "api"
    ]
    assert not faults, told(faults)


def test_every_module_says_what_it_is_responsible_for() -> None:
    silent = [
        str(module.file.relative_to(ROOT))
        for package in PACKAGES
        for module in modules_of(package)
        if not module.docstring
    ]
    assert not silent, f"no docstring: {silent}"


@pytest.mark.parametrize(
    ("source", "module", "level"),
    [
        ("import ray.serve", "ray.serve", 0),
        ("from ray import serve", "ray", 0),
        ("def f():\n    from .api import x", "api", 1),
        ("from .. import settings", "", 2),
        ("try:\n    pass\nexcept OSError:\n    import ray", "ray", 0),
        ("try:\n    pass\nfinally:\n    import ray", "ray", 0),
        ("if x:\n    pass\nelif y:\n    pass\nelse:\n    import ray", "ray", 0),
        ("class A:\n    async def f():\n        async with x:\n            import ray", "ray", 0),
        ("match x:\n    case 1:\n        import ray", "ray", 0),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, module: str, level: int) -> None:
    (found,) = read(source, ROOT / "x.py").imports
    assert (found.module, found.level) == (module, level)


def test_the_command_line_does_not_import_ray_before_its_environment_is_set() -> None:
    check = "import sys, serve.cli.main, serve.cli.up; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0
