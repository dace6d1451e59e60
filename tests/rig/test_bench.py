"""The benchmark: its table, its chart, and how a log and a process are read."""

from __future__ import annotations

import os
import socket
import threading
from xml.etree import ElementTree

import pytest

from rig import bench, fleet_report
from rig.measure import last_change, read_effort, read_written_memory
from rig.server_tests import Relay

pytestmark = pytest.mark.linux

READINGS = {
    "agent icon": [0.4, 0.5, 0.6],
    "native icon": [0.25],
    "same_job icon": [1.0, 1.0],
    "pillow icon": [1.0],
    "agent change": [0.01],
    "setup": [15.4],
    "changes": [10_000.0],
    "after the year, graphic_objects": [120.0],
}


def test_a_row_gives_the_medians_and_their_ratio() -> None:
    row = bench.format_row(bench.ROWS[0], READINGS)
    assert row == (
        "| start to icon | 0.50 s | 0.25 s (icon in C) | 2.00 | 1.00 s (the same job) | **0.50** | ≤ 0.5 |"
    )


def test_what_was_not_measured_has_a_dash_and_no_bar() -> None:
    section = bench.render_section(READINGS)
    assert "| private memory | – | – (pystray + Pillow) | – | – (the same job) | – | ≤ 0.65 |" in section
    assert "| setup | 15.4 MB | ≤ 16 MB |" in section
    assert "10,000 changes of state" in section
    assert "| after the year | – | 120 |" in section
    chart = ElementTree.fromstring(bench.draw_chart(READINGS))  # noqa: S314 our own
    # the ground and two bars
    assert len(chart.findall("{http://www.w3.org/2000/svg}rect")) == 3


def test_a_part_of_the_page_is_replaced_and_the_rest_stays() -> None:
    page = "before\n<!-- begin: x -->\n\nold\n\n<!-- end: x -->\nafter\n"
    assert fleet_report.replace_section(page, "x", "new\n") == page.replace("old", "new")


def test_the_page_has_every_row_of_the_script() -> None:
    page = fleet_report.PAGE.read_text(encoding="utf-8")
    _, section, _ = fleet_report.split_page(page, bench.MARK)
    for row in bench.ROWS:
        assert f"| {row.what} |" in section
    assert bench.CHART.is_file()


def test_the_last_result_of_an_attempt_is_read_from_the_log() -> None:
    log = (
        "2026-11-30T15:01:43.107Z INFO loop Authenticated state=connected\n"
        "2026-11-30T15:01:44.250Z INFO loop ConnectionLostOnRequest state=disconnected\n"
        "2026-11-30T15:01:45.000Z INFO loop MenuOpened state=disconnected\n"
    )
    assert last_change(log, 2e9) % 60 == pytest.approx(44.25)
    assert last_change(log, last_change(log, 2e9) - 0.1) % 60 == pytest.approx(43.107)


def test_memory_and_effort_of_a_process_are_read() -> None:
    # a Python has written some megabytes, and less than all
    assert 1e6 < read_written_memory(os.getpid()) < 2e9
    seconds, wakes = read_effort(os.getpid())
    assert seconds > 0
    assert str(os.getpid()) in wakes


def test_a_relay_counts_what_is_asked_and_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                while data := peer.recv(10):
                    peer.sendall(data)
                    peer.sendall(data)

        threading.Thread(target=answer, daemon=True).start()
        relay = Relay(listener.getsockname()[1], 0.001)
        with socket.create_connection(("127.0.0.1", relay.port), 10) as near, near.makefile("rb") as answers:
            for asked in range(3):
                near.sendall(b"?")
                # an answer in two pieces is one
                assert answers.read(2) == b"??"
                assert relay.round_trips == asked + 1
