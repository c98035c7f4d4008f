"""The judge of the chaos suite finds what a scenario did wrong, and excuses what it may do."""

import pytest

from judge import Facts, Flip, Judge, Letter, Mail, Row, Span, kinds_between

JANE, JOE = "jane@customer.example", "joe@customer.example"


def mail(number: int, sender: str = JANE, node: str = "node1", at: float = 10, **more) -> Mail:
    return Mail(f"<m{number}>", sender, node, at - 0.2, at - 0.1, at, **more)


def letter(answers: int, rcpt: str = JANE, node: str = "node1", message_id: str = "<ack-jane>", resolved: bool = False,
           taken: bool = True) -> Letter:
    return Letter(rcpt, message_id, f"<m{answers}>", resolved, node, 20, taken)


def judge(mails, letters, facts: Facts | None = None, delivered: dict | None = None) -> Row:
    everywhere = {one.message_id: [True] for one in mails}
    return Judge(Row("test"), facts or Facts(), mails, {**everywhere, **(delivered or {})}, letters).run()


def test_each_customer_with_one_letter_is_as_it_must_be():
    row = judge([mail(1), mail(2, node="node2"), mail(3, JOE)], [letter(1), letter(3, JOE, message_id="<ack-joe>")])
    assert row.good
    assert (row.mails, row.delivered, row.customers, row.due, row.answered) == (3, 3, 2, 2, 2)


def test_mail_in_no_mailbox_is_lost():
    row = judge([mail(1)], [letter(1)], delivered={"<m1>": []})
    assert not row.good and row.lost_mails == 1
    assert "is in no mailbox" in row.culprits[0][1]


def test_mail_delivered_twice_is_counted_and_not_lost():
    row = judge([mail(1)], [letter(1)], delivered={"<m1>": [True, True]})
    assert row.good and row.copies == 1 and row.delivered == 1


def test_missing_letter_is_a_lost_acknowledgement():
    row = judge([mail(1), mail(2, JOE)], [letter(1)])
    assert not row.good and row.unanswered == 1 and row.culprits[0][0] == JOE


def test_mail_that_had_no_milter_is_owed_nothing_but_only_then():
    facts = Facts(deaf=[Span("node1", 9, 11)])
    assert judge([mail(1)], [], facts, {"<m1>": [False]}).passed == 1
    assert judge([mail(1)], [], facts, {"<m1>": [False]}).good
    assert not judge([mail(1)], [], facts).good, "the milter had seen it"
    assert not judge([mail(1, node="node2")], [], facts, {"<m1>": [False]}).good, "another node's milter was killed"
    assert not judge([mail(1, at=20)], [], facts, {"<m1>": [False]}).good, "the milter was back"


def test_two_claims_are_twice_also_under_one_message_id():
    row = judge([mail(1), mail(2)], [letter(1), letter(2)], Facts(resends=True))
    assert not row.good and (row.twice, row.same_id, row.per_side) == (1, 0, 0)


def test_letter_that_smtp_delivered_twice_is_counted_apart():
    letters = [letter(1), letter(1, node="node2")]
    row = judge([mail(1)], letters, Facts(resends=True))
    assert row.good and (row.twice, row.same_id) == (0, 1)
    assert not judge([mail(1)], letters).good, "nothing was done that lets SMTP deliver twice"


def test_one_claim_under_two_message_ids_is_twice():
    row = judge([mail(1)], [letter(1), letter(1, message_id="<ack-other>")], Facts(resends=True))
    assert not row.good and row.twice == 1


def test_in_a_partition_each_side_may_answer_once():
    facts = Facts(alone=[Span("node2", 8, 12)])
    mails = [mail(1), mail(2, node="node2")]
    row = judge(mails, [letter(1), letter(2, node="node2")], facts)
    assert row.good and (row.twice, row.per_side) == (0, 1)
    row = judge([*mails, mail(3, node="node2")], [letter(1), letter(2), letter(3)], facts)
    assert not row.good and (row.twice, row.per_side) == (1, 1)
    row = judge([mail(1), mail(2, node="node2", at=30)], [letter(1), letter(2)], facts)
    assert not row.good and row.twice == 1, "the partition was over"
    row = judge([mail(1), mail(2, node="node3")], [letter(1), letter(2)], facts)
    assert not row.good and row.twice == 1, "two nodes of the same side"


def test_letter_that_nobody_owes_is_found():
    control = mail(1, answerable=False)
    assert judge([control], []).good
    assert judge([control], [letter(1)]).strangers == 1
    assert judge([mail(1)], [letter(7)]).strangers == 1


def test_resolution_while_nobody_has_resolved_is_found():
    row = judge([mail(1)], [letter(1, resolved=True)])
    assert not row.good and "is not" in row.culprits[-1][1]


def test_refused_letter_was_written():
    row = judge([mail(1)], [letter(1, taken=False)])
    assert row.good and row.refused == 1


FLIPS = [Flip(10, 11, "P2"), Flip(20, 21, "resolved"), Flip(30, 31, "P1")]


@pytest.mark.parametrize("begin, end, kinds", [
    (1, 2, {"active"}), (10.4, 10.6, {"active"}), (15, 16, {"active"}), (20.5, 20.6, {"active", "resolved"}),
    (19, 20.5, {"active", "resolved"}), (22, 23, {"resolved"}), (30.5, 30.6, {"active", "resolved"}), (32, 33, {"active"}),
])
def test_kind_of_letter_follows_the_flip_key(begin, end, kinds):
    assert kinds_between(FLIPS, begin, end) == kinds


def test_nothing_is_owed_while_nothing_is_on():
    assert kinds_between([Flip(10, 11, "none")], 12, 13) == {"nothing"}
    assert judge([mail(1, at=13)], [], Facts(flips=[Flip(10, 11, "none")])).due == 0


def test_who_wrote_before_and_after_the_fix_is_owed_both():
    mails = [mail(1, at=5), mail(2, at=25)]
    both = [letter(1), letter(2, resolved=True, message_id="<fixed-jane>")]
    row = judge(mails, both, Facts(flips=FLIPS))
    assert row.good and (row.due, row.answered) == (2, 2)
    assert judge(mails, both[:1], Facts(flips=FLIPS)).unanswered == 1
    assert judge(mails, both[:1], Facts(flips=FLIPS, withdrawn={JANE})).good


def test_active_letter_that_left_as_resolution_counts_for_both():
    assert judge([mail(1, at=19)], [letter(1, resolved=True)], Facts(flips=FLIPS)).good


def test_mail_at_the_very_flip_is_owed_one_letter_of_either_kind():
    row = judge([mail(1, at=20.6)], [], Facts(flips=FLIPS))
    assert not row.good and row.unanswered == 1
    assert judge([mail(1, at=20.6)], [letter(1)], Facts(flips=FLIPS)).good


def test_slowest_mail_is_the_wait_after_the_final_dot():
    assert round(judge([mail(1)], [letter(1)]).slowest_ms) == 100
