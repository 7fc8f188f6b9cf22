"""What an operator may ask of credits."""

from uuid import uuid4

import pytest

from chassis.commands import main
from credits.__main__ import COMMANDS


@pytest.mark.parametrize(
    ("amount", "reason", "complaint"),
    [
        ("0", "a gift", "--amount: invalid amount value: '0'"),
        ("1000000001", "a slip", "--amount: invalid amount value: '1000000001'"),
        ("some", "a gift", "--amount: invalid amount value: 'some'"),
        ("5", " ", "--reason: must not be empty"),
    ],
)
def test_an_adjustment_needs_an_amount_and_a_reason(amount, reason, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        main(
            "credits",
            COMMANDS,
            ["adjust", "--team", str(uuid4()), f"--amount={amount}", f"--reason={reason}"],
        )
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(complaint)


@pytest.mark.parametrize("command", ["adjust", "grant-bonus", "refund", "freeze", "unfreeze"])
def test_what_changes_an_account_needs_a_reason(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main("credits", COMMANDS, [command])
    assert ended.value.code == 2
    assert "--reason" in capsys.readouterr().err.splitlines()[-1]
