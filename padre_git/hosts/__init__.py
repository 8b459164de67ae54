"""Hosts: talking to a git host over HTTP, with credentials that are kept nowhere."""

from padre_git.hosts.client import Client
from padre_git.hosts.finding import Named
from padre_git.hosts.repositories import Repositories
from padre_git.hosts.sites import Site, Software
from padre_git.hosts.wire import Bounds, Response

__all__ = ["Bounds", "Client", "Named", "Repositories", "Response", "Site", "Software"]
