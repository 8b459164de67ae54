"""The dual layer does what every backend does, and a clone of the remote shows all of it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings

from padre_git.backends import Backend
from padre_git.backends.git import GitBackend
from padre_git.backends.policy import Policy
from padre_git.model import Key
from padre_git.testing.documents import document, put
from padre_git.testing.machine import BackendMachine
from padre_git.testing.storing import found
from padre_git.testing.suite import BackendSuite
from padre_git.vcs.remotes import RemoteLocation
from tests.backends.dual_stores import Plain, fsck
from tests.conftest import git


def opened(root: Path, remote: RemoteLocation) -> Plain:
    return Plain(GitBackend(root), remote, policy=Policy.ALWAYS)


class Shared:
    """Makes dual layers over a directory; reopening is cloning the remote elsewhere."""

    def make_backend(self, directory: Path) -> Plain:
        remote = directory / "remote"
        remote.mkdir(parents=True)
        return opened(directory / "clones", RemoteLocation.parse(remote))

    def another(self, backend: Plain) -> Plain:
        return opened(backend.local.root, backend.remote)

    def reopened(self, backend: Plain, directory: Path) -> Plain:
        backend.flush()
        other = opened(directory, backend.remote)
        for project in other.remote.projects() or ():
            other.pull(project)
        return other


class DualSuite(BackendSuite):
    """Is the suite for a backend that writes urls into documents itself."""

    scheme = "file"

    def test_the_url_does_not_count_in_a_revision(self, backend: Backend, svm: Key) -> None:
        plain = put(backend, svm, title="SVM")
        url = "https://example.org/lab/iris.git#experiments/svm"
        assert put(backend, svm, title="SVM", url=url, expected=plain) == plain
        assert found(backend, svm)["experiment.yaml"] == document(svm, title="SVM")
        assert backend.urls([svm])[svm].startswith(f"{self.scheme}://")


class TestDualLayer(Shared, DualSuite):
    pass


class DualMachine(Shared, BackendMachine):
    def check_store(self) -> None:
        remote = self.backend.remote.directory
        for project in sorted(self.backend.local.root.glob("*/")):
            fsck(project)
            assert git("status", "--porcelain", "--ignored", cwd=project) == ""
        for project in sorted(remote.glob("*.git")):
            fsck(project)


TestDualMachine = DualMachine.TestCase
TestDualMachine.settings = settings(
    max_examples=6,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
