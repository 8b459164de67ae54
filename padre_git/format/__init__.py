"""The format: how records become files and back, where files lie, and how two versions merge.

Nothing here does I/O but reading the package's own templates; bytes come in and go out. The
specification is docs/format.
"""

from padre_git.format.annotations import (
    decode_notes,
    decode_tags,
    encode_tag,
    encode_tags,
    new_note_name,
)
from padre_git.format.layout import (
    LIMIT,
    LONGEST_PATH,
    children_directory,
    is_part,
    is_shard,
    locate,
    part_path,
    place_run,
    record_directories,
    shards_of,
)
from padre_git.format.scaffold import scaffold

__all__ = [
    "LIMIT",
    "LONGEST_PATH",
    "children_directory",
    "decode_notes",
    "decode_tags",
    "encode_tag",
    "encode_tags",
    "is_part",
    "is_shard",
    "locate",
    "new_note_name",
    "part_path",
    "place_run",
    "record_directories",
    "scaffold",
    "shards_of",
]
