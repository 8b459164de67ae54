"""All targets, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import (
    configs,
    data,
    documents,
    gitfiles,
    hosts,
    logs,
    merges,
    spools,
    tables,
    texts,
)

__all__ = ["CORPUS", "TARGETS", "Target"]

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Is one promise about readers.

    Attributes:
        check: fails for bytes for which it does not hold.
        seeds: gives bytes to begin with.
        cost: how many thousandths of a second one check takes, roughly.
    """

    check: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    cost: float = 0.1


TARGETS: Mapping[str, Target] = {
    "document": Target(check=documents.check_document, seeds=documents.document_seeds, cost=1),
    "record": Target(check=documents.check_record, seeds=documents.record_seeds, cost=0.5),
    "pointer": Target(check=data.check_pointer, seeds=data.pointer_seeds, cost=1),
    "listing": Target(check=data.check_listing, seeds=data.listing_seeds),
    "series": Target(check=tables.check_series, seeds=tables.series_seeds),
    "splits": Target(check=tables.check_splits, seeds=tables.split_seeds, cost=1),
    "indices": Target(check=tables.check_indices, seeds=tables.index_seeds, cost=0.5),
    "cell": Target(check=tables.check_cell, seeds=tables.cell_seeds),
    "merge": Target(check=merges.check_merge, seeds=merges.merge_seeds, cost=20),
    "fields": Target(check=merges.check_fields, seeds=merges.merge_seeds, cost=3),
    "tree": Target(check=gitfiles.check_tree, seeds=gitfiles.tree_seeds, cost=3),
    "commit": Target(check=gitfiles.check_commit, seeds=gitfiles.commit_seeds),
    "index": Target(check=gitfiles.check_index, seeds=gitfiles.index_seeds, cost=6),
    "packs": Target(check=gitfiles.check_packs, seeds=gitfiles.pack_seeds, cost=20),
    "config": Target(check=configs.check_config, seeds=configs.config_seeds, cost=8),
    "host": Target(check=hosts.check_host, seeds=hosts.host_seeds, cost=60),
    "log": Target(check=logs.check_log, seeds=logs.log_seeds, cost=4),
    "packed-refs": Target(check=logs.check_packed_refs, seeds=logs.packed_seeds, cost=4),
    "place": Target(check=texts.check_place, seeds=texts.place_seeds),
    "reference": Target(check=texts.check_reference, seeds=texts.reference_seeds),
    "query": Target(check=texts.check_query, seeds=texts.query_seeds),
    "spool": Target(check=spools.check_spool, seeds=spools.spool_seeds),
    "words": Target(check=texts.check_words, seeds=texts.word_seeds),
}
