"""git over smart HTTP as apache serves it, with a password."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from tests.servers import Server
from tests.servers.processes import HOST, needs, serving, started, workshop
from tests.servers.web import BACKEND, fastcgi, passwords, web_server

__all__ = ["listening", "start"]

_MODULES = ("mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic")
_HEAD = """\
ServerRoot {folder}
ServerName {host}
Listen {host}:{port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {log}
User www-data
Group www-data
{modules}
"""
_CONFIG = """\
LimitRequestBody 0
ProxyTimeout 600
ProxyPass / unix:{socket}|fcgi://localhost/
ProxyFCGISetEnvIf true SCRIPT_FILENAME {backend}
ProxyFCGISetEnvIf true PATH_INFO "%{{REQUEST_URI}}"
SetEnv GIT_CONFIG_GLOBAL {folder}/gitconfig
SetEnv GIT_CONFIG_NOSYSTEM 1
SetEnv GIT_HTTP_EXPORT_ALL 1
SetEnv GIT_PROJECT_ROOT {repositories}
ProxyFCGISetEnvIf true GIT_PROTOCOL "%{{HTTP:Git-Protocol}}"
<Location />
  AuthType Basic
  AuthName git
  AuthUserFile {passwords}
  Require valid-user
</Location>
"""


def listening(
    ends: contextlib.ExitStack, folder: Path, log: Path, modules: tuple[str, ...], text: str
) -> int:
    """Starts apache for the users of a password file, and returns its port.

    Args:
        ends: what ends it.
        folder: of its own.
        log: where it says what went wrong.
        modules: that it loads beside those that know users.
        text: what it serves, as its configuration says it.
    """
    loaded = [
        f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in (*_MODULES, *modules)
    ]
    file = folder / "apache.conf"

    def listen(port: int) -> subprocess.Popen[bytes]:
        head = _HEAD.format(folder=folder, host=HOST, port=port, log=log, modules="\n".join(loaded))
        file.write_text(head + text)
        return started(ends, ["apache2", "-DFOREGROUND", "-f", file], log)

    return serving(listen, log)


def start(directory: Path) -> Server:
    """Starts apache, which serves the repositories below a directory to one user."""
    needs("apache2")
    ends = contextlib.ExitStack()
    folder, log = workshop(ends), directory / "apache.log"
    path, secret = passwords(folder)
    repositories = directory / "repositories"
    repositories.mkdir(mode=0o700)
    text = _CONFIG.format(
        socket=fastcgi(ends, folder, log), backend=BACKEND, repositories=repositories,
        folder=folder, passwords=path,
    )  # fmt: skip
    port = listening(ends, folder, log, ("env", "proxy", "proxy_fcgi"), text)
    return web_server(ends, repositories, port=port, secret=secret, log=log)
