"""Reads the JSON stream of `streamnotice watch --json`, as a program in any language could.

Usage: streamnotice watch URL --player none --json | face_json.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable


def told(lines: Iterable[str]) -> Iterable[str]:
    """What is worth saying; types that are not known are left out, as the contract asks."""
    for line in lines:
        seen = json.loads(line)
        kind = seen["type"]
        if kind == "notice":
            where = seen["bottleneck"]
            yield f"{seen['at']:7.1f}  {seen['state']:<9} {where} ({seen['confidence']:.0%})"
        elif kind == "dismissed":
            yield f"{seen['at']:7.1f}  understood on {seen['face'] or 'the host'}"
        elif kind == "summary":
            yield f"{seen['at']:7.1f}  {seen['stalls']} stalls, {seen['notices']} notices"


if __name__ == "__main__":
    if sys.stdin.isatty():
        sys.exit(__doc__)
    for text in told(sys.stdin):
        print(text, flush=True)
