"""Turn a PEFT adapter of train.py into a GGUF adapter that llama.cpp loads over the base weights.

    python scripts/finetune/to_gguf.py runs/tuned/step-159 suites/triage/adapters/tuned.gguf

Tensors keep their values; only the rows of the q and k projections change their order.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file
from train import FROZEN_LAYERS

NAMES = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
# Heads of the projections whose rows llama.cpp keeps in another order than transformers.
HEADS = {"q_proj": 9, "k_proj": 3}
KEY = re.compile(r"layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)\.lora_([AB])\.weight$")


def permuted(matrix: np.ndarray, heads: int) -> np.ndarray:
    """Reorder the output rows of every head from transformers' rotary layout to llama.cpp's."""
    rows, rank = matrix.shape
    halves = matrix.reshape(heads, 2, rows // heads // 2, rank)
    return halves.swapaxes(1, 2).reshape(rows, rank)


def converted(key: str, matrix: np.ndarray) -> tuple[str, np.ndarray]:
    """The GGUF name and content of one PEFT tensor."""
    match = KEY.search(key)
    if match is None:
        raise SystemExit(f"not a LoRA tensor of a linear layer: {key}")
    layer, module, side = int(match[1]) + FROZEN_LAYERS, match[2], match[3]
    if side == "B" and module in HEADS:
        matrix = permuted(matrix, HEADS[module])
    name = f"blk.{layer}.{NAMES[module]}.weight.lora_{side.lower()}"
    return name, np.ascontiguousarray(matrix, dtype=np.float16)


def convert(source: Path, target: Path) -> None:
    """Write the adapter in the folder `source` to the file `target`, as F16."""
    config = json.loads((source / "adapter_config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(config["lora_alpha"]))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    for key, matrix in sorted(load_file(source / "adapter_model.safetensors").items()):
        writer.add_tensor(*converted(key, matrix))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """Convert one adapter."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("source", type=Path, help="folder of the PEFT checkpoint")
    parser.add_argument("target", type=Path, help="GGUF file to write")
    options = parser.parse_args()
    convert(options.source, options.target)


if __name__ == "__main__":
    main()
