"""What a team does on its first day: signs up, makes a model, refines it, generates four images with it."""

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from atelier import Atelier
from atelier.documents import Image, Job, Making, Model, Receipt, ReferenceModel
from atelier_local.demo.errors import Disappointed
from atelier_local.demo.screen import Screen
from atelier_local.demo.tap import Tap
from atelier_local.post import verification_token

CREDITS, CREATE, REFINE, IMAGES, UNIT = 200, 100, 50, 4, 2
LEFT = CREDITS - CREATE - REFINE - IMAGES * UNIT
JOB_IN = 90.0
READY_IN = 30.0
LOOK_EVERY = 0.3
SHOWN = 5
SCOPES = ["read", "generate", "models"]


class Journey:
    """The steps of the demo, in their order; each checks what it was promised."""

    def __init__(self, url: str, sandbox_url: str, tap: Tap, screen: Screen, folder: Path) -> None:
        self._url, self._sandbox_url = url, sandbox_url
        self._tap, self._screen, self._folder = tap, screen, folder
        self.atelier = Atelier(url)
        self.receipts: list[Receipt] = []
        self.asked: list[UUID] = []

    def run(self) -> None:
        """Do all of it."""
        self._tap.open()
        self._sign_up()
        reference = self._browse()
        model = self._create(reference)
        self._refine(model)
        self._generate(model)

    def _sign_up(self) -> None:
        """Do what people do in a browser, with its cookie, and go on with an API key."""
        self._screen.title("Sign up")
        email = f"ada-{secrets.token_hex(3)}@example.com"
        body = {"name": "Ada", "email": email, "password": secrets.token_urlsafe(16), "team_name": "Demo"}
        signed = self.atelier.request("POST", "/api/auth/sign-up", body).json()
        self._tap.settle()
        self._until(lambda: self.atelier.balance().available == CREDITS, f"{CREDITS} credits for a new team")
        self._balance(CREDITS)
        self._verify(email)
        key = self.atelier.request("POST", "/api/api-keys", {"name": "demo", "scopes": SCOPES}).json()
        self.atelier.close()
        self.atelier = Atelier(self._url, key["secret"])
        self._screen.good(f"{email}, team “{signed['team']['name']}”, API key {key['prefix']}…")

    def _verify(self, email: str) -> None:
        """Credits are spent only by who has shown that they read the mail of their address."""
        token = verification_token(self._sandbox_url, email)
        self.atelier.request("POST", "/api/auth/verify", {"token": token})
        self._screen.good(f"followed the link in the letter to {email}")

    def _browse(self) -> ReferenceModel:
        self._screen.title("Browse the reference models")
        self._until(lambda: any(self.atelier.reference_models(most=1)), "the reference models")
        references = list(self.atelier.reference_models(sort="popular"))
        for one in references[:SHOWN]:
            self._screen.line(f"  {one.name:<28} {one.category:<10} {', '.join(one.tags[:4])}")
        self._screen.good(f"{len(references)} reference models; “{references[0].name}” it is")
        return references[0]

    def _create(self, reference: ReferenceModel) -> Model:
        self._screen.title(f"Make a model of our own ({CREATE} credits)")
        making = self.atelier.create_model(
            "Harbour portraits",
            description="A calm woman in her thirties, freckles, grey linen coat, always near the water",
            reference_model_id=reference.id,
            max_credits=CREATE,
        )
        model = self._trained(making, CREATE)
        self._screen.good(f"“{model.name}” is ready, {len(model.versions[0].samples)} samples")
        return model

    def _refine(self, model: Model) -> None:
        self._screen.title(f"Refine it ({REFINE} credits)")
        wanted = "softer morning light, a warmer palette"
        making = self.atelier.refine_model(model.id, instructions=wanted, max_credits=REFINE)
        refined = self._trained(making, REFINE)
        self._screen.good(f"version {refined.active_version} is the active one")

    def _generate(self, model: Model) -> None:
        self._screen.title(f"Generate {IMAGES} images ({IMAGES} x {UNIT} credits)")
        asked = self.atelier.generate(
            "at the harbour at dawn, fishing boats behind her",
            model_id=model.id,
            count=IMAGES,
            max_credits=IMAGES * UNIT,
        )
        self.atelier.wait(asked.jobs[0].id, within=JOB_IN)
        job = self._finish(asked.request_id, asked.jobs[0], IMAGES * UNIT)
        self._save(job.results, self.atelier.download(job.id, self._folder))
        self._balance(LEFT)

    def _trained(self, making: Making, price: int) -> Model:
        model = self.atelier.wait_for_version(making, within=JOB_IN)
        self._finish(making.request_id, making.job, price)
        return model

    def _finish(self, request_id: UUID, job: Job, price: int) -> Job:
        """Look at a job that has completed; it must have cost what was said."""
        self._tap.settle()
        done = self.atelier.job(job.id)
        if done.receipt is None or done.receipt.captured != price:
            raise Disappointed(f"job {done.id} did not cost {price}: {done.receipt}")
        self.receipts.append(done.receipt)
        self.asked.append(request_id)
        return done

    def _save(self, images: Sequence[Image], files: Sequence[Path]) -> None:
        if len(files) != IMAGES:
            raise Disappointed(f"{len(files)} images instead of {IMAGES}")
        for image, file in zip(images, files, strict=True):
            content = file.read_bytes()
            if not content.startswith(b"\xff\xd8\xff"):
                raise Disappointed(f"{file} is not a JPEG")
            self._screen.good(f"saved {file}  ({image.width} x {image.height}, {len(content):,} bytes)")

    def _balance(self, expected: int) -> None:
        balance = self.atelier.balance()
        if (balance.available, balance.reserved) != (expected, 0):
            raise Disappointed(
                f"{balance.available} credits and {balance.reserved} reserved, not {expected} and 0"
            )
        self._screen.good(f"{expected} credits can be spent, none is reserved")

    def _until(self, there: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_IN
        while not there():
            if time.monotonic() > deadline:
                raise Disappointed(f"{what} did not come within {READY_IN:.0f} s")
            time.sleep(LOOK_EVERY)
