"""Shell completion: prints the script that a shell reads."""

from __future__ import annotations

import click

__all__ = ["COMMANDS"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    Examples:
      padre-git completion bash >> ~/.bashrc
      padre-git completion fish > ~/.config/fish/completions/padre-git.fish
    """
    from click.shell_completion import get_completion_class

    from padre_git.cli.group import commands

    found = get_completion_class(shell)
    if found is None:  # click knows the three shells above
        raise click.UsageError(f"no completion for '{shell}'")
    click.echo(found(commands, {}, "padre-git", "_PADRE_GIT_COMPLETE").source())


COMMANDS = [completion]
