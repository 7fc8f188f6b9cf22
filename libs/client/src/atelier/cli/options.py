"""The words of the command line."""

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

from atelier.client import KEY, LOCAL, URL

STATUSES = """\
exit status: 0 done; 1 a job or an export failed, or was refused; 2 wrong usage or request; 3 declined for
credits; 4 not reachable, or unavailable; 5 not authenticated or permitted; 6 still going on; 130 interrupted
"""
EITHER = "an image, or a job for all of its images"
WITHIN = 600.0

# What argparse adds parsers to; its class has no public name.
Verbs = Any


def size(text: str) -> tuple[int, int]:
    """Read a size: `1024x768`."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write WIDTHxHEIGHT, like 1024x768")
    return int(width), int(height)


def parser() -> argparse.ArgumentParser:
    """Describe everything that can be typed."""
    made = argparse.ArgumentParser(
        prog="atelier", description="Images from Atelier's API.", epilog=STATUSES, allow_abbrev=False
    )
    made.add_argument("--version", action="version", version=f"atelier {version('atelier-client')}")
    _anywhere(made, url=None, api_key=None, json=False, timeout=WITHIN)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _generate(_verb(commands, "generate", "make images of a prompt"))
    _models(_verbs(commands, "models", "list, show, create and refine models"))
    references = _verb(commands, "references", "list the curated models")
    references.add_argument("--search", metavar="TEXT", help="only what has these words")
    references.add_argument("--category", help="only this category")
    _most(references)
    _jobs(_verbs(commands, "jobs", "list, show and cancel jobs"))
    _images(_verbs(commands, "images", "list, download and export images"))
    _verb(commands, "credits", "show what can be spent")
    quote = _verb(commands, "quote", "get a price that binds")
    operations = ["generate_images", "create_model", "refine_model"]
    quote.add_argument("--operation", choices=operations, default=operations[0], help="what is to be done")
    _picture(quote)
    events = _verb(commands, "events", "show what happens, or with --after what happened")
    after = "what came after this event (0: all that is kept) instead of what happens from now on"
    events.add_argument("--after", type=int, metavar="SEQ", help=after)
    events.add_argument("--follow", action="store_true", help="with --after: go on with what happens")
    events.add_argument("--type", action="append", default=[], help="only this type; repeat it for several")
    return made


def _verb(verbs: Verbs, name: str, about: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = verbs.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}.", allow_abbrev=False
    )
    # Not said again here, they stay as they were said before the command.
    unsaid = argparse.SUPPRESS
    _anywhere(made, url=unsaid, api_key=unsaid, json=unsaid, timeout=unsaid)
    return made


def _verbs(commands: Verbs, name: str, about: str) -> Verbs:
    made = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    return made.add_subparsers(dest="verb", required=True, metavar="VERB")


def _anywhere(made: argparse.ArgumentParser, *, url: object, api_key: object, **usual: object) -> None:
    """Add what may be said before a command and after it."""
    group = made.add_argument_group("before the command or after it")
    group.add_argument("--url", default=url, help=f"where Atelier is (${URL}, or {LOCAL})")
    group.add_argument(
        "--api-key", default=api_key, metavar="KEY", help=f"rather in ${KEY}, where nobody lists it"
    )
    group.add_argument("--json", action="store_true", default=usual["json"], help="answer in JSON")
    group.add_argument(
        "--timeout",
        type=float,
        default=usual["timeout"],
        metavar="SECONDS",
        help=f"how long to wait at most ({WITHIN:.0f})",
    )


def _generate(made: argparse.ArgumentParser) -> None:
    made.add_argument("prompt", help="what is to be seen")
    source = made.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", metavar="NAME_OR_ID", help="a model of the team")
    source.add_argument(
        "--reference", metavar="SLUG", help="a curated model; `atelier references` lists them"
    )
    made.add_argument("--model-version", type=int, metavar="N", help="not the active version of the model")
    _picture(made)
    made.add_argument("--format", choices=["jpeg", "png"], default="jpeg", help="jpeg unless said otherwise")
    made.add_argument("--seed", metavar="NUMBER", help="the same seed draws the same images again")
    made.add_argument("--negative-prompt", default="", metavar="TEXT", help="what is not to be seen")
    made.add_argument("--image", type=Path, metavar="FILE", help="an image to begin from")
    made.add_argument("--quote", metavar="ID", help="the offer that is taken up")
    _max_credits(made)
    made.add_argument("--wait", action="store_true", help="until the images are there")
    made.add_argument("--out", type=Path, metavar="DIR", help="save them there (waits)")


def _models(verbs: Verbs) -> None:
    listed = _verb(verbs, "list", "list the team's models, newest first")
    listed.add_argument("--search", metavar="TEXT", help="only what has these words")
    _most(listed)
    _model(_verb(verbs, "show", "show one model"))
    create = _verb(verbs, "create", "make a model from a curated one, or from 4 to 40 images")
    create.add_argument("name", help="how it is called from now on")
    create.add_argument("--reference", metavar="SLUG", help="the curated model it begins from")
    create.add_argument("--description", default="", metavar="TEXT", help="who or what it is to show")
    refine = _verb(verbs, "refine", "train the next version of a model")
    _model(refine)
    refine.add_argument("--instructions", default="", metavar="TEXT", help="what is to change")
    for training in (create, refine):
        training.add_argument(
            "--image", action="append", default=[], type=Path, metavar="FILE", help="repeat it for several"
        )
        _max_credits(training)
        training.add_argument("--wait", action="store_true", help="until it is trained")


def _jobs(verbs: Verbs) -> None:
    listed = _verb(verbs, "list", "list the team's jobs, newest first")
    listed.add_argument("--status", help="only these: queued, processing, completed, failed, cancelled")
    _most(listed)
    for name, about in (("show", "show one job"), ("cancel", "cancel a job; what was delivered is charged")):
        _verb(verbs, name, about).add_argument("job", metavar="ID", help="the job")


def _images(verbs: Verbs) -> None:
    listed = _verb(verbs, "list", "list the team's images, newest first")
    listed.add_argument("--job", metavar="ID", help="only those of this job")
    _most(listed)
    download = _verb(verbs, "download", "save images")
    download.add_argument("image", nargs="+", metavar="ID", help=EITHER)
    download.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where; here otherwise")
    export = _verb(verbs, "export", "save images as a zip")
    export.add_argument("image", nargs="+", metavar="ID", help=EITHER)
    export.add_argument(
        "--out", type=Path, default=Path("images.zip"), metavar="FILE", help="images.zip otherwise"
    )


def _model(made: argparse.ArgumentParser) -> None:
    made.add_argument("model", metavar="NAME_OR_ID", help="the model; of several with one name the newest")


def _picture(made: argparse.ArgumentParser) -> None:
    made.add_argument("--count", type=int, default=1, metavar="N", help="how many images")
    made.add_argument("--size", type=size, metavar="WxH", help="in pixels; 1024x1024 otherwise")
    made.add_argument("--quality", choices=["draft", "standard", "high"], help="standard otherwise")


def _max_credits(made: argparse.ArgumentParser) -> None:
    made.add_argument("--max-credits", type=int, metavar="N", help="refuse what would cost more")


def _most(made: argparse.ArgumentParser) -> None:
    made.add_argument("--most", type=int, default=20, metavar="N", help="how many are listed (20)")
