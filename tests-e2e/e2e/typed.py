"""A program as a user of a generated client writes it: type-checked with the client, then run.

`python typed.py URL KEY` makes two images and prints the job as JSON.
"""

import json
import sys
import time

from atelier_generated import AuthenticatedClient
from atelier_generated.api.billing import list_plans
from atelier_generated.api.generate import generate, get_generation
from atelier_generated.api.jobs import get_job
from atelier_generated.api.reference_models import list_reference_models
from atelier_generated.models import (
    GenerateBody,
    Generating,
    Job,
    JobStatus,
    Offers,
    PageOfReferenceModel,
    Problem,
    SizeWanted,
)

ENDED = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED}


def main(url: str, key: str) -> None:
    with AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True) as client:
        offers = list_plans.sync(client=client)
        assert isinstance(offers, Offers)
        references = list_reference_models.sync(client=client, limit=1)
        assert isinstance(references, PageOfReferenceModel)
        wish = GenerateBody(
            reference_model_id=references.data[0].id,
            prompt="a harbour at dawn",
            count=2,
            size=SizeWanted(width=256, height=256),
            max_credits=4,
        )
        asked = generate.sync(client=client, body=wish, idempotency_key="typed-1")
        again = generate.sync(client=client, body=wish, idempotency_key="typed-1")
        assert isinstance(asked, Generating)
        assert isinstance(again, Generating)
        assert again.jobs[0].id == asked.jobs[0].id
        job = asked.jobs[0]
        while job.status not in ENDED:
            time.sleep(0.3)
            found = get_generation.sync(job.id, client=client)
            assert isinstance(found, Job)
            job = found
        missing = get_job.sync(references.data[0].id, client=client)
        assert isinstance(missing, Problem)
        assert missing.code == "job_not_found"
        print(json.dumps(job.to_dict() | {"plans": [plan.key for plan in offers.plans]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
