"""Artifacts: data kept by DVC, in its own format: placed, pointed at, shared and checked.

A file's bytes lie in the clone's :class:`Cache` under their hash; git keeps a :class:`Pointer` to
them. :class:`ProjectData` reads them, from the cache or the :class:`DataRemote`, and hands out
nothing unchecked; :func:`publish_data` has the data of commits on the remote before the commits
are pushed. Anything plain DVC does with a clone works on what is written here.
"""

from padre_git.artifacts.cache import Cache
from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.hashes import Item
from padre_git.artifacts.listings import Listing
from padre_git.artifacts.members import add_member, place, pointer_to, remove_member
from padre_git.artifacts.pointers import Pointer, read_pointer, write_pointer
from padre_git.artifacts.publish import Published, publish_data
from padre_git.artifacts.remote import DataRemote, Sent
from padre_git.artifacts.settings import (
    RemoteSettings,
    create_store,
    reachable_url,
    read_settings,
    write_settings,
)
from padre_git.artifacts.shedding import only_here, shed, unobtainable
from padre_git.artifacts.uniting import Union, unite_items, unite_pointers

__all__ = [
    "Cache",
    "DataRemote",
    "Item",
    "Listing",
    "Pointer",
    "ProjectData",
    "Published",
    "RemoteSettings",
    "Sent",
    "Union",
    "add_member",
    "create_store",
    "only_here",
    "place",
    "pointer_to",
    "publish_data",
    "reachable_url",
    "read_pointer",
    "read_settings",
    "remove_member",
    "shed",
    "unite_items",
    "unite_pointers",
    "unobtainable",
    "write_pointer",
    "write_settings",
]
