"""A stand-in for the APIs of GitHub, GitLab and Gitea: their documented pages, and git by git.

It is none of them: what it says was written from their documentation, and nothing more is claimed.
Accounts, tokens, scopes, pages of lists and the words of refusals are there; git is served by git.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.conftest import git
from tests.hosts.listening import Handler, Listener, listening

__all__ = ["Forge", "forge"]

CORE = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip())
PASSWORD = "correct horse battery"


@dataclass
class Forge:
    """Is a host: its software, its people and its repositories.

    Attributes:
        software: ``github``, ``gitlab`` or ``gitea``.
        directory: where bare repositories are, as ``owner/name.git``.
        listener: the server.
        prefix: the path below which it lives.
        tokens: what each token may do: ``user``, ``write``, ``limited``.
        names: of the tokens that were made over the API.
    """

    software: str
    directory: Path
    listener: Listener
    prefix: str = ""
    user: str = "ada"
    groups: tuple[str, ...] = ("lab", "lab/deep")
    tokens: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    stamp: int = 0

    @property
    def url(self) -> str:
        return f"{self.listener.url}{self.prefix}"

    def token(self, *rights: str) -> str:
        made = f"tok_{secrets.token_hex(8)}"
        self.tokens[made] = set(rights or ("user", "write"))
        return made

    def bare(self, name: str) -> Path:
        return self.directory / f"{name}.git"

    def create(self, name: str) -> None:
        path = self.bare(name)
        path.mkdir(parents=True)
        git("init", "-q", "--bare", "-b", "main", ".", cwd=path)
        git("config", "http.receivepack", "true", cwd=path)

    def repositories(self, owner: str) -> list[str]:
        return sorted(p.stem for p in (self.directory / owner).glob("*.git"))

    # ------------------------------------------------------------------------ who it is

    def who(self, handler: Handler) -> tuple[str, str]:
        """Returns how and with what the other side says who it is."""
        kind, _, text = handler.asked.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            return "basic", base64.b64decode(text).decode().partition(":")[2]
        return kind.lower(), text

    def rights(self, handler: Handler) -> set[str] | None:
        kind, text = self.who(handler)
        if kind == "basic" and self.software == "gitlab" and "/api/" in handler.path:
            return None
        if kind == "basic" and text == PASSWORD and self.software == "gitea":
            return {"user", "write", "password"}
        return self.tokens.get(text)

    # ------------------------------------------------------------------------- answering

    def answer(self, handler: Handler) -> None:
        path = handler.path.partition("?")[0]
        if not path.startswith(f"{self.prefix}/"):
            handler.say(404, b"<html>not here</html>", Content_Type="text/html")
            return
        path = path.removeprefix(self.prefix)
        root = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1"}[self.software]
        if path.startswith(root):
            self._api(handler, path.removeprefix(root))
        elif ".git/" in path:
            self._git(handler, path)
        elif path.startswith("/api/") and self.software == "gitlab":
            handler.say(404, {"error": "404 Not Found"})
        else:
            handler.say(404, b"<html>not here</html>", Content_Type="text/html")

    def _api(self, handler: Handler, page: str) -> None:
        if page == "/version" and self.software == "gitea":
            handler.say(200, {"version": "1.22.3"})
            return
        if page == "/meta" and self.software == "github":
            handler.say(200, {"installed_version": "3.13.0"})
            return
        rights = self.rights(handler)
        if rights is None:
            words = {"github": "Bad credentials", "gitlab": "401 Unauthorized"}
            handler.say(401, {"message": words.get(self.software, "user does not exist")})
            return
        for method, pattern, act in self._pages():
            match = re.fullmatch(pattern, page)
            if match and handler.command == method:
                act(handler, rights, *(unquote(group) for group in match.groups()))
                return
        handler.say(404, {"message": "404 Not Found"})

    def _pages(self) -> list[tuple[str, str, Callable[..., None]]]:
        return [
            ("GET", "/version", lambda h, r: h.say(200, {"version": "17.4.0", "revision": "x"})),
            ("GET", "/user", self._user),
            ("POST", "/user/repos", lambda h, r: self._create(h, r, self.user)),
            ("POST", "/orgs/([^/]+)/repos", self._create_in_group),
            ("GET", "/(?:orgs|groups)/([^/]+)/(?:repos|projects)", self._list_group),
            ("GET", "/users/([^/]+)/(?:repos|projects)", self._list),
            ("GET", "/user/repos", lambda h, r: self._list(h, r, self.user)),
            ("GET", "/namespaces/([^/]+)", self._namespace),
            ("POST", "/projects", self._create_project),
            ("GET", "/repos/([^/]+)/([^/]+)", lambda h, r, o, n: self._show(h, r, f"{o}/{n}")),
            ("GET", "/projects/([^/]+)", self._show),
            ("GET", "/repos/([^/]+)/([^/]+)/contents/(.+)", self._raw_github),
            ("GET", "/repos/([^/]+)/([^/]+)/raw/(.+)", self._raw_gitea),
            ("GET", "/projects/([^/]+)/repository/files/([^/]+)/raw", self._raw),
            ("POST", "/users/([^/]+)/tokens", self._make_token),
            ("DELETE", "/users/([^/]+)/tokens/([^/]+)", self._delete_token),
        ]  # fmt: skip

    def _user(self, handler: Handler, rights: set[str]) -> None:
        if "user" not in rights:
            handler.say(403, {"message": "insufficient_scope"})
            return
        field = "username" if self.software == "gitlab" else "login"
        handler.say(200, {"id": 7, field: self.user})

    def _create_in_group(self, handler: Handler, rights: set[str], owner: str) -> None:
        if owner not in self.groups:
            handler.say(404, {"message": "Not Found"})
        else:
            self._create(handler, rights, owner)

    def _create_project(self, handler: Handler, rights: set[str]) -> None:
        number = self._body(handler)["namespace_id"]
        self._create(handler, rights, (self.user, *self.groups)[number - 1])

    def _create(self, handler: Handler, rights: set[str], owner: str) -> None:
        body = self._body(handler)
        name = body["path" if self.software == "gitlab" else "name"]
        private = body.get("private") is True or body.get("visibility") == "private"
        assert private, "a new repository is private"
        if "write" not in rights:
            handler.say(403, {"message": "insufficient_scope: write is needed"})
        elif self.bare(f"{owner}/{name}").exists():
            status, words = {
                "github": (422, {"message": "Repository creation failed.",
                                 "errors": [{"message": "name already exists on this account"}]}),
                "gitlab": (400, {"message": {"path": ["has already been taken"]}}),
                "gitea": (409, {"message": "The repository with the same name already exists."}),
            }[self.software]  # fmt: skip
            handler.say(status, words)
        else:
            self.create(f"{owner}/{name}")
            handler.say(201, {"name": name})

    def _list_group(self, handler: Handler, rights: set[str], owner: str) -> None:
        if owner not in self.groups:
            handler.say(404, {"message": "Not Found"})
        else:
            self._list(handler, rights, owner)

    def _list(self, handler: Handler, rights: set[str], owner: str) -> None:
        query = parse_qs(handler.path.partition("?")[2])
        size = int(query.get("limit" if self.software == "gitea" else "per_page", ["20"])[0])
        start = (int(query.get("page", ["1"])[0]) - 1) * size
        names = self.repositories(owner)[start : start + size]
        handler.say(200, [self._entry(owner, name) for name in names])

    def _entry(self, owner: str, name: str) -> dict[str, Any]:
        tip = git("rev-parse", "main", cwd=self.bare(f"{owner}/{name}"), check=False).strip()
        return {
            "name": name, "path": name, "pushed_at": tip, "last_activity_at": "an hour ago",
            "updated_at": tip,
        }  # fmt: skip

    def _show(self, handler: Handler, rights: set[str], whole: str) -> None:
        if self.bare(whole).exists():
            handler.say(200, {"name": whole})
        else:
            handler.say(404, {"message": "404 Project Not Found"})

    def _namespace(self, handler: Handler, rights: set[str], owner: str) -> None:
        known = (self.user, *self.groups)
        if owner in known:
            handler.say(200, {"id": known.index(owner) + 1, "full_path": owner})
        else:
            handler.say(404, {"message": "404 Namespace Not Found"})

    def _raw_github(
        self, handler: Handler, rights: set[str], owner: str, name: str, p: str
    ) -> None:
        assert handler.asked.headers["accept"] == "application/vnd.github.raw+json"
        self._raw(handler, rights, f"{owner}/{name}", p)

    def _raw_gitea(self, handler: Handler, rights: set[str], owner: str, name: str, p: str) -> None:
        self._raw(handler, rights, f"{owner}/{name}", p)

    def _raw(self, handler: Handler, rights: set[str], whole: str, path: str) -> None:
        done = subprocess.run(
            ["git", "cat-file", "blob", f"main:{path}"], cwd=self.bare(whole), capture_output=True
        )
        if done.returncode:
            handler.say(404, {"message": "404 File Not Found"})
        else:
            handler.say(200, done.stdout)

    def _make_token(self, handler: Handler, rights: set[str], user: str) -> None:
        body = self._body(handler)
        if self.software != "gitea" or "password" not in rights:
            handler.say(401, {"message": "auth required"})
        else:
            made = self.token()
            self.names[body["name"]] = made
            assert body["scopes"]
            handler.say(201, {"id": 1, "name": body["name"], "sha1": made})

    def _delete_token(self, handler: Handler, rights: set[str], user: str, name: str) -> None:
        if "password" not in rights or name not in self.names:
            handler.say(404, None)
        else:
            self.tokens.pop(self.names.pop(name))
            handler.say(204, b"")

    def _body(self, handler: Handler) -> Any:
        import json

        return json.loads(handler.asked.body)

    # ------------------------------------------------------------------------------- git

    def _git(self, handler: Handler, path: str) -> None:
        kind, _ = self.who(handler)
        if kind != "basic" or self.rights(handler) is None:
            handler.say(401, b"", WWW_Authenticate='Basic realm="git"')
            return
        if not self.bare(path.partition(".git/")[0].strip("/")).exists():
            handler.say(404, b"")
            return
        asked = handler.asked
        environment = {
            **os.environ, "GIT_PROJECT_ROOT": str(self.directory), "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": self.user, "REQUEST_METHOD": asked.method, "PATH_INFO": path,
            "QUERY_STRING": asked.path.partition("?")[2],
            "CONTENT_TYPE": asked.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(asked.body)),
            "HTTP_CONTENT_ENCODING": asked.headers.get("content-encoding", ""),
        }  # fmt: skip
        done = subprocess.run(
            [CORE / "git-http-backend"], input=asked.body, env=environment, capture_output=True,
            check=True,
        )  # fmt: skip
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(fields.pop("Status", "200").split()[0])
        handler.say(status, content, **{n.replace("-", "_"): v for n, v in fields.items()})


@contextmanager
def forge(software: str, directory: Path, prefix: str = "") -> Iterator[Forge]:
    """Runs a host of a kind."""
    with listening() as listener:
        made = Forge(software=software, directory=directory, listener=listener, prefix=prefix)
        listener.otherwise = made.answer
        yield made
