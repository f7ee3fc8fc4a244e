# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Fixtures of the interop tests: the lab, and what is shown of it when a test fails."""
import os
import signal
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lib"))
import evlab  # noqa: E402
from evlab.run import PATIENCE, as_root_only  # noqa: E402

TEST_SECONDS = 120
os.environ.setdefault("EVPND_SECCOMP", "kill")  # a system call that is not on the list is a test that fails


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): this test may take up to n seconds instead of %d" % TEST_SECONDS)
    config.addinivalue_line("markers", "kernel: this test is about the kernel's devices and rows, whatever DATAPLANE in the environment says")
    config.addinivalue_line("markers", "alone: this test holds all of the machine, or measures it: tests/run runs nothing beside it")
    config.addinivalue_line("markers", "dataplanes: this test runs with the kernel's dataplane and with evpnd's own (lab.dataplane)")


def pytest_collection_modifyitems(items):
    """DATAPLANE=userspace: all other tests with evpnd's own dataplane."""
    if os.environ.get("DATAPLANE") == "userspace":
        for item in items:
            if item.get_closest_marker("kernel"):
                item.add_marker(pytest.mark.skip(reason="about the kernel"))


def pytest_generate_tests(metafunc):
    if metafunc.definition.get_closest_marker("dataplanes"):
        metafunc.parametrize("lab", ["kernel", "userspace"], indirect=True)


def pytest_sessionstart(session):
    as_root_only()
    evlab.sweep()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.when == "call" and report.failed and lab:
        report.sections.append(("state of the lab", lab.state()))


@pytest.fixture(autouse=True)
def bounded(request):
    """No test runs for ever."""
    mark = request.node.get_closest_marker("seconds")
    seconds = int((mark.args[0] if mark else TEST_SECONDS) * PATIENCE)

    def on_alarm(signum, frame):
        raise evlab.Timeout("the test took more than %d s" % seconds)

    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


@pytest.fixture
def lab(request):
    lab = evlab.Lab(getattr(request, "param", os.environ.get("DATAPLANE", "kernel")))
    try:
        yield lab
    finally:
        wrong = lab.close()
    assert not wrong, "\n".join(wrong)
