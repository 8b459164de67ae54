"""Repairing a clone of somebody: what they put where a repair looks is not taken for ours."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from padre_git import UntrustedProjectError
from padre_git.cli.group import commands
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.hostile.projects import KEYS, LAYOUTS, SOME_LAYOUTS, filled

_HEAD = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"


def evil_config(victim: Victim, canary: Canary) -> str:
    """Returns a configuration with every key that could run something."""
    lines = [_HEAD]
    for key, value in KEYS.items():
        name = filled(key, victim, canary)
        section, _, option = name.rpartition(".")
        head, _, sub = section.partition(".")
        lines.append(f'[{head} "{sub}"]' if sub else f"[{head}]")
        lines.append(f"\t{option} = {filled(value, victim, canary)}")
    return "\n".join(lines) + "\n"


def test_a_remembered_configuration_is_judged_like_one_that_is_there(
    victim: Victim, canary: Canary
) -> None:
    for damaged in (b"[core\nnonsense", b"", None):
        config = victim.clone / ".git" / "config"
        config.unlink(missing_ok=True)
        if damaged is not None:
            config.write_bytes(damaged)
        (victim.clone / ".git" / "padre" / "config").write_text(evil_config(victim, canary))
        for words in (["verify"], ["repair"], ["status"], ["maintain"], ["sync"], ["verify"]):
            CliRunner().invoke(commands, ["--root", str(victim.root), *words, "iris"])
            canary.check()


def test_a_configuration_that_git_cannot_read_yet_is_judged_when_it_can(
    victim: Victim, canary: Canary
) -> None:
    config = victim.clone / ".git" / "config"
    for key in ("core.fsmonitor", "filter.odd.clean", "core.sshCommand", "core.gitProxy"):
        section, _, option = key.rpartition(".")
        head, _, sub = section.partition(".")
        name = f'[{head} "{sub}"]' if sub else f"[{head}]"
        config.write_text(f"{_HEAD}{name}\n\t{option} = {canary.program}\n[core\n")
        (victim.clone / "project.yaml").touch()
        for words in (["verify"], ["repair"], ["status"], ["maintain"], ["sync"], ["verify"]):
            CliRunner().invoke(commands, ["--root", str(victim.root), *words, "iris"])
            canary.check()


def test_no_command_of_upkeep_works_in_a_clone_that_is_not_trusted(
    victim: Victim, canary: Canary
) -> None:
    (victim.clone / ".git" / "config").write_text(evil_config(victim, canary))
    for words in (["verify"], ["repair"], ["maintain"], ["gc"], ["verify", "--json"]):
        ran = CliRunner().invoke(commands, ["--root", str(victim.root), *words, "iris"])
        canary.check()
        assert ran.exit_code == 1, (words, ran.output)
        assert "is not opened" in ran.output


@pytest.mark.parametrize("layout", SOME_LAYOUTS)
def test_what_leads_elsewhere_is_not_repaired(
    victim: Victim, canary: Canary, in_time: None, layout: str
) -> None:
    LAYOUTS[layout](victim.clone / ".git", canary)
    with victim.store() as store:
        for verb in (store.verify, store.repair, store.maintain):
            with pytest.raises(UntrustedProjectError):
                verb("iris")
