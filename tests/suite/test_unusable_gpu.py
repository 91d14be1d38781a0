"""A host whose driver fails, or whose torch cannot use its GPU: one line, before anything is measured."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.suite.conftest import SMALLEST, Suite

FAILING = ("tests.failing_nvml",)
ON_ANY = "--device=auto"


SAID = {
    "driver not loaded": "NVIDIA's driver does not answer (NVML: Driver Not Loaded): see whether nvidia-smi works, ",
    "lost": "GPU 0 cannot be used (NVML: GPU is lost): see whether nvidia-smi works, ",
}


@pytest.mark.parametrize(
    ("way", "options"),
    [
        ("driver not loaded", ["--collect-only"]),
        ("lost", ["--device=cuda"]),
        ("driver not loaded", ["-n", "1"]),
    ],
)
def test_a_gpu_that_cannot_be_chosen_ends_a_run_in_one_line(way: str, options: list[str], suite: Suite) -> None:
    ended = suite(ON_ANY, *options, environment={"FAKE_NVML": way}, plugins=FAILING)
    assert ended.code == 4, ended.output
    (line,) = [line for line in ended.output.splitlines() if SAID[way] in line]
    assert line.endswith("choose another GPU with CUDA_VISIBLE_DEVICES, or give --device=cpu")
    assert "INTERNALERROR" not in ended.output
    assert "Traceback" not in ended.output


def test_a_gpu_that_cannot_be_chosen_is_in_nobodys_way(suite: Suite) -> None:
    environment = {"FAKE_NVML": "lost"}
    listed = suite("--device=cpu", "--collect-only", "-k", SMALLEST, environment=environment, plugins=FAILING)
    tests = suite(
        ON_ANY, "-k", "cpu", target="tests/fixtures/test_context.py", environment=environment, plugins=FAILING
    )
    assert (listed.code, tests.code, tests.passed) == (0, 0, 1), listed.output + tests.output


def test_what_a_driver_does_not_tell_of_a_gpu_is_left_out(suite: Suite) -> None:
    ended = suite(ON_ANY, "--collect-only", environment={"FAKE_NVML": "nothing but a card"}, plugins=FAILING)
    assert ended.code == 0, ended.output
    assert "unnamed NVIDIA GPU" in ended.output


@pytest.mark.skipif(torch.version.cuda is not None, reason="this torch is built for CUDA")
@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["alone", "worker"])
def test_a_gpu_that_torch_was_not_built_for_ends_the_run_before_the_first_cell(
    options: list[str], suite: Suite, tmp_path: Path
) -> None:
    environment = {"FAKE_NVML": "works", "BARK_BENCHMARKS_LOCKS": str(tmp_path)}
    ended = suite(ON_ANY, "--level=smoke", "-k", SMALLEST, *options, environment=environment, plugins=FAILING)
    assert ended.code == 4, ended.output
    assert ended.output.count("this host has a GPU, NVIDIA H200, and torch") == 1
    assert "it was built without CUDA: install one" in ended.output
    assert "Traceback" not in ended.output
    assert not (tmp_path / "latest").exists()


@pytest.mark.parametrize(("workers", "code"), [([], 4), (["-n", "2"], 1)], ids=["alone", "workers"])
def test_a_gpu_that_torch_cannot_compute_on_ends_the_run_or_fails_its_workers_cells(
    workers: list[str], code: int, suite: Suite
) -> None:
    refused = {"FAKE_REFUSED": "no kernel image"}
    ended = suite("-k", "sdpa and dynamic and fp32 and resident", *workers, environment=refused)
    assert ended.code == code, ended.output
    assert "no kernel image" in ended.output
    assert "INTERNALERROR" not in ended.output
    assert "Traceback" not in ended.output
    assert "AssertionError" not in ended.output
    if workers:
        failed = [cell.reason for cell in ended.run.suite.cells if cell.outcome == "failed"]
        assert failed == ["Failed: no kernel image"] * 2
