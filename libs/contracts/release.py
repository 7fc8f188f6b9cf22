"""Write down the schema of every message as released: `python libs/contracts/release.py`.

Run it when a release is cut; from then on a test refuses any change that is not additive.
"""

import json
from pathlib import Path

from contracts import MESSAGES

RELEASED = Path(__file__).parent / "released"


def main() -> None:
    """Write one JSON schema for each message."""
    RELEASED.mkdir(exist_ok=True)
    for type_, message in MESSAGES.items():
        text = json.dumps(message.model_json_schema(), indent=2, sort_keys=True)
        (RELEASED / f"{type_}.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
