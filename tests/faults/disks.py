"""Disks of our own: file systems in a file, whose power can be cut, and small ones in memory."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import needs, needs_root

__all__ = ["Disk", "disk", "small_disk"]

#: EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are the same; what is not on the disk by then is lost.
_GOING_DOWN = 0x8004587D
_NO_LOG_FLUSH = struct.pack("I", 2)
_SIZE = 320 << 20
_MAKE = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"]}


class Disk:
    """Is a file system in a file.

    Args:
        directory: where the file is and where it is mounted.
        kind: ``ext4`` or ``xfs``.
    """

    def __init__(self, directory: Path, kind: str) -> None:
        self.place = directory / "mounted"
        self._image = directory / "image"
        self.place.mkdir(parents=True)
        with self._image.open("wb") as image:
            image.truncate(_SIZE)
        subprocess.run([*_MAKE[kind], str(self._image)], check=True)

    def mount(self) -> None:
        """Turns it on; the file system's own journal is replayed."""
        deadline = time.monotonic() + 30
        while True:
            subprocess.run(["mount", "-o", "loop", str(self._image), str(self.place)], check=True)
            try:
                (self.place / "probe").touch()
            except OSError:  # a namespace that somebody made meanwhile still has the dead one
                assert time.monotonic() < deadline
                self.unmount()
                time.sleep(0.1)
            else:
                return

    def cut(self) -> None:
        """Cuts its power: only what has reached the disk is there when it is turned on again."""
        held = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(held, _GOING_DOWN, _NO_LOG_FLUSH)
        finally:
            os.close(held)

    def unmount(self) -> None:
        """Takes it away when the last process that was killed has let go of it."""
        deadline = time.monotonic() + 30
        while subprocess.run(["umount", str(self.place)], capture_output=True).returncode:
            assert time.monotonic() < deadline, "somebody still uses it"
            time.sleep(0.02)


@contextmanager
def disk(directory: Path, kind: str) -> Iterator[Disk]:
    """Gives a mounted disk, and takes it away whatever has happened."""
    needs_root()
    needs("mount", _MAKE[kind][0])
    made = Disk(directory, kind)
    made.mount()
    try:
        yield made
    finally:
        subprocess.run(["umount", "-l", str(made.place)], check=False, capture_output=True)


@contextmanager
def small_disk(place: Path, *options: str) -> Iterator[Path]:
    """Gives a file system in memory with options such as ``size=4m`` or ``nr_inodes=100``."""
    needs_root()
    place.mkdir()
    chosen = ",".join(("mode=0700", *options))
    subprocess.run(["mount", "-t", "tmpfs", "-o", chosen, "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)
