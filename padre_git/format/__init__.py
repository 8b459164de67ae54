"""The format: how records become files and back, where files lie, and how two versions merge.

Nothing here does I/O but reading the package's own templates; bytes come in and go out. Documents
are read strictly (``reading``), written in one way (``writing``), checked against tables
(``schemas``) and turned into entities and back (``encoding``, ``decoding``). The specification is
docs/format.
"""

from padre_git.format.annotations import (
    decode_notes,
    decode_tags,
    encode_tag,
    encode_tags,
    new_note_name,
)
from padre_git.format.commits import commit_text, read_trailers
from padre_git.format.decoding import decode
from padre_git.format.encoding import encode, identify
from padre_git.format.equality import same
from padre_git.format.graves import edit_mark, grave_files, seals
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
from padre_git.format.merging import Merged, merge_files
from padre_git.format.reading import Document, parse_document
from padre_git.format.scaffold import scaffold
from padre_git.format.series import decode_series, encode_rows, encode_series
from padre_git.format.splits import decode_splits, encode_splits
from padre_git.format.times import read_time, write_time
from padre_git.format.tombstones import check_tombstone, read_tombstone, tombstone
from padre_git.format.versions import FORMAT, FORMAT_FILE, check_format, format_document
from padre_git.format.writing import write_document

__all__ = [
    "FORMAT",
    "FORMAT_FILE",
    "LIMIT",
    "LONGEST_PATH",
    "Document",
    "Merged",
    "check_format",
    "check_tombstone",
    "children_directory",
    "commit_text",
    "decode",
    "decode_notes",
    "decode_series",
    "decode_splits",
    "decode_tags",
    "edit_mark",
    "encode",
    "encode_rows",
    "encode_series",
    "encode_splits",
    "encode_tag",
    "encode_tags",
    "format_document",
    "grave_files",
    "identify",
    "is_part",
    "is_shard",
    "locate",
    "merge_files",
    "new_note_name",
    "parse_document",
    "part_path",
    "place_run",
    "read_time",
    "read_tombstone",
    "read_trailers",
    "record_directories",
    "same",
    "scaffold",
    "seals",
    "shards_of",
    "tombstone",
    "write_document",
    "write_time",
]
