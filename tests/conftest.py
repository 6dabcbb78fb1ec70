"""What every test shares: no swallowed failure goes unseen, no missing program goes unsaid."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from streamnotice.commons import PROCESS
from tests.answering import Quiet, answering

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# In CI every skip is a failure, but for what no package could mend.
_MAY_SKIP_IN_CI = ("elsewhere:",)


class _Failures(logging.Handler):
    """Collects what the library logged of failures that it kept from the host."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if "streamnotice.failed" in text:
            self.seen.append(text)


@pytest.fixture(autouse=True)
def no_swallowed_failure(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Fails a test in which the library swallowed an internal failure, unless it is expected.

    A test that provokes one is marked `expects_failure`, and may look at what was logged.
    """
    logger = logging.getLogger("streamnotice")
    handler = _Failures()
    logger.addHandler(handler)
    try:
        yield handler.seen
    finally:
        logger.removeHandler(handler)
    if handler.seen and request.node.get_closest_marker("expects_failure") is None:
        pytest.fail("the library swallowed: " + "; ".join(handler.seen[:5]), pytrace=False)


@pytest.fixture(autouse=True)
def own_probe_budget() -> None:
    """No test pays for the probes that another sent from this process."""
    PROCESS.clear()


@pytest.fixture(autouse=True, scope="session")
def no_records_in_the_users_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What `watch` writes by itself goes where the tests' other files go."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before


# Tests that only compute, and may run beside any other. All others live in real time, with real
# programs, ports and namespaces: one process runs them one after another (`xdist_group`).
_ONLY_COMPUTE = tuple(
    f"tests/{name}"
    for name in (
        "core/", "verdict/", "path/", "notices/", "benchmarks/", "typing/",
        "dossier/test_chain.py", "dossier/test_codec.py", "dossier/test_examine",
        "dossier/test_parts.py", "dossier/test_privacy.py", "dossier/test_replay.py",
        "dossier/test_schema.py", "dossier/test_signing.py", "dossier/test_swift.py",
        "dossier/test_verify.py",
        "lab/test_recordings.py", "lab/test_truth.py", "lab/test_lab_scenarios.py",
        "lab/test_fit_tunnel.py",
    )
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.nodeid.startswith(_ONLY_COMPUTE):
            item.add_marker(pytest.mark.xdist_group("real time"))


def missing_programs(*programs: str) -> list[str]:
    """Which of *programs* are not on the PATH (sbin folders included)."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    return [program for program in programs if shutil.which(program, path=path) is None]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        missing = missing_programs(*marker.args)
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    report: pytest.TestReport = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        if not reason.startswith(_MAY_SKIP_IN_CI):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI, which counts as a failure: {reason}"
    return report  # type: ignore[return-value]


@pytest.fixture(scope="session")
def short_stream() -> Iterator[str]:
    """Base URL of a real HLS server: the demo's clip, cut to its first two segments."""
    from streamnotice.demo.clip import SEGMENT_S, Clip

    clip = Clip()

    class Handler(Quiet):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = clip.get(self.path.partition("?")[0])
            body, kind = found or (b"no", "text/plain")
            if self.path.endswith("/index.m3u8"):
                body = body.partition(f"#EXTINF:{SEGMENT_S}.000,\n2.m4s".encode())[0]
                body += b"#EXT-X-ENDLIST\n"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Cache", "HIT")
            self.end_headers()
            self.wfile.write(body)

    with answering(Handler) as port:
        yield f"http://127.0.0.1:{port}"
