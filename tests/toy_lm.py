"""A second model: a causal language model of a few thousand parameters, with axes of its own.

`-p tests.toy_lm` has it measured like the models in `fixtures/models`. What it could not do without an `if` in the
engine would be a hole in the boundary (`fixtures/model.py`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fixtures.cells import Around, Axis, AxisValue, Cell
from fixtures.errors import ProofError
from fixtures.machine.gpus import release
from fixtures.meters.hooks import wrapped
from fixtures.model import Checkpoint, Decide, LevelWork, Method, Stage, StageWork, Weights, Work
from fixtures.models import add

PROMPT, SHORT, GREEDY = 8, 4, 6
"""Tokens of the prompt, of a counted generation, and of one that shows its decisions."""


def load_in(dtype: str) -> dict[str, Any]:
    import torch
    import transformers

    keyword = "dtype" if release(transformers.__version__) >= (4, 56) else "torch_dtype"
    return {keyword: getattr(torch, dtype)}


def proof_of_dtype(loaded: LoadedToy, dtype: str) -> str:
    seen = str(loaded.model.dtype).removeprefix("torch.")
    if seen != dtype:
        raise ProofError(f"parameters are {seen}, not {dtype}")
    return f"parameters are {dtype}"


def proof_of_cache(loaded: LoadedToy, cached: bool) -> str:
    if loaded.arguments["use_cache"] is not cached:
        raise ProofError(f"generate is called with use_cache={loaded.arguments['use_cache']}")
    return f"use_cache={cached}"


AXES = (
    Axis("size", (AxisValue("mini", "mini"),), optimizes=False, checkpoint=True),
    Axis(
        "format",
        tuple(
            AxisValue(
                name,
                name,
                load_arguments=partial(load_in, dtype),
                proof=partial(proof_of_dtype, dtype=dtype),
                equivalent=name == "whole",
                compute=compute,
                weight_bytes=size,
            )
            for name, dtype, compute, size in (("whole", "float32", "fp32", 4), ("halved", "bfloat16", "bf16", 2))
        ),
    ),
    Axis(
        "history",
        tuple(
            AxisValue(
                name,
                name,
                generate_arguments=partial(dict, use_cache=cached),
                proof=partial(proof_of_cache, cached=cached),
            )
            for name, cached in (("recomputed", False), ("kept", True))
        ),
    ),
)


@dataclass(frozen=True)
class ToyWorkload:
    checkpoint: str
    source: str
    tokens: int
    batch: int = 2

    @property
    def work(self) -> Work:
        return Work({"generate": StageWork(self.tokens, steps=self.tokens)})

    @property
    def short_work(self) -> Work:
        return Work({"generate": StageWork(SHORT, steps=SHORT)})

    def record(self) -> dict[str, Any]:
        content = {"checkpoint": self.checkpoint, "source": self.source, "tokens": self.tokens, "batch": self.batch}
        return content | {"digest": hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}


@dataclass
class LoadedToy:
    model: Any
    device: str
    workload: ToyWorkload
    inputs: Any
    arguments: dict[str, Any]
    around: list[Around] = field(default_factory=list)

    def generate(self, short: bool = False) -> Any:
        return self._generate(SHORT if short else self.workload.tokens, do_sample=True)

    def _generate(self, tokens: int, do_sample: bool) -> Any:
        import torch

        torch.manual_seed(0)
        with torch.inference_mode(), ExitStack() as stack:
            for context in self.around:
                stack.enter_context(context())
            budget = {"min_new_tokens": tokens, "max_new_tokens": tokens, "do_sample": do_sample}
            return self.model.generate(self.inputs, pad_token_id=0, **budget, **self.arguments)

    @property
    def entry(self) -> Method:
        return (self.model, "generate")

    def stages(self) -> Sequence[Stage]:
        def on_step(act: Callable[[], None]) -> Callable[[], None]:
            remove: Callable[[], None] = self.model.register_forward_pre_hook(lambda module, inputs: act()).remove
            return remove

        return [Stage("generate", (self.entry,), self.model.transformer.h[-1].mlp, on_step)]

    def check(self, output: Any, shapes: Mapping[str, Sequence[tuple[int, ...]]]) -> Work:
        new = shapes["generate"][-1][1] - PROMPT
        if new != self.workload.tokens or output.shape[0] != self.workload.batch:
            raise ProofError(f"{tuple(output.shape)} is not {self.workload}")
        return self.workload.work

    def inputs_digest(self) -> str:
        return hashlib.sha256(self.inputs.cpu().numpy().tobytes()).hexdigest()[:16]

    def weights_bytes(self) -> int:
        return sum(weight.nbytes for weight in self.model.parameters())

    def generate_greedily(self) -> Any:
        return self._generate(GREEDY, do_sample=False)

    @contextmanager
    def decisions(self, decide: Decide) -> Iterator[None]:
        import torch
        from transformers import LogitsProcessor

        class Listener(LogitsProcessor):  # type: ignore[misc]
            def __call__(self, input_ids: Any, scores: Any) -> Any:
                chosen = decide("generate", scores)
                return torch.full_like(scores, -math.inf).scatter_(-1, chosen[..., None], 0.0)

        with wrapped((self.model, "_get_logits_processor"), partial(_processors, Listener)):
            yield

    def output_drift(self, reference: Any, output: Any) -> tuple[str, dict[str, float]]:
        return "generate", {}


def _processors(listener: Any, original: Any) -> Any:
    def listed(*args: Any, **kwargs: Any) -> Any:
        processors = original(*args, **kwargs)
        processors.append(listener())
        return processors

    return listed


class ToyWeights:
    repository = ""

    def specification(self) -> dict[str, Any]:
        import torch
        from transformers import GPT2Config, GPT2LMHeadModel

        config = GPT2Config(vocab_size=64, n_positions=64, n_embd=32, n_layer=2, n_head=2, tie_word_embeddings=False)
        with torch.device("meta"):
            state = GPT2LMHeadModel(config).state_dict()
        tensors = {name: (tuple(value.shape), str(value.dtype).removeprefix("torch.")) for name, value in state.items()}
        return {"config": config.to_dict(), "generation_config": {}, "tensors": tensors}

    def write_processor(self, folder: Path) -> None:
        """Prompts are tokens already."""

    def tensor(self, name: str, shape: tuple[int, ...], dtype: str) -> Any:
        import torch

        if name.endswith("bias"):
            return torch.zeros(shape)
        if ".ln_" in name:
            return torch.ones(shape)
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).mul_(0.1)


class Toy:
    name = "toy"
    axes: tuple[Axis, ...] = AXES
    levels: Mapping[str, LevelWork] = {"smoke": LevelWork(("mini",), 12)}
    most_tokens = 48
    checkpoints: Mapping[str, Weights] = {"mini": ToyWeights()}

    def workload(self, cell: Cell, source: str, tokens: int) -> ToyWorkload:
        return ToyWorkload(cell.checkpoint, source, tokens)

    def load(self, cell: Cell, checkpoint: Checkpoint, workload: Any, device: str) -> Any:
        import torch
        from transformers import GPT2LMHeadModel

        model = GPT2LMHeadModel.from_pretrained(checkpoint.location, **cell.load_arguments()).eval().to(device)
        inputs = torch.arange(workload.batch * PROMPT, device=device).reshape(workload.batch, PROMPT) % 64
        return LoadedToy(model, device, workload, inputs, cell.generate_arguments())

    def descriptor(self) -> dict[str, Any]:
        return {"stages": ["generate"], "steps": {"generate": "a token"}}


MODEL = Toy()


def pytest_addoption() -> None:
    """As a plugin: before the options name the models."""
    add(MODEL)
