"""Write down the schema and the sample of every message as released: `python libs/contracts/release.py`.

Run it when a release is cut; from then on tests refuse any change that is not additive, and let both
releases read what the other one says.
"""

import json
from pathlib import Path

from contracts import MESSAGES

HERE = Path(__file__).parent
RELEASED, SAID = HERE / "released", HERE / "released-samples"


def main() -> None:
    """Write one JSON schema and one sample for each message."""
    RELEASED.mkdir(exist_ok=True)
    SAID.mkdir(exist_ok=True)
    for type_, message in MESSAGES.items():
        text = json.dumps(message.model_json_schema(), indent=2, sort_keys=True)
        (RELEASED / f"{type_}.json").write_text(f"{text}\n")
        (SAID / f"{type_}.json").write_text((HERE / "samples" / f"{type_}.json").read_text())


if __name__ == "__main__":
    main()
