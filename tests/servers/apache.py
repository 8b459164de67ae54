"""git over smart HTTP as apache serves it, with a password."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from tests.servers import Server
from tests.servers.processes import HOST, needs, serving, started, workshop
from tests.servers.web import BACKEND, fastcgi, passwords, web_server

__all__ = ["start"]

_MODULES = (
    "mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "env",
    "proxy", "proxy_fcgi",
)  # fmt: skip
_CONFIG = """\
ServerRoot {folder}
ServerName {host}
Listen {host}:{port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {log}
User www-data
Group www-data
{modules}
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


def start(directory: Path) -> Server:
    """Starts apache, which serves the repositories below a directory to one user."""
    needs("apache2")
    ends = contextlib.ExitStack()
    folder, log = workshop(ends), directory / "apache.log"
    path, secret = passwords(folder)
    repositories = directory / "repositories"
    repositories.mkdir(mode=0o700)
    socket = fastcgi(ends, folder, log)
    lines = [f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in _MODULES]

    def listen(port: int) -> subprocess.Popen[bytes]:
        text = _CONFIG.format(
            folder=folder, host=HOST, port=port, log=log, modules="\n".join(lines), socket=socket,
            backend=BACKEND, repositories=repositories, passwords=path,
        )  # fmt: skip
        (folder / "apache.conf").write_text(text)
        return started(ends, ["apache2", "-DFOREGROUND", "-f", folder / "apache.conf"], log)

    port = serving(listen, log)
    return web_server(ends, repositories, port=port, secret=secret, log=log)
