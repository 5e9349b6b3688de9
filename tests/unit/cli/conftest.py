"""A small command line of its own, to try what all commands share."""

from dataclasses import dataclass

import pytest

from tokpipe.cli import main as main_module
from tokpipe.cli.command import CommandGroup, command
from tokpipe.cli.options import config_options
from tokpipe.foundation.config import Config, setting


@dataclass(frozen=True, kw_only=True)
class BakeConfig(Config):
    loaves: int = setting(2, "How many.", least=1)
    oven: str = setting("gas", "Which oven.", choices=("gas", "wood-fire"))
    hot: bool = setting(True, "Eat at once.")
    rye: bool = setting(False, "With rye.")
    weights: tuple[int, ...] = setting((), "Grams.")
    spices: tuple[str, ...] | None = setting(None, "Which. None: caraway.")
    flour_bytes: int = setting(1 << 20, "Odd, but bytes.")
    salt: float | None = setting(0.5, "Share.", least=0, most=1)


RUNS = []


@command(examples=["bakery bake-bread --loaves 3"])
@config_options(BakeConfig, "bake", heading="Dough", flags={"rye": "--rye/--white"})
def bake_bread(session, bake):
    """Bake bread."""
    RUNS.append((session, bake))


@command(examples=["bakery shop open"], name="open")
def open_shop(session):
    """Open the shop."""
    RUNS.append((session, None))


class _Shop(CommandGroup):
    def get_command(self, ctx, cmd_name):
        return {"open": open_shop}.get(cmd_name)


class _Bakery(CommandGroup):
    version = "1"

    def get_command(self, ctx, cmd_name):
        shop = _Shop("shop", sections={"All": {"open": ""}}, help="The shop.")
        return {"bake-bread": bake_bread, "shop": shop}.get(cmd_name)


@pytest.fixture
def bakery(monkeypatch, tmp_path):
    """Run a command line; return exit code, session and configuration."""
    settings = main_module.main.context_settings
    group = _Bakery(
        "bakery",
        sections={"All": {"bake-bread": "", "shop": ""}},
        help="Bake.",
        context_settings=settings,
    )
    monkeypatch.setattr(main_module, "main", group)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        RUNS.clear()
        code = main_module.execute(arguments)
        return (code, *RUNS[0]) if RUNS else (code, None, None)

    return run
