"""git over smart HTTP as nginx serves it, with a password or with whatever a rule allows."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from tests.servers import Server
from tests.servers.processes import HOST, needs, serving, started, workshop
from tests.servers.web import BACKEND, fastcgi, passwords, web_server

__all__ = ["run_nginx", "start"]

_CONFIG = """\
daemon off; user root; worker_processes 2; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen {host}:{port};
    location / {{
      {rule}
      fastcgi_pass unix:{socket};
      fastcgi_read_timeout 600;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_CONFIG_GLOBAL {folder}/gitconfig;
      fastcgi_param GIT_CONFIG_NOSYSTEM 1;
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param GIT_PROJECT_ROOT {repositories};
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
    }}
    {more}
  }}
}}
"""


def start(directory: Path) -> Server:
    """Starts nginx, which serves the repositories below a directory to one user."""
    needs("nginx")
    ends = contextlib.ExitStack()
    folder = workshop(ends)
    path, secret = passwords(folder)
    rule = f"auth_basic git; auth_basic_user_file {path};"
    return run_nginx(ends, directory, folder=folder, rule=rule, secret=secret)


def run_nginx(
    ends: contextlib.ExitStack,
    directory: Path,
    *,
    folder: Path,
    rule: str,
    secret: str,
    more: str = "",
) -> Server:
    """Starts nginx with a rule that says who may come in."""
    log, repositories = directory / "nginx.log", directory / "repositories"
    repositories.mkdir(mode=0o700)
    socket = fastcgi(ends, folder, log)

    def listen(port: int) -> subprocess.Popen[bytes]:
        text = _CONFIG.format(
            folder=folder, host=HOST, port=port, rule=rule, more=more, socket=socket,
            backend=BACKEND, repositories=repositories,
        )  # fmt: skip
        (folder / "nginx.conf").write_text(text)
        return started(ends, ["nginx", "-c", folder / "nginx.conf", "-e", "stderr"], log)

    port = serving(listen, log)
    return web_server(ends, repositories, port=port, secret=secret, log=log)
