"""What is lifted after a restore; how far is noted, since versions are else without gaps.

Price lists are never changed, as holds name them: those that count or will count come again as new ones, so
that a list which was forgotten counts no more.
"""

from chassis.lifting import Part

PARTS = (
    Part(
        "accounts",
        "credits.accounts",
        key="team_id",
        change="version = :floor, lifted = lifted + :floor - version",
    ),
)
PRICES = """
    with kept as (
        select version, effective_at, :floor - 1 + row_number() over (order by version) as lifted
        from credits.price_lists where version < :floor and version >= (
            select max(version) from credits.price_lists where effective_at <= now())
    ), lists as (
        insert into credits.price_lists (version, effective_at) select lifted, effective_at from kept
    )
    insert into credits.prices (version, operation, base, qualities, sizes)
    select kept.lifted, operation, base, qualities, sizes from kept join credits.prices using (version)
"""
