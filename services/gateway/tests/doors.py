"""Every route of the API, who may come in, and a house with a person for each."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import httpx
from services.gateway.tests.pictures import job, result
from services.gateway.tests.stage import Person, Stage, model, reference_model

from chassis.clock import utc_now
from chassis.statement import text
from contracts.jobs import ExportChanged
from gateway.adapters.inbound.http.app import ROUTES, create_app
from gateway.adapters.outbound.postgres.tables import SCHEMA

# The lowest role that may, and the scopes of which one lets an API key: "any", or "-" for only in person.
DOORS = {
    ("member", "any"): "get_me",
    ("member", "read"): """
        get_team list_members list_reference_models get_reference_model list_models get_model get_generation
        list_jobs get_job list_images list_exports get_export get_balance list_credit_history get_pricing
        request_quote list_plans list_events""",
    ("member", "generate"): """
        generate compare_versions regenerate delete_image delete_images pin_image unpin_image
        export_images""",
    ("member", "models"): "create_model refine_model update_model activate_version delete_model",
    ("member", "generate models"): "request_upload fetch_upload cancel_job",
    ("member", "-"): """
        update_me delete_me list_sessions end_session end_other_sessions change_password resend_verification
        list_teams open_team switch_team""",
    ("member", "admin"): "remove_member",
    ("admin", "billing"): "get_billing open_checkout open_top_up open_portal set_auto_top_up",
    ("admin", "admin"): """
        update_team change_role invite list_invitations revoke_invitation list_activity
        create_webhook_endpoint list_webhook_endpoints update_webhook_endpoint delete_webhook_endpoint
        rotate_webhook_secret test_webhook_endpoint list_webhook_deliveries redeliver_webhook""",
    ("admin", "-"): "create_api_key list_api_keys revoke_api_key",
    ("owner", "-"): "close_team",
}
# Needs nobody; what an empty request, or one with an unknown id, is told.
PUBLIC = {
    "sign_up": 422,
    "sign_in": 422,
    "sign_out": 204,
    "ask_password_reset": 422,
    "reset_password": 422,
    "verify_email": 422,
    "get_invitation": 404,
    "accept_invitation": 422,
    "get_reference_model_preview": 404,
    "receive_fal_webhook": 422,
    "receive_stripe_webhook": 400,
}
# Ids that belong to nobody, or to whoever has the link.
SHARED = {"get_invitation", "accept_invitation", "get_reference_model", "get_reference_model_preview"}
# Everybody may leave, so the door is open; who else is in the team is no business of a member.
TOLD_AFTERWARDS = {("member", "remove_member"): 403}
# What billing and credits announce, which say nothing of it on the stage.
NOT_THERE_YET = {"list_plans": 503, "get_pricing": 503}
RANKS = ("member", "admin", "owner")
SCOPES = {"read", "generate", "models", "billing", "admin"}
BODY = {"unknown": True}


@dataclass(frozen=True)
class Route:
    name: str
    method: str
    path: str
    described: dict[str, Any]

    @property
    def has_ids(self) -> bool:
        return "{" in self.path

    def example(self) -> dict[str, Any] | None:
        """Return the first example of the body, as the description shows it."""
        if "requestBody" not in self.described:
            return None
        schema = self.described["requestBody"]["content"]["application/json"]["schema"]
        return examples(schema)[0]

    def let_in(self) -> int:
        """Say what is told to somebody who is let in, with a body nobody understands or unknown ids."""
        if "requestBody" in self.described:
            return 422
        if self.has_ids:
            return 404
        return NOT_THERE_YET.get(self.name) or min(
            int(status) for status in self.described["responses"] if status < "300"
        )


@cache
def description() -> dict[str, Any]:
    return create_app().openapi()


def examples(schema: dict[str, Any]) -> list[dict[str, Any]]:
    schemas = description()["components"]["schemas"]
    several = schema.get("oneOf") or schema.get("anyOf") or [schema]
    parts = [schemas[part["$ref"].rpartition("/")[2]] for part in several if "$ref" in part]
    return [example for part in [schema, *parts] for example in part.get("examples", [])]


def routes() -> Iterator[Route]:
    paths = description()["paths"]
    for module in ROUTES:
        for route in module.router.routes:
            path = f"/api{route.path}"
            for method in route.methods:
                yield Route(route.name, method, path, paths[path][method.lower()])


def doors() -> dict[str, tuple[str, set[str]]]:
    return {
        name: (role, set(scopes.split())) for (role, scopes), names in DOORS.items() for name in names.split()
    }


def at_nobody(path: str) -> str:
    """Fill a path with ids that nobody has."""
    for name in ("{id}", "{job_id}", "{delivery_id}"):
        path = path.replace(name, f"{uuid4()}_1" if path.startswith("/api/images/") else str(uuid4()))
    return path.replace("{number}", "1").replace("{token}", "x" * 43)


class House:
    """A team with people of each role, keys of each kind, and one of everything."""

    def __init__(self, stage: Stage, owner: Person, admin: Person, member: Person) -> None:
        self.stage, self.people = stage, {"owner": owner, "admin": admin, "member": member}
        self.keys: dict[tuple[str, frozenset[str]], str] = {}
        self.things: dict[str, str] = {}

    @classmethod
    async def built(cls, stage: Stage) -> "House":
        owner = await stage.person()
        admin = await stage.invited(owner, f"{uuid4().hex}@example.com", "admin")
        member = await stage.invited(owner, f"{uuid4().hex}@example.com")
        house = cls(stage, owner, admin, member)
        await house.furnish()
        return house

    async def key(self, role: str, scopes: set[str]) -> dict[str, str]:
        """Return the header of a key with these scopes, as made by somebody who has this role today."""
        if (wanted := (role, frozenset(scopes))) not in self.keys:
            body = {"name": "key", "scopes": sorted(scopes)}
            made = await self.people["admin"].client.post("/api/api-keys", json=body)
            assert made.status_code == 201, made.text
            self.keys[wanted] = made.json()["secret"]
            maker = self.people[role].user_id
            async with self.stage.database.begin() as connection:
                change = "update gateway.api_keys set user_id = :maker where id = :id"
                await connection.execute(text(change), {"maker": maker, "id": made.json()["id"]})
        return {"Authorization": f"Bearer {self.keys[wanted]}"}

    async def furnish(self) -> None:
        """Give the team one of everything that has an id."""
        owner, now = self.people["owner"], utc_now()
        made, picture = model(owner.team_id, versions=2), job(owner, result(1))
        export = ExportChanged(
            id=uuid4(),
            team_id=owner.team_id,
            version=1,
            status="accepted",
            images=1,
            created_at=now,
            updated_at=now,
        )
        reference = reference_model()
        await self.stage.hear(made, picture, export, reference)
        key = (await owner.client.post("/api/api-keys", json={"name": "shop", "scopes": ["read"]})).json()
        wish = {"email": "grace@example.com", "role": "member"}
        invitation = (await owner.client.post("/api/team/invitations", json=wish)).json()
        self.things = {
            "reference-models": str(reference.id),
            "models": str(made.id),
            "jobs": str(picture.id),
            "generate": str(picture.id),
            "images": f"{picture.id}_1",
            "exports": str(export.id),
            "api-keys": key["id"],
            "team/invitations": invitation["id"],
            "team/members": str(self.people["member"].user_id),
            "teams": str(owner.team_id),
            "me/sessions": await self._one("select id from gateway.sessions where team_id = '{team}'"),
            "webhook-endpoints": str(uuid4()),
            "deliveries": str(uuid4()),
        }
        await self._webhooks(owner.team_id)

    async def _one(self, query: str) -> str:
        [row, *_] = await self.stage.rows(query.format(team=self.people["owner"].team_id))
        return str(row[0])

    async def _webhooks(self, team_id: UUID) -> None:
        endpoint, delivery = self.things["webhook-endpoints"], self.things["deliveries"]
        async with self.stage.database.begin() as connection:
            await connection.execute(
                text(
                    "insert into gateway.webhook_endpoints (id, team_id, url, description, types, secret,"
                    " old_secrets, since, created_at) values (:id, :team, 'https://studio.example', '',"
                    " '{job.changed}', 'whsec_x', '[]', 0, now())"
                ),
                {"id": endpoint, "team": team_id},
            )
            await connection.execute(
                text(
                    "insert into gateway.webhook_deliveries (id, endpoint_id, seq, type, subject, version,"
                    " supersedes, status, created_at, ended_at) values (:id, :endpoint, 1, 'job.changed',"
                    " 'x', 1, false, 'failed', now(), now())"
                ),
                {"id": delivery, "endpoint": endpoint},
            )

    def at_home(self, path: str) -> str:
        """Fill a path with the ids of this team; a new kind of thing has to be furnished first."""
        kind = path.partition("/{")[0].removeprefix("/api/")
        path = path.replace("{delivery_id}", self.things["deliveries"]).replace("{number}", "1")
        return path.replace("{id}", self.things[kind]).replace("{job_id}", self.things[kind])

    async def contents(self) -> dict[str, list[str]]:
        """Read all tables, but for when somebody was seen last and for what waits to be sent."""
        return {
            table.name: sorted(
                row[0]
                for row in await self.stage.rows(
                    f"select (to_jsonb(t) - '{{last_seen_at,last_used_at}}'::text[])::text from {table} t"
                )
            )
            for table in SCHEMA.sorted_tables
            if table.name not in ("outbox", "team_rates", "webhook_head")
        }

    @staticmethod
    def without(contents: dict[str, list[str]], stranger: Person) -> dict[str, list[str]]:
        """Leave out what is the stranger's own: what they asked is theirs."""
        theirs = (str(stranger.team_id), str(stranger.user_id))
        return {
            table: [row for row in rows if not any(id_ in row for id_ in theirs)]
            for table, rows in contents.items()
        }


async def knock(client: httpx.AsyncClient, route: Route, path: str, **more: Any) -> int:
    answer = await client.request(route.method, path, **more)
    assert answer.status_code < 500 or answer.status_code == NOT_THERE_YET.get(route.name), answer.text
    return answer.status_code


def guarded() -> list[Route]:
    return [route for route in routes() if route.name not in PUBLIC]


def body_of(route: Route) -> dict[str, Any]:
    example = route.example()
    return {} if example is None else {"json": example}


async def keys_without(house: House, role: str, scopes: set[str]) -> dict[str, dict[str, str]]:
    keys = {}
    if scopes != {"any"}:
        keys["key without the scope"] = await house.key("owner", SCOPES - scopes)
    if role != "member":
        keys["key of a member"] = await house.key("member", SCOPES)
    return keys


async def key_of(person: Person) -> dict[str, str]:
    made = await person.client.post("/api/api-keys", json={"name": "all", "scopes": sorted(SCOPES)})
    return {"Authorization": f"Bearer {made.json()['secret']}"}
