"""Faults: every change of the file system fails in turn, power is cut, disks are full."""
