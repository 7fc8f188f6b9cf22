"""The words of the command line."""

import argparse
from pathlib import Path

from atelier.client import KEY, LOCAL, URL

STATUSES = """\
exit status: 0 done; 1 a job or an export failed, or was refused; 2 wrong usage or request; 3 declined for
credits; 4 not reachable, or unavailable; 5 not authenticated or permitted; 6 still going on; 130 interrupted
"""


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
    made.add_argument("--url", help=f"where Atelier is (${URL}, or {LOCAL})")
    made.add_argument("--api-key", metavar="KEY", help=f"rather in ${KEY}, where nobody lists it")
    made.add_argument("--json", action="store_true", help="answer in JSON")
    made.add_argument("--timeout", type=float, default=600, metavar="SECONDS", help="how long to wait")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _generate(commands.add_parser("generate", help="make images of a prompt"))
    _models(commands.add_parser("models", help="list, show, create and refine models"))
    references = commands.add_parser("references", help="list the curated models")
    references.add_argument("--search", metavar="TEXT")
    references.add_argument("--category")
    _most(references)
    _jobs(commands.add_parser("jobs", help="list, show and cancel jobs"))
    _images(commands.add_parser("images", help="list, download and export images"))
    commands.add_parser("credits", help="show what can be spent")
    quote = commands.add_parser("quote", help="get a price that binds")
    quote.add_argument("--operation", default="generate_images")
    _picture(quote)
    events = commands.add_parser("events", help="show what happened")
    events.add_argument("--follow", action="store_true", help="go on with what happens")
    events.add_argument("--after", type=int, metavar="SEQ", help="only what came after this event")
    events.add_argument("--type", action="append", default=[], help="only this type; repeat it for several")
    return made


def _generate(made: argparse.ArgumentParser) -> None:
    made.add_argument("prompt")
    source = made.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", metavar="NAME_OR_ID", help="a model of the team")
    source.add_argument("--reference", metavar="SLUG", help="a curated model")
    _picture(made)
    made.add_argument("--format", choices=["jpeg", "png"], default="jpeg")
    made.add_argument("--seed", metavar="NUMBER")
    made.add_argument("--negative-prompt", default="", metavar="TEXT")
    made.add_argument("--quote", metavar="ID", help="the offer that is taken up")
    _max_credits(made)
    made.add_argument("--wait", action="store_true", help="until the images are there")
    made.add_argument("--out", type=Path, metavar="DIR", help="save them there (waits)")


def _models(made: argparse.ArgumentParser) -> None:
    verbs = made.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("list")
    listed.add_argument("--search", metavar="TEXT")
    _most(listed)
    verbs.add_parser("show").add_argument("model", metavar="NAME_OR_ID")
    create = verbs.add_parser("create")
    create.add_argument("name")
    create.add_argument("--reference", metavar="SLUG")
    create.add_argument("--description", default="", metavar="TEXT")
    refine = verbs.add_parser("refine")
    refine.add_argument("model", metavar="NAME_OR_ID")
    refine.add_argument("--instructions", default="", metavar="TEXT")
    for training in (create, refine):
        training.add_argument("--image", action="append", default=[], type=Path, metavar="FILE")
        _max_credits(training)
        training.add_argument("--wait", action="store_true", help="until it is trained")


def _jobs(made: argparse.ArgumentParser) -> None:
    verbs = made.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("list")
    listed.add_argument("--status")
    _most(listed)
    for verb in ("show", "cancel"):
        verbs.add_parser(verb).add_argument("job", metavar="ID")


def _images(made: argparse.ArgumentParser) -> None:
    verbs = made.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("list")
    listed.add_argument("--job", metavar="ID")
    _most(listed)
    download = verbs.add_parser("download")
    download.add_argument("image", nargs="+", metavar="ID", help="an image, or a job for all of its images")
    download.add_argument("--out", type=Path, default=Path(), metavar="DIR")
    export = verbs.add_parser("export")
    export.add_argument("image", nargs="+", metavar="ID", help="an image, or a job for all of its images")
    export.add_argument("--out", type=Path, default=Path("images.zip"), metavar="FILE")


def _picture(made: argparse.ArgumentParser) -> None:
    made.add_argument("--count", type=int, default=1, metavar="N")
    made.add_argument("--size", type=size, metavar="WxH")
    made.add_argument("--quality", choices=["draft", "standard", "high"])


def _max_credits(made: argparse.ArgumentParser) -> None:
    made.add_argument("--max-credits", type=int, metavar="N", help="refuse what would cost more")


def _most(made: argparse.ArgumentParser) -> None:
    made.add_argument("--most", type=int, default=20, metavar="N", help="how many are listed")
