"""Instruction tuning on what a method keeps of Alpaca: texts without classes.

DQ's §4.4 fine-tunes LLaMA-7B on 2 to 20 % of Alpaca's 52,002 rows and scores it on BBH, DROP, MMLU and HumanEval. Here
a small language model learns the kept rows from scratch at ``smoke`` and ``proxy``, a checkpoint of the user's own is
fine-tuned at ``paper``. The score at every profile is bits per byte of held-out answers, given their instructions.
"""

from __future__ import annotations

from dqbench.language.recipes import LLAMA_7B, SCRATCH, SCRATCH_SMOKE
from dqbench.specs import ObserverSpec, Profile, Stage, TaskSpec

BENCHMARKS = Stage(
    kind="benchmark",
    role="benchmarks",
    options={"limit": None},
    after_training=True,
    dataset="lm-benchmarks",
    archs=("checkpoint",),
    check="dqbench.language.benchmark_scores:check_harness",
    gpu_gib=40.0,
    seconds=10_000.0,
)
"""MMLU, BBH, DROP and HumanEval beside the score, asked by lm-eval: its prompts are not those of DQ's Table 5."""

TASK = TaskSpec(
    name="alpaca-instruct",
    version=1,
    dataset="alpaca",
    summary="bits per byte of held-out answers by a language model trained on what a method keeps of Alpaca",
    metric="bits-per-byte",
    unit="bits/byte",
    better="lower",
    paper="Dataset Quantization (ICCV 2023), section 4.4",
    licence="CC BY-NC 4.0",
    citation="R. Taori et al.: Stanford Alpaca: An Instruction-following LLaMA Model, 2023",
    smoke_leaves_out=(
        "600 rows and 100 held-out ones; 40 updates of 16 rows of a model of a million weights; 2 seeds. It shows that "
        "the road works, not which method wins."
    ),
    evaluator="dqbench.jobs.scorelm:run",
    profiles={
        "smoke": Profile(
            archs=("llama-mini",),
            keeps=(0.2,),
            recipes={"*": SCRATCH_SMOKE},
            observer=ObserverSpec("llama-mini", SCRATCH_SMOKE),
            seeds=2,
            train_per_class=600,
            test_per_class=100,
            time_limit_s=900.0,
            precision="auto",
        ),
        "proxy": Profile(
            archs=("llama-mini",),
            keeps=(0.02, 0.1, 0.2),
            recipes={"*": SCRATCH},
            observer=ObserverSpec("llama-mini", SCRATCH),
            seeds=5,
            time_limit_s=3600.0,
            precision="auto",
        ),
        "paper": Profile(
            archs=("checkpoint",),
            keeps=(0.02, 0.2),
            recipes={"*": LLAMA_7B},
            observer=ObserverSpec("checkpoint", LLAMA_7B),
            seeds=5,
            precision="auto",
            stages=(BENCHMARKS,),
        ),
    },
)
