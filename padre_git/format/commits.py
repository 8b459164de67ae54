"""Commit texts: a subject that says the result, and trailers that say which records changed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from padre_git.format.scalars import UNSEEN
from padre_git.messages import Message, Op
from padre_git.model import Key

__all__ = ["commit_text", "read_trailers"]

LONGEST_SUBJECT = 72
MOST_KEYS = 20
MOST_LINES = 100

_UNSEEN = re.compile(f"[\x00-\x1f{UNSEEN}]+")
_TRAILER = re.compile(r"(Padre-[A-Za-z]+): (\S+)")


def commit_text(message: Message, keys: Sequence[Key], *, body: Sequence[str] = ()) -> str:
    """Returns the whole text of a commit.

    Args:
        message: what to say; its subject is cut to 72 characters.
        keys: the records that the commit changes, the most telling first.
        body: lines to stand between subject and trailers.
    """
    trailers = [f"Padre-Op: {message.op.value}"]
    trailers += [f"Padre-Key: {key}" for key in keys[:MOST_KEYS]]
    if len(keys) > MOST_KEYS:
        trailers.append(f"Padre-Count: {len(keys)}")
    subject = _subject(message.subject) or message.op.value
    lines = [f"* {' '.join(_UNSEEN.sub(' ', line).split())}" for line in body[:MOST_LINES]]
    if len(body) > MOST_LINES:
        lines.append(f"* and {len(body) - MOST_LINES} more")
    paragraphs = [[subject], lines, trailers]
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines) + "\n"


def read_trailers(text: str) -> tuple[Op | None, tuple[str, ...]]:
    """Returns what a commit did and the keys it names; None and nothing if it is not ours.

    Args:
        text: a commit's text, whoever wrote it.
    """
    paragraphs = re.split(r"\n[ \t\r]*\n", text.strip())
    lines = paragraphs[-1].splitlines() if len(paragraphs) > 1 else []
    found = [match.groups() for line in lines if (match := _TRAILER.fullmatch(line.strip()))]
    words = [value for name, value in found if name == "Padre-Op"]
    known = {op.value: op for op in Op}
    op = known.get(words[-1]) if words else None
    return op, tuple(value for name, value in found if name == "Padre-Key")


def _subject(text: str) -> str:
    line = " ".join(_UNSEEN.sub(" ", text).split())
    if len(line) <= LONGEST_SUBJECT:
        return line
    cut = line[:LONGEST_SUBJECT]  # room for the ellipsis in place of the last character
    head, blank, _ = cut.rpartition(" ")
    if not blank or len(head) < LONGEST_SUBJECT // 2:
        head = cut[:-1]
    return f"{head.rstrip(' ,;:')}…"
