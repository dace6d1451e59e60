"""The installed program on a stage: laid out as by the setup, and copied."""

from __future__ import annotations

from pathlib import Path

from rig.installed_program import copy_program, lay_out


def test_a_built_version_is_laid_out_and_its_copy_believes_the_policy_of_a_test(tmp_path: Path) -> None:
    version, launchers = tmp_path / "built" / "0.1.0", tmp_path / "launchers"
    package = version / "lib" / "iea_agent"
    for folder in (package, launchers):
        folder.mkdir(parents=True)
    (package / "cli.pyc").write_bytes(b"x")
    for name in ("iea-agent.exe", "iea-agentw.exe"):
        (launchers / name).write_bytes(b"x")

    program = lay_out(version, launchers, tmp_path / "laid out")
    copy = copy_program(tmp_path / "stage", str(program))

    assert copy is not None
    assert (copy / "iea-agentw.exe").is_file()
    assert (copy / "current").read_text() == "0.1.0\n"
    assert (copy / "0.1.0" / "lib" / "iea_agent" / "checkout.txt").is_file()
    assert not (program / "0.1.0" / "lib" / "iea_agent" / "checkout.txt").exists(), (
        "the installed one stays as it is"
    )
    (copy / "current").write_text("0.2.0\n")
    assert (program / "current").read_text() == "0.1.0\n"


def test_without_a_program_the_sources_are_started(tmp_path: Path) -> None:
    assert copy_program(tmp_path, "") is None
