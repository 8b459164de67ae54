"""For authors of backends: the conformance suite and the state machine that all of them pass.

Nothing of this is imported by padre_git itself; it needs pytest and hypothesis.
"""

import pytest

for _module in ("deleting", "documents", "history", "listing", "machine", "storing", "writers"):
    pytest.register_assert_rewrite(f"padre_git.testing.{_module}")

from padre_git.testing.suite import BackendSuite, PresentSuite  # noqa: E402

__all__ = ["BackendSuite", "PresentSuite"]
