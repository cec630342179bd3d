"""The page of a roll: one file, which needs nothing else."""

import json
import pathlib

PLACE = "@RUN@"


def make(data: dict) -> str:
    template = (pathlib.Path(__file__).parent / "page.html").read_text()
    # No "<" that could end the script element that it stands in.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return template.replace(PLACE, text)
