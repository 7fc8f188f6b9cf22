"""What a team does on its first day: signs up, makes a model, refines it, generates four images with it."""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from atelier_local.demo.api import Api, Json
from atelier_local.demo.errors import Disappointed
from atelier_local.demo.screen import Screen
from atelier_local.demo.tap import Tap
from atelier_local.post import verification_token

CREDITS, CREATE, REFINE, IMAGES, UNIT = 200, 100, 50, 4, 2
LEFT = CREDITS - CREATE - REFINE - IMAGES * UNIT
JOB_IN = 90.0
READY_IN = 30.0
SHOWN = 5


class Journey:
    """The steps of the demo, in their order; each checks what it was promised."""

    def __init__(self, api: Api, tap: Tap, screen: Screen, folder: Path, sandbox_url: str) -> None:
        self._api, self._tap, self._screen, self._folder = api, tap, screen, folder
        self._sandbox_url = sandbox_url
        self.jobs: list[Json] = []
        self.asked: list[str] = []

    def run(self) -> None:
        """Do all of it."""
        self._tap.open()
        self._sign_up()
        reference = self._browse(self._wait_for_references())
        model = self._create(reference)
        self._refine(model)
        self._generate(model)

    def _sign_up(self) -> None:
        self._screen.title("Sign up")
        email = f"ada-{secrets.token_hex(3)}@example.com"
        body = {"name": "Ada", "email": email, "password": secrets.token_urlsafe(16), "team_name": "Demo"}
        signed = self._api.post("/api/auth/sign-up", body)
        self._tap.settle()
        if signed["balance"] is None:
            self._await_credits()
        self._balance(CREDITS)
        self._verify(email)
        key = self._api.post("/api/api-keys", {"name": "demo", "scopes": ["read", "generate", "models"]})
        self._api.use_key(key["secret"])
        self._screen.good(f"{email}, team “{signed['team']['name']}”, API key {key['prefix']}…")

    def _verify(self, email: str) -> None:
        """Credits are spent only by who has shown that they read the mail of their address."""
        self._api.post("/api/auth/verify", {"token": verification_token(self._sandbox_url, email)})
        self._screen.good(f"followed the link in the letter to {email}")

    def _await_credits(self) -> None:
        self._api.await_event(
            lambda event: event["type"] == "account.changed" and event["data"]["available"] == CREDITS,
            READY_IN,
            f"{CREDITS} credits for the new team",
        )

    def _wait_for_references(self) -> list[Json]:
        deadline = time.monotonic() + READY_IN
        while not (found := self._references()):
            if time.monotonic() > deadline:
                raise Disappointed(f"no reference models after {READY_IN:.0f} s")
            time.sleep(0.3)
        return found

    def _references(self) -> list[Json]:
        found: list[Json] = self._api.get("/api/reference-models?sort=popular&limit=100")["data"]
        return found

    def _browse(self, references: Sequence[Json]) -> Json:
        self._screen.title("Browse the reference models")
        for one in references[:SHOWN]:
            self._screen.line(f"  {one['name']:<28} {one['category']:<10} {', '.join(one['tags'][:4])}")
        self._screen.good(f"{len(references)} reference models; “{references[0]['name']}” it is")
        return references[0]

    def _create(self, reference: Json) -> Json:
        self._screen.title(f"Make a model of our own ({CREATE} credits)")
        wanted = {
            "name": "Harbour portraits",
            "description": "A calm woman in her thirties, freckles, grey linen coat, always near the water",
            "reference_model_id": reference["id"],
            "max_credits": CREATE,
        }
        answer = self._api.post("/api/models", wanted)
        self._finish(answer["request_id"], answer["job"], CREATE)
        model = self._await_version(answer["model"]["id"], 1)
        self._screen.good(f"“{model['name']}” is ready, {len(model['versions'][0]['samples'])} samples")
        return model

    def _refine(self, model: Json) -> None:
        self._screen.title(f"Refine it ({REFINE} credits)")
        body = {"instructions": "softer morning light, a warmer palette", "max_credits": REFINE}
        answer = self._api.post(f"/api/models/{model['id']}/refine", body)
        self._finish(answer["request_id"], answer["job"], REFINE)
        refined = self._await_version(model["id"], 2)
        self._screen.good(f"version {refined['active_version']} is the active one")

    def _generate(self, model: Json) -> None:
        self._screen.title(f"Generate {IMAGES} images ({IMAGES} x {UNIT} credits)")
        wanted = {
            "model_id": model["id"],
            "prompt": "at the harbour at dawn, fishing boats behind her",
            "count": IMAGES,
            "size": {"width": 1024, "height": 1024},
            "quality": "standard",
            "format": "jpeg",
            "max_credits": IMAGES * UNIT,
        }
        answer = self._api.post("/api/generate", wanted)
        job = self._finish(answer["request_id"], answer["jobs"][0], IMAGES * UNIT)
        self._save(self._api.get(f"/api/generate/{job['id']}")["results"])
        self._balance(LEFT)

    def _finish(self, request_id: str, job: Json, price: int) -> Json:
        """Wait for a job's end; it must be completed and have cost what was said."""
        ended = ("completed", "failed", "cancelled")
        event = self._api.await_event(
            lambda event: event["subject"] == job["id"] and event["data"]["status"] in ended,
            JOB_IN,
            f"the end of job {job['id']}",
        )
        self._tap.settle()
        done: Json = event["data"]
        if done["status"] != "completed":
            raise Disappointed(f"job {job['id']} is {done['status']}: {done['code']} {done['reason']}")
        if done["receipt"]["captured"] != price:
            raise Disappointed(f"job {job['id']} cost {done['receipt']['captured']}, not {price}")
        self.jobs.append(done)
        self.asked.append(request_id)
        return done

    def _await_version(self, model_id: str, number: int) -> Json:
        event = self._api.await_event(
            lambda event: event["subject"] == model_id and event["data"].get("active_version") == number,
            READY_IN,
            f"version {number} of model {model_id}",
        )
        model: Json = event["data"]
        return model

    def _save(self, results: Sequence[Json]) -> None:
        if len(results) != IMAGES:
            raise Disappointed(f"{len(results)} images instead of {IMAGES}")
        self._folder.mkdir(exist_ok=True)
        for result in results:
            content = self._api.download(result["url"])
            if not content.startswith(b"\xff\xd8\xff"):
                raise Disappointed(f"image {result['n']} is not a JPEG")
            path = self._folder / f"{result['n']}.jpg"
            path.write_bytes(content)
            size = f"{result['width']} x {result['height']}"
            self._screen.good(f"saved {path}  ({size}, {len(content):,} bytes)")

    def _balance(self, expected: int) -> None:
        balance = self._api.get("/api/credits/balance")
        if (balance["available"], balance["reserved"]) != (expected, 0):
            raise Disappointed(
                f"{balance['available']} credits and {balance['reserved']} reserved, not {expected} and 0"
            )
        self._screen.good(f"{expected} credits can be spent, none is reserved")
