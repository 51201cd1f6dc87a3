#!/usr/bin/env bash
# Build the wheel, install it alone, and run a project of the user's with it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
uv build --quiet --wheel --out-dir "$work/dist"
uv venv --quiet "$work/venv"
uv pip install --quiet --python "$work/venv/bin/python" "$work"/dist/*.whl
cp -r tests/example "$work/project"
cd "$work/project"
"$work/venv/bin/pytest" --evalkit suites/ -q
"$work/venv/bin/evalkit" gate reports/latest
"$work/venv/bin/python" - <<'PY'
import importlib.resources as r
assert (r.files("evalkit") / "py.typed").is_file(), "the wheel lacks py.typed"
PY
echo 'include: [evalkit/guards/arithmetic]' >> suites/evalkit.yaml
"$work/venv/bin/evalkit" validate suites > validated.txt
grep '^arithmetic: guard' validated.txt || { echo "the wheel lacks the guard packs"; exit 1; }
"$work/venv/bin/python" -c 'import json
for n in range(40): print(json.dumps({"prompt": f"{n} and {n * 7}", "completion": str(n)}))' > train.jsonl
"$work/venv/bin/evalkit" init train.jsonl started --yes > started.txt
"$work/venv/bin/evalkit" validate started/suites >> started.txt
