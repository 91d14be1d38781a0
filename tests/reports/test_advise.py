"""What to take under limits: nothing that breaks one, nothing that another beats, and no order that is only luck."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.__main__ import main
from reports.characters import UNSEEN
from reports.commands.shared import PASSED, USAGE
from reports.errors import ReportError
from reports.records import document, runfile
from reports.records.amounts import duration_s, size_bytes
from reports.records.naming import values_in
from reports.records.runfile import RunFile
from reports.render import advice as words
from reports.render import advice_json, markdown, terminal
from reports.verdicts.advice import Advice, Answer, Limits, advise
from reports.verdicts.apart import ELSEWHERE, Standing, Timing, standing, timing
from reports.verdicts.wall import RULES
from tests.builders import FUSED, H200, PLAIN, cell_document, run_document, run_of
from tests.mutations import HOSTILE, mutated, nodes

HALF = "small-eager-fp16-resident-dynamic-batch1"
MANY = "small-sdpa-fp16-resident-dynamic-batch8"
OFFLOADED = "small-sdpa-fp16-cpu_offload-dynamic-batch1"
NAMES = [
    f"small-{attention}-{precision}-{placement}-{decoding}-batch{batch}"
    for attention in ("eager", "sdpa")
    for precision in ("fp32", "fp16")
    for placement in ("resident", "cpu_offload")
    for decoding in ("dynamic", "cuda_graph")
    for batch in (1, 8)
]


def cell(
    name: str,
    latency: float,
    memory: float,
    *,
    rounds: int = 20,
    spread: float = 1.01,
    accepted: str = "",
    environment: str = "env-a",
    proven: bool = True,
    **metrics: float,
) -> dict[str, Any]:
    """A cell whose rounds lie between `latency` seconds and `spread` times as much; `memory` in MB is peak reserved."""
    values = {"latency": latency, "peak_reserved": memory * 1e6, "peak_allocated": memory * 9e5} | metrics
    made = cell_document(name, values, environment=environment)
    made["stats"] = {"data": [latency * (1 + (spread - 1) * at / (rounds - 1)) for at in range(rounds)], "min": latency}
    made["extra_info"] |= {"proofs": {"device": "cuda:0"} if proven else {}, "accepted": accepted}
    return made


def advised(*cells: dict[str, Any], memory: int | None = None, latency: float | None = None, **options: Any) -> Advice:
    return advise(run_of(*cells, **options), "run.json", Limits(memory, latency))


def one_of(advice: Advice) -> Answer:
    (answer,) = advice.answers
    return answer


def text_of(advice: Advice, width: int = 140) -> str:
    return terminal.to_text(terminal.advice(advice), width=width, colour=False)


runs = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=len(NAMES)).map(
    lambda costs: [cell(name, *map(float, cost)) for name, cost in zip(NAMES, costs, strict=False)]
)


@given(runs, st.integers(1, 9) | st.none(), st.integers(1, 9) | st.none())
@settings(max_examples=60, deadline=None)
def test_no_cell_of_the_front_is_beaten_and_every_other_one_is_beaten_or_breaks_a_limit(
    cells: list[dict[str, Any]], memory: int | None, latency: int | None
) -> None:
    for answer in advised(*cells, memory=memory and memory * 10**6, latency=latency).answers:
        limits = Limits(memory and memory * 10**6, latency)
        within = [one for one in answer.cells if limits.hold(one)]
        assert all(
            (memory is None or one.memory_bytes <= memory * 10**6) and (latency is None or one.latency_s <= latency)
            for one in (*answer.front, *answer.tied, *([answer.best] if answer.best else []))
        )
        for one in within:
            beaten = any(
                other.costs != one.costs and all(a <= b for a, b in zip(other.costs, one.costs, strict=True))
                for other in within
            )
            assert (one in answer.front) is not beaten
        assert not [one for one in answer.front if one not in within]
        assert (answer.best is None) is (not within)
        assert (answer.closest is None) is bool(within)


@given(runs)
@settings(max_examples=60, deadline=None)
def test_the_best_cell_is_not_slower_than_any_and_of_those_as_fast_none_needs_much_less(
    cells: list[dict[str, Any]],
) -> None:
    for answer in advised(*cells).answers:
        assert answer.best
        for other in answer.cells:
            assert standing(answer.best.timing, other.timing) is not Standing.SLOWER
            if standing(other.timing, answer.best.timing) is Standing.TIED:
                assert other.memory_bytes >= answer.best.memory_bytes / 1.02


timings = st.builds(
    lambda latency, rounds, session, environment: timing(latency, rounds, 1, session, environment),
    st.floats(1, 3),
    st.lists(st.floats(1, 3), min_size=1, max_size=30),
    st.sampled_from("ab"),
    st.sampled_from("xy"),
)


@given(timings, timings)
def test_swapping_two_timings_turns_faster_into_slower(one: Timing, other: Timing) -> None:
    mirrored = {Standing.FASTER: Standing.SLOWER, Standing.SLOWER: Standing.FASTER, Standing.TIED: Standing.TIED}
    assert standing(other, one) is mirrored[standing(one, other)]
    assert standing(one, one) is Standing.TIED


def test_what_tells_two_latencies_apart_depends_on_where_and_how_often_they_were_measured() -> None:
    def rounds(first: float, number: int) -> list[float]:
        return [first * (1 + at / 10_000) for at in range(number)]

    def times(ratio: float, number: int = 20, session: str = "", environment: str = "") -> Standing:
        return standing(
            timing(1.0, rounds(1.0, number), 1, "", ""), timing(ratio, rounds(ratio, number), 1, session, environment)
        )

    near, far = RULES.threshold, RULES.certain
    assert (times(near - 0.01), times(near + 0.01)) == (Standing.TIED, Standing.FASTER)
    few = RULES.fewest_rounds - 1
    assert (times(far - 0.01, few), times(far + 0.01, few)) == (Standing.TIED, Standing.FASTER)
    assert (times(far - 0.01, session="b"), times(far + 0.01, session="b")) == (Standing.TIED, Standing.FASTER)
    assert times(ELSEWHERE - 0.01, environment="b") is Standing.TIED
    assert times(ELSEWHERE + 0.01, environment="b") is Standing.FASTER


@pytest.mark.parametrize(("rounds", "left_out"), [(10, 1), (20, 5), (40, 13), (10_000, 4901)])
def test_the_interval_of_the_median_leaves_out_as_many_rounds_as_the_sign_test_s_table_says(
    rounds: int, left_out: int
) -> None:
    found = timing(1.0, [float(at + 1) for at in range(rounds)], 1, "", "")
    assert (found.low_s, found.high_s) == (left_out + 1, rounds - left_out)


def test_of_cells_as_fast_the_one_of_least_memory_is_taken_and_all_are_told() -> None:
    answer = one_of(advised(cell(PLAIN, 1.0, 900), cell(FUSED, 1.05, 500), cell(OFFLOADED, 2.0, 300)))
    assert answer.best
    assert (answer.best.cell, [one.cell for one in answer.tied]) == (FUSED, [PLAIN])
    assert [row[0] for row in words.table(answer).rows] == [
        "no optimization",
        "sdpa + fp16",
        "cpu_offload + sdpa + fp16",
    ]
    assert [row[-1] for row in words.table(answer).rows] == ["tied", "best", "+90 %"]


def test_of_cells_as_fast_and_as_small_the_one_of_least_drift_is_taken() -> None:
    drifted = cell(FUSED, 1.0, 500, logit_error_mean=0.1, top1_agreement=0.72)
    answer = one_of(advised(drifted, cell(HALF, 1.02, 505, logit_error_mean=0.004, top1_agreement=0.98)))
    assert answer.best
    assert answer.best.cell == HALF


def test_a_cell_as_fast_with_less_drift_is_shown_with_both_drifts_even_if_it_is_not_on_the_front() -> None:
    plain = cell(PLAIN, 1.01, 900, logit_error_mean=0.0, top1_agreement=1.0)
    answer = one_of(advised(cell(FUSED, 1.0, 500, logit_error_mean=0.1, top1_agreement=0.724), plain))
    assert [one.cell for one in answer.front] == [FUSED]
    assert [(row[0], *row[4:]) for row in words.table(answer).rows] == [
        ("sdpa + fp16", "72.4 %", "0.1", "best"),
        ("no optimization", "100.0 %", "0", "tied"),
    ]


def test_cells_of_another_environment_are_unclear_and_never_preferred_for_memory() -> None:
    document = run_document([
        cell(PLAIN, 1.0, 900), cell(FUSED, 1.9, 500, environment="env-b"), cell(HALF, 2.1, 700, environment="env-b"),
    ])  # fmt: skip
    document["suite"]["environments"] = {"env-b": {**document["machine_info"], "environment": "env-b"}}
    advice = advise(runfile.parse(document, "x"), "x", Limits())
    answer = one_of(advice)
    assert answer.best
    assert (answer.best.cell, [one.cell for one in answer.tied]) == (PLAIN, [FUSED])
    assert words.table(answer).rows[1][-1] == "unclear"
    assert "unclear: measured in another environment, where only a factor of 2 tells" in text_of(advice)


def test_cells_of_other_hardware_other_work_or_without_proof_cannot_be_chosen_and_are_counted() -> None:
    other_work = cell(HALF, 0.1, 1)
    other_work["extra_info"]["workload"]["digest"] = "less"
    document = run_document(
        [cell(PLAIN, 1.0, 900), cell(OFFLOADED, 1.0, 901), other_work, cell(FUSED, 0.1, 1, proven=False),
         cell(FUSED.replace("fp16", "bf16"), 0.1, 1, environment="env-b")],
        outcomes={FUSED.replace("sdpa", "flash_attention_2"): ("skipped", "needs flash-attn")},
    )  # fmt: skip
    elsewhere = {**document["machine_info"], "environment": "env-b", "gpu": H200 | {"model": "NVIDIA T4"}}
    document["suite"]["environments"] = {"env-b": elsewhere}
    advice = advise(runfile.parse(document, "x"), "x", Limits())
    assert [one.cell for one in one_of(advice).cells] == [PLAIN, OFFLOADED]
    assert sorted(advice.left_out.items()) == [
        (("measured", "on other hardware than the run's"), 1),
        (("measured", "with other work than most of its checkpoint and batch"), 1),
        (("measured", "without a proof that its optimizations were on"), 1),
        (("skipped", "needs flash-attn"), 1),
    ]
    assert "not known: 4 cells, which might be better: 1 measured (on other hardware" in text_of(advice)


def test_the_limit_holds_for_peak_reserved_and_a_cell_whose_tensors_fit_is_told() -> None:
    advice = advised(cell(PLAIN, 1.0, 1000), cell(FUSED, 2.0, 800), memory=950_000_000)
    assert one_of(advice).best is one_of(advice).cells[1]
    text = text_of(advice)
    assert "limits hold for peak reserved, what PyTorch took of the card" in text
    assert "might fit, since what was allocated would: no optimization" in text


def test_without_peak_reserved_the_limit_holds_for_peak_allocated_and_the_text_says_so() -> None:
    made = cell(PLAIN, 1.0, 1000)
    del made["extra_info"]["metrics"]["peak_reserved"]
    advice = advised(made, memory=900_000_000, gpu=None)
    assert advice.found
    assert words.table(one_of(advice)).header == ("cell", "latency", "allocated", "top-1", "logits", "vs best")
    assert "limits hold for peak allocated, what tensors held" in text_of(advice)
    assert "on the CPU" in text_of(advice)


def test_what_cuda_took_beside_pytorch_and_how_much_audio_is_made_stand_below() -> None:
    made = cell(PLAIN, 2.0, 1000, process_gpu_memory=1.75e9, real_time_factor=0.5)
    text = text_of(advised(made))
    assert "CUDA itself took up to 750.0 MB more" in text
    assert "on NVIDIA H200, a call of generate, which makes 4.000 s of audio a sample" in text


def test_batches_are_answered_apart_and_together_by_throughput() -> None:
    single, many, both = advised(cell(FUSED, 1.0, 500), cell(MANY, 2.0, 900), cell(PLAIN, 0.5, 950)).answers
    assert [one.best.cell for one in (single, many, both) if one.best] == [PLAIN, MANY, MANY]
    assert both.batches == (1, 8)
    assert words.table(both).rows == (
        ("sdpa + fp16", "8", "4", "900.0 MB", "-", "-", "best"),
        ("sdpa + fp16", "1", "1", "500.0 MB", "-", "-", "-75 %"),
    )
    assert words.verdict(both, Limits())[1].endswith("decoding=dynamic batch=8")


def test_batches_are_not_answered_together_where_only_one_of_them_fits() -> None:
    answers = advised(cell(FUSED, 1.0, 500), cell(MANY, 2.0, 900), latency=1.5).answers
    assert [(one.batches, bool(one.best)) for one in answers] == [((1,), True), ((8,), False)]


def test_where_nothing_fits_the_closest_cell_is_named_with_what_it_misses_by() -> None:
    advice = advised(cell(PLAIN, 1.0, 1000), cell(FUSED, 1.5, 550), memory=500_000_000, latency=1.2)
    (line,) = words.verdict(one_of(advice), advice.limits)
    assert line == (
        "nothing fits; closest is sdpa + fp16: 1.500 s, 550.0 MB reserved, "
        "50.0 MB (10 %) too much and 0.300 s (25 %) too long"
    )
    assert text_of(advice).startswith("Nothing fits 500.0 MB and 1.200 s\n")
    assert "measure again" not in text_of(advice)


def test_a_cell_whose_slower_rounds_break_the_limit_is_told() -> None:
    advice = advised(cell(PLAIN, 1.0, 500, spread=1.3), latency=1.2)
    assert "some rounds above 1.200 s: no optimization" in text_of(advice)


def test_a_time_that_no_clock_gives_is_not_advised() -> None:
    made = cell(FUSED, 1.0, 1)
    made["stats"]["data"][0] = 0.0
    assert [one.cell for one in one_of(advised(made, cell(PLAIN, 1.0, 500))).cells] == [PLAIN]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2GB", 2 * 10**9),
        ("800 MB", 8 * 10**8),
        (" 1.5 GiB ", 3 * 2**29),
        ("4096", 4096),
        ("1kib", 1024),
        ("2tb", 2 * 10**12),
    ],
)
def test_sizes_are_decimal_unless_they_say_binary(text: str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1s", 1.0), ("800ms", 0.8), ("1.5 S", 1.5), ("250us", 2.5e-4), ("2min", 120.0)]
)
def test_times_have_a_unit(text: str, expected: float) -> None:
    assert duration_s(text) == pytest.approx(expected)


@given(st.text(max_size=12) | st.from_regex(r"-?[0-9.e]+ ?[kKMGTims]*[bB]?", fullmatch=True))
def test_a_text_is_an_amount_above_0_or_refused_in_one_line(text: str) -> None:
    for parsed in (size_bytes, duration_s):
        try:
            assert parsed(text) > 0
        except ReportError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("name", [PLAIN, "a-b", ""])
def test_a_cell_s_name_holds_its_axes_or_nothing_is_known_of_it(name: str) -> None:
    expected = ("small", "eager", "fp32", "resident", "dynamic", "1") if name == PLAIN else ()
    assert values_in(name) == expected


def every_form(run: RunFile) -> None:
    """All forms of the advice under several limits; what a reader could be harmed by is not in there."""
    for limits in (Limits(), Limits(5, 1e-9), Limits(10**9, 1.0)):
        try:
            advice = advise(run, "run.json", limits)
        except ReportError as error:
            assert "\n" not in str(error)
            continue
        # A command is indented: a block of code, in which nothing is markup.
        assert not [line for line in markdown.advice(advice).split("\n") if "<script" in line and line[:4] != " " * 4]
        json.dumps(advice_json.as_json(advice), allow_nan=False)
        for width in (40, 80, 140):
            text = text_of(advice, width)
            assert not [one for one in text if unicodedata.category(one) in UNSEEN and one != "\n"]


VALID = run_document(
    [cell(PLAIN, 1.0, 900), cell(FUSED, 1.5, 500, logit_error_mean=0.1, top1_agreement=0.9), cell(MANY, 2.0, 800)],
    outcomes={OFFLOADED: ("failed", "no memory")},
)


@given(mutated(VALID))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_damaged_run_file_is_refused_in_one_line_or_advised_on_without_harm(damaged: Any) -> None:
    try:
        run = runfile.parse(document.decode(json.dumps(damaged).encode(), "x"), "x")
    except ReportError as error:
        assert "\n" not in str(error)
        return
    every_form(run)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_do_no_harm_in_any_form(text: str) -> None:
    hostile = json.loads(json.dumps(VALID))
    for holder, key in nodes(hostile):
        if isinstance(holder[key], str) and key not in ("unit", "outcome", "environment"):
            holder[key] = f"{text}{holder[key]}"
    run = runfile.parse(hostile, "x")
    every_form(run)
    lines = [
        *text_of(advise(run, "x", Limits()), 1000).split("\n"),
        *markdown.advice(advise(run, "x", Limits())).split("\n"),
    ]
    assert not [line for line in lines if line.lstrip().startswith("# heading")]


@pytest.fixture
def saved(tmp_path: Path) -> str:
    path = tmp_path / "run.json"
    runfile.write(path, run_of(cell(PLAIN, 1.0, 1000), cell(FUSED, 1.5, 550), cell(MANY, 2.0, 800)))
    return str(path)


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_the_command_names_the_cell_its_axes_and_what_measures_it_again(
    saved: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--max-memory", "0.6GB", "--max-latency", "1600ms", "--batch", "1", "--checkpoint", "small"]
    assert main(["advise", saved, *options, "--format", form]) == PASSED
    printed = capsys.readouterr().out.replace("\\_", "_")
    assert "Best within 600.0 MB and 1.600 s" in printed
    assert "take sdpa + fp16: 1.500 s, 550.0 MB reserved" in printed
    assert "set attention=sdpa precision=fp16 placement=resident decoding=dynamic" in printed
    assert printed.rstrip().endswith(f"pytest benchmarks/ --level=pr --checkpoint-source=synthetic -k {FUSED}")
    assert "batch 8" not in printed


def test_the_command_as_json_can_be_read_by_programs(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", saved, "--max-memory", "700MB", "--batch", "1", "--format", "json"]) == PASSED
    found = json.loads(capsys.readouterr().out)
    assert (found["found"], found["max_memory_bytes"], found["max_latency_s"]) == (True, 700_000_000, None)
    (answer,) = found["answers"]
    assert (answer["best"], answer["batches"]) == (FUSED, [1])
    plain = next(one for one in answer["cells"] if one["cell"] == PLAIN)
    assert (plain["fits"], plain["on_front"], plain["memory_is"]) == (False, False, "peak_reserved")
    assert plain["memory_excess"] == pytest.approx(1000 / 700 - 1)


def test_the_command_fails_where_nothing_fits_and_names_the_closest(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["advise", saved, "--max-memory", "500MB"]) == 1
    assert "closest is sdpa + fp16: 1.500 s, 550.0 MB reserved, 50.0 MB (10 %) too much" in capsys.readouterr().out


def test_a_command_to_copy_is_on_one_line_in_a_narrow_terminal(
    saved: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["advise", saved]) == PASSED
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"-k '{PLAIN} or {MANY}'")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--max-memory", "2 parsecs"], "'2 parsecs' is no size: give a number with kB, MB"),
        (["--max-memory", "0"], "'0' is no limit that a cell could keep"),
        (["--max-latency", "1"], "'1' is no time: give a number with us, ms, s or min, such as 1s"),
        (["--max-latency", "-1s"], "'-1s' is no time"),
        (["--batch", "4"], "measured no cell of batch 4; choose from 1, 8"),
        (["--checkpoint", "huge"], "measured no cell of checkpoint huge; choose from small"),
    ],
)
def test_what_cannot_be_answered_is_one_line_on_standard_error(
    saved: str, options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    joined = [f"{options[0]}={options[1]}"]
    assert main(["advise", saved, *joined]) == USAGE
    printed = capsys.readouterr()
    assert says in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (run_document([cell(PLAIN, 1.0, 1)], drill="latency=+20%"), "is a drill: latency=+20% was planted"),
        (run_document([PLAIN]), "no cell to choose from (1 measured without a proof that its optimizations were on)"),
        (run_document([], outcomes={PLAIN: ("failed", "no memory")}), "no cell to choose from (1 failed no memory)"),
    ],
)
def test_a_run_without_a_cell_to_choose_is_refused(
    run: dict[str, Any], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runfile.write_document(tmp_path / "run.json", run)
    assert main(["advise", str(tmp_path / "run.json"), "--max-memory", "2GB"]) == USAGE
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(Path("reports/baselines").rglob("0001_baseline.json")), ids=str)
def test_the_committed_baselines_are_advised_on_within_the_width(path: Path) -> None:
    advice = advise(runfile.read(path), str(path), Limits())
    assert all(one.best for one in advice.answers)
    assert all(len(line) <= 80 for line in text_of(advice, 80).splitlines() if "pytest benchmarks/" not in line)
