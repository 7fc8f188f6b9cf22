"""Every statement of catalog reads by the index that was made for it, and the loss of that index is seen.

`along` an index: all of it is read, in its order. `whole`: the table is. Both are only good for few rows;
a line says which. A statement that is not listed reads no table.
"""

from collections.abc import AsyncIterator

import pytest

from catalog.adapters import outbound
from chassis.database import Database
from chassis.plans import flaws, statements_of

STATEMENTS = statements_of(outbound)
READS = {
    "postgres_models.MODELS": {"pk_models"},
    "postgres_models.LOCK_ROWS": {"pk_models"},
    "postgres_models.TRAININGS": {"uq_trainings_model_id_number"},
    "postgres_models.PAGE": {"pk_models"},
    "postgres_models.CLOSED": {"pk_closed_teams"},
    "postgres_models.OF_TEAMS": {"ix_models_team_id"},
    "postgres_pictures.NAMED": {"pk_pictures"},
    # Reference models are made by hand: some dozens.
    "postgres_references.ALL": {"whole reference_models"},
    "postgres_references.UNTOLD": {"along pk_reference_models"},
    "postgres_references.PAGE": {"pk_reference_models"},
    "postgres_references.CATEGORIES": {"pk_reference_models"},
    "postgres_references.COUNT": {"pk_models", "pk_reference_models"},
}


@pytest.fixture(scope="module")
async def database(migrated: str) -> AsyncIterator[Database]:
    database = Database(migrated, "catalog", pool_size=1)
    yield database
    await database.close()


def test_what_is_judged_is_still_asked():
    assert set(READS) <= set(STATEMENTS)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_reads_by_its_index(database: Database, name: str):
    assert await flaws(database, STATEMENTS[name], READS.get(name, ())) == []
