"""A repository's own configuration: which of its keys could run a program or lead elsewhere.

git's configuration has hundreds of keys, and new ones with every version. Whatever section holds a
single key that names a program, an address or a path is closed here but for the keys listed below;
the other sections cannot do anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from padre_git.vcs.driver import differ_in_one, is_ours
from padre_git.vcs.process import try_git

__all__ = ["keys_in", "running_key"]

_SECTION = re.compile(
    rb'\s*\[\s*(?P<name>[A-Za-z0-9.-]+)(?:\s+"(?P<sub>(?:[^"\\]|\\.)*)")?\s*\]\s*(?:[#;].*)?'
)
_OPTION = re.compile(rb"\s*(?P<key>[A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(?P<value>.*))?", re.DOTALL)
_QUOTED = re.compile(rb'"((?:[^"\\]|\\["\\ntb])*)"\s*')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(rb'["\\#;]')
_NOTHING = re.compile(rb"\s*(?:[#;].*)?", re.DOTALL)
_DRIVER = "merge.padre.driver"
_BOOLEAN = frozenset(["true", "false", "yes", "no", "on", "off", "1", "0", ""])


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Sections in which something can run or lead elsewhere, with the keys in them that cannot.
_CLOSED = {
    "core": _words(
        """
        repositoryformatversion filemode bare logallrefupdates ignorecase precomposeunicode
        symlinks autocrlf eol safecrlf quotepath untrackedcache preloadindex compression
        loosecompression bigfilethreshold sharedrepository abbrev checkstat trustctime
        whitespace commitgraph multipackindex sparsecheckout sparsecheckoutcone splitindex
        fsync fsyncmethod fsyncobjectfiles longpaths hidedotfiles deltabasecachelimit
        packedgitlimit packedgitwindowsize createobject warnambiguousrefs maxtreedepth
        """
    ),
    "branch": _words("autosetupmerge autosetuprebase sort"),
    "remote": _words("pushdefault"),
    "merge": _words("ff conflictstyle renames renamelimit stat log verbosity autostash"),
    "diff": _words(
        """
        algorithm renames renamelimit context interhunkcontext noprefix mnemonicprefix
        colormoved colormovedws indentheuristic suppressblankempty ignoresubmodules submodule
        statgraphwidth wserrorhighlight wordregex relative dirstat autorefreshindex
        """
    ),
    "push": _words("default followtags autosetupremote useforceifincludes"),
    "fetch": _words("prune prunetags parallel writecommitgraph output showforcedupdates"),
    "receive": _words(
        """
        fsckobjects denynonfastforwards denydeletes denydeletecurrent autogc unpacklimit
        maxinputsize advertiseatomic advertisepushoptions updateserverinfo keepalive
        """
    ),
    "transfer": _words("fsckobjects hiderefs unpacklimit credentialsinurl"),
    "uploadpack": _words(
        """
        allowfilter allowanysha1inwant allowtipsha1inwant allowreachablesha1inwant
        allowrefinwant hiderefs keepalive advertisesidebandall
        """
    ),
    "http": _words("receivepack uploadpack getanyfile postbuffer version"),
    "gc": _words(
        """
        auto autodetach autopacklimit bigpackthreshold pruneexpire reflogexpire
        reflogexpireunreachable worktreepruneexpire writecommitgraph packrefs cruftpacks
        aggressivewindow aggressivedepth rerereresolved rerereunresolved logexpiry
        """
    ),
    "extensions": _words(
        """
        objectformat compatobjectformat refstorage worktreeconfig noop preciousobjects
        relativeworktrees
        """
    ),
    "submodule": _words("active"),
    "commit": _words("gpgsign verbose status cleanup"),
    "init": _words("defaultbranch"),
    "log": _words("date decorate follow abbrevcommit"),
    # of git-lfs, which the person's own configuration may have made a filter
    "lfs": _words(
        """
        repositoryformatversion url pushurl locksverify fetchinclude fetchexclude
        fetchrecentalways concurrenttransfers batch allowincompletepush setlockablereadonly
        lockignoredfiles
        """
    ),
    **dict.fromkeys(
        _words(
            """
            alias annex bitbucket blame browser bundle clone credential difftool filter format fsck
            gpg guitool help hook imap include includeif instaweb interactive mailmap man
            mergetool notes pager promisor protocol sendemail sequence ssh tar trace2 trailer url
            web
            """
        ),
        frozenset[str](),
    ),
}
#: The same for keys in a section with a name of its own, such as ``remote.origin.url``.
_CLOSED_NAMED = {
    "remote": _words(
        """
        url fetch push pushurl tagopt prune prunetags mirror skipdefaultupdate skipfetchall
        gh-resolved
        """
    ),
    "submodule": _words("url active path branch ignore fetchrecursesubmodules shallow"),
    "merge": _words("name"),
    "lfs": _words("access locksverify contenttype"),
}
#: What runs a program only if its value names one.
_SWITCHES = frozenset(["core.fsmonitor"])
#: How a remote in a configuration may be addressed; anything else could start a helper.
_HELPER = re.compile(r"\s*[A-Za-z0-9+.-]+::|-")
_ADDRESSES = frozenset(["url", "pushurl"])


def running_key(content: bytes, git_dir: Path) -> str | None:
    """Returns the first key in a configuration that could run a program or lead elsewhere.

    What git cannot read lets git do nothing, so there is no such key in it.

    Args:
        content: of the file.
        git_dir: the repository that it belongs to.
    """
    found = keys_in(content) or []
    return next((pair[0] for pair in found if _can_do_something(*pair, git_dir)), None)


def keys_in(content: bytes) -> list[tuple[str, str]] | None:
    """Returns the keys of a configuration with their values; None if git cannot read it."""
    found = []
    for pair in _plain(content):
        if pair is None:  # written by hand in a way that git alone should read
            words = ["config", "-z", "--file", "-", "--no-includes", "--list"]
            listed = try_git(words, os.sep, input=content)
            return None if listed.code else list(_listed(listed.out))
        found.append(pair)
    return found


def _plain(content: bytes) -> Iterator[tuple[str, str] | None]:
    """Yields names and values of a file as git itself writes it; None for another line."""
    section = None
    for line in content.split(b"\n"):
        if head := _SECTION.fullmatch(line):
            section = _section(head)
        elif not _NOTHING.fullmatch(line):
            option = _OPTION.fullmatch(line)
            value = None if option is None else _value(option["value"])
            if option is None or value is None or section is None:
                yield None
            else:
                yield f"{section}.{option['key'].decode().lower()}", value


def _value(written: bytes | None) -> str | None:
    """Returns a value that is written in the simplest way; None for any other."""
    if written is None:
        return "true"
    quoted = _QUOTED.fullmatch(written)
    if quoted is None:
        return None if _SPECIAL.search(written) else written.decode(errors="replace").strip()
    return _ESCAPED.sub(_escape, quoted[1].decode(errors="replace"))


def _escape(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "b": "\b"}.get(match[1], match[1])


def _section(head: re.Match[bytes]) -> str:
    name, dot, rest = head["name"].decode().lower().partition(".")
    if head["sub"] is None:
        return f"{name}.{rest}" if dot else name
    sub = head["sub"].decode(errors="replace")
    return f"{name}.{_ESCAPED.sub(_same, sub)}"


def _same(match: re.Match[str]) -> str:
    return match[1]


def _listed(out: bytes) -> Iterator[tuple[str, str]]:
    for item in out.decode(errors="replace").split("\0"):
        name, _, value = item.partition("\n")
        if name:
            yield name, value


def _can_do_something(name: str, value: str, git_dir: Path) -> bool:
    section, _, rest = name.partition(".")
    _, dot, key = rest.rpartition(".")
    if section not in _CLOSED or (section == "branch" and dot):
        return False
    if not dot:
        harmless = name in _SWITCHES and value.lower() in _BOOLEAN
        return not harmless and not _is_one_of(key, _CLOSED[section])
    if name == _DRIVER:
        return not is_ours(value, git_dir)
    if not _is_one_of(key, _CLOSED_NAMED.get(section, frozenset())):
        return True
    return key in _ADDRESSES and _HELPER.match(value) is not None


def _is_one_of(key: str, harmless: frozenset[str]) -> bool:
    """Tells whether a key is harmless, or was until a disk changed one letter of it."""
    return key in harmless or any(differ_in_one(key, known) for known in harmless)
