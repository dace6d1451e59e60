"""What is remembered of messages to support: one message per problem."""

from __future__ import annotations

import pytest

from iea_agent.domain.support_memory import (
    MOST_MESSAGES,
    SAME_PROBLEM,
    SupportMemory,
    WrittenMessage,
    parse_support_memory,
)

NOW = 1_796_000_000.0


def message(at: float, code: str = "IEA-T05") -> WrittenMessage:
    return WrittenMessage(at, code, "Serveur de connexion 3.00.72", "Bonjour,\nété", is_sent=True)


def test_a_second_message_about_the_same_problem_is_noticed_for_three_days() -> None:
    memory = SupportMemory().add("Zoé", message(NOW)).add("Zoé", message(NOW + 5, "IEA-N02"))
    assert memory.find_earlier("IEA-T05", NOW + SAME_PROBLEM) == message(NOW)
    assert memory.find_earlier("IEA-T05", NOW + SAME_PROBLEM + 1) is None
    assert memory.find_earlier("IEA-P01", NOW) is None
    # a clock that was set back since then
    assert memory.find_earlier("IEA-T05", NOW - 1) is None


def test_the_newest_messages_stay_and_what_is_written_is_read() -> None:
    memory = SupportMemory()
    for number in range(MOST_MESSAGES + 3):
        memory = memory.add(f"Zoé {number}", message(NOW + number))
    assert len(memory.messages) == MOST_MESSAGES
    assert memory.messages[-1].at == NOW + MOST_MESSAGES + 2
    assert parse_support_memory(memory.to_document()) == memory


@pytest.mark.parametrize(
    "document",
    [
        *({}, {"contact": 3, "messages": []}, {"contact": "x" * 300, "messages": []}),
        *({"contact": "", "messages": [3]}, {"contact": "", "messages": [{}] * (MOST_MESSAGES + 1)}),
        {"contact": "", "messages": [{"at": NOW, "code": "", "subject": "", "body": "", "is_sent": 1}]},
    ],
)
def test_what_is_no_memory_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_support_memory(document)
