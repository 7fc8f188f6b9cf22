"""What payments bring and what goes back of them: pure decisions on what Stripe knows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.domain.claiming import claims
from billing.domain.dossier import Bill, Deal, Dispute, Dossier, Line, Payment, Refund
from billing.domain.granting import grants, next_month
from billing.domain.months import months_after
from billing.domain.standing import GRACE, Standing, standing
from billing.domain.subscription import Subscription
from contracts.billing import Limits, PaymentDisputed

TEAM = UUID(int=1)
START = datetime(2027, 1, 31, 10, tzinfo=UTC)
END = datetime(2027, 2, 28, 10, tzinfo=UTC)
DEAL = Deal("sub_1", "starter", "month", "active", START, START, END, START)
LINE = Line("il_1", "starter", "month", START, END, 900)
BILL = Bill("in_1", "paid", "subscription_cycle", 900, "usd", START, "sub_1", START, (LINE,), ("pi_1",))
PAYMENT = Payment("pi_1", 900, "usd", START, paid=True)
DOSSIER = Dossier((DEAL,), (BILL,), (PAYMENT,))


def facts(dossier: Dossier, now: datetime = START):
    return [grant.fact for grant in grants(TEAM, dossier, now)]


def upgraded(moment: datetime, old: str = "starter", new: str = "pro", gain: int = 1000) -> Dossier:
    lines = (
        Line("il_2", old, "month", moment, END, -gain, prorated=True),
        Line("il_3", new, "month", moment, END, gain, prorated=True),
    )
    bill = replace(
        BILL, id="in_2", cause="subscription_update", lines=lines, paid_at=moment, payments=("pi_2",)
    )
    return replace(DOSSIER, bills=(BILL, bill))


def test_a_paid_month_brings_the_whole_plan_whatever_was_paid():
    for total in (0, 1, 900, 100_000):
        (period,) = facts(replace(DOSSIER, bills=(replace(BILL, total=total),)))
        assert (period.kind, period.credits, period.source_ref) == ("reset", 1_000, "invoice:in_1:il_1")


def test_what_is_not_paid_or_billed_by_hand_brings_nothing():
    assert facts(replace(DOSSIER, bills=(replace(BILL, paid_at=None, status="open"),))) == []
    assert facts(replace(DOSSIER, bills=(replace(BILL, cause="manual"),))) == []
    assert facts(replace(DOSSIER, bills=(replace(BILL, cause="subscription_threshold"),))) == []


def test_a_month_paid_when_it_was_over_is_kept_as_a_pack_of_a_month():
    (pack,) = facts(replace(DOSSIER, bills=(replace(BILL, paid_at=END),)))
    assert (pack.credits, pack.expires_at) == (1_000, datetime(2027, 3, 28, 10, tzinfo=UTC))


def test_an_upgrade_belongs_to_the_month_it_is_made_in():
    _, added = facts(upgraded(datetime(2027, 2, 14, 10, tzinfo=UTC)))
    assert (added.kind, added.credits, added.source_ref) == ("add", 1_500, "invoice:in_2:il_3")
    assert (added.period_start, added.period_end, added.plan) == (START, END, "pro")


@given(st.timedeltas(timedelta(0), END - START - timedelta(seconds=1)))
def test_an_upgrade_never_brings_more_than_the_difference_and_never_less_than_its_part(passed):
    _, added = facts(upgraded(START + passed))
    part = (END - START - passed) / (END - START)
    assert 0 < added.credits <= 3_000
    assert 3_000 * part <= added.credits < 3_000 * part + 1


def test_an_upgrade_of_a_plan_that_a_coupon_paid_for_brings_the_difference_too():
    dossier = upgraded(datetime(2027, 2, 14, 10, tzinfo=UTC))
    old, new = dossier.bills[1].lines
    free = replace(dossier.bills[1], lines=(replace(old, amount=0), new))
    _, added = facts(replace(dossier, bills=(BILL, free)))
    assert added.credits == 1_500


def test_a_lesser_plan_adds_nothing():
    assert len(facts(upgraded(START + timedelta(days=3), "pro", "starter"))) == 1


@given(st.timedeltas(timedelta(0), timedelta(days=800)))
def test_a_paid_year_brings_exactly_the_month_that_it_is(passed):
    year = replace(LINE, interval="year", end=months_after(START, 12), plan="business")
    dossier = replace(DOSSIER, deals=(replace(DEAL, interval="year"),), bills=(replace(BILL, lines=(year,)),))
    now = START + passed
    found = facts(dossier, now)
    if now >= months_after(START, 12):
        assert (found, next_month(dossier, now)) == ([], None)
        return
    (period,) = found
    assert (period.credits, period.period_start <= now < period.period_end) == (20_000, True)
    following = next_month(dossier, now)
    assert following in (period.period_end, None)
    assert (following is None) == (period.period_end == months_after(START, 12))


@given(st.lists(st.integers(1, 400), max_size=5), st.integers(900, 2_000))
def test_refunds_together_never_ask_for_more_than_the_whole(amounts, total):
    refunds = tuple(
        Refund(f"re_{n}", amount) for n, amount in enumerate(amounts) if sum(amounts[: n + 1]) <= 900
    )
    dossier = replace(
        DOSSIER, bills=(replace(BILL, total=total),), payments=(replace(PAYMENT, refunds=refunds),)
    )
    found = claims(TEAM, dossier, [("in_1", "invoice:in_1:il_1")])
    assert len(found) == len(refunds)
    assert sum(claim.share for claim in found) <= 1 + 1e-9


def test_a_refund_that_failed_is_said_as_failed_even_if_nobody_heard_of_it_before():
    refunds = (Refund("re_1", 450, failed=True), Refund("re_2", 450))
    dossier = replace(DOSSIER, payments=(replace(PAYMENT, refunds=refunds),))
    found = claims(TEAM, dossier, [("in_1", "a")])
    assert [(claim.source_ref, claim.state) for claim in found] == [
        ("refund:re_1:a", "failed"),
        ("refund:re_2:a", "refunded"),
    ]


def test_each_grant_of_a_payment_is_claimed_and_no_other():
    dossier = replace(DOSSIER, payments=(replace(PAYMENT, refunds=(Refund("re_1", 450),)),))
    granted = [("in_1", "a"), ("in_1", "b"), ("in_2", "c")]
    found = claims(TEAM, dossier, granted)
    assert [(claim.source_ref, claim.grant_ref, claim.share) for claim in found] == [
        ("refund:re_1:a", "a", 0.5),
        ("refund:re_1:b", "b", 0.5),
    ]


def test_a_question_of_the_bank_freezes_nothing_and_a_dispute_of_nothing_does():
    asked = replace(PAYMENT, disputes=(Dispute("du_1", 900, "inquiry"),))
    opened = replace(PAYMENT, disputes=(Dispute("du_1", 900, "opened"),))
    assert claims(TEAM, replace(DOSSIER, payments=(asked,)), []) == []
    (claim,) = claims(TEAM, replace(DOSSIER, payments=(opened,)), [])
    assert isinstance(claim, PaymentDisputed)
    assert (claim.state, claim.grant_ref) == ("opened", "payment:pi_1")


def test_what_is_not_paid_keeps_the_plan_for_the_grace_and_no_longer():
    unpaid = replace(DOSSIER, deals=(replace(DEAL, status="past_due", unpaid_since=START),))
    last = START + GRACE
    assert standing(unpaid, last - timedelta(seconds=1)) == Standing(
        "starter", "past_due", "month", until=last
    )
    assert standing(unpaid, last) == Standing("free", "past_due", free_since=START)


def test_of_two_plans_the_better_counts():
    two = replace(DOSSIER, deals=(DEAL, replace(DEAL, id="sub_2", plan="pro"), replace(DEAL, status="ended")))
    assert standing(two, START).plan == "pro"


def test_who_only_began_to_subscribe_stays_on_free_as_before():
    for status in ("incomplete", "never"):
        assert standing(replace(DOSSIER, deals=(replace(DEAL, status=status),)), START) == Standing()


def test_limits_that_an_operator_raised_survive_a_change_of_plan_unless_the_plan_allows_more():
    raised = Subscription.free(TEAM, START).allowing(Limits(running=5, open=20, per_minute=60))
    starter = raised.following(Standing("starter", "active", "month"), START)
    business = raised.following(Standing("business", "active", "month"), START)
    back = starter.following(Standing(free_since=END), END)
    assert starter.limits == Limits(running=5, open=100, per_minute=120)
    assert business.limits == Limits(running=20, open=2_000, per_minute=1_200)
    assert (back.limits.open, back.anchor, back.version) == (20, END, starter.version + 1)


def test_the_same_standing_again_changes_nothing():
    starter = Subscription.free(TEAM, START).following(Standing("starter", "active", "month"), START)
    assert starter.following(Standing("starter", "active", "month"), END) == starter


@given(st.timedeltas(timedelta(0), timedelta(days=900)))
def test_who_falls_back_to_free_has_a_month_of_its_own_from_that_moment(passed):
    starter = Subscription.free(TEAM, START).following(Standing("starter", "active", "month"), START)
    fallen = END + timedelta(days=3)
    free = starter.following(Standing(free_since=fallen), fallen + passed)
    assert free.anchor == fallen
    assert free.period_start <= fallen + passed < free.period_end
