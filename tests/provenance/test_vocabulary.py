"""The lists are those of the specifications."""

from __future__ import annotations

from c2pa import C2paDigitalSourceType

from provenance.vocabulary import (
    ACTIONS,
    GENERATIVE,
    TRAINING_MINING_ENTRIES,
    UNAVAILABLE_ACTIONS,
    DigitalSourceType,
)


def test_the_source_types_are_those_that_c2pa_knows() -> None:
    """c2pa-python's enumeration is the current list, under the same names."""
    assert {each.name for each in DigitalSourceType} == {each.name for each in C2paDigitalSourceType}


def test_a_source_type_is_its_full_uri_and_its_name() -> None:
    for each in DigitalSourceType:
        authority, _, term = each.rpartition("/")
        assert authority in {
            "http://cv.iptc.org/newscodes/digitalsourcetype",
            "http://c2pa.org/digitalsourcetype",
        }
        assert "".join(word.title() for word in each.name.split("_")) == term[0].upper() + term[1:]


def test_what_captures_the_world_is_not_generative() -> None:
    assert not GENERATIVE & {DigitalSourceType.DIGITAL_CAPTURE, DigitalSourceType.COMPUTATIONAL_CAPTURE}


def test_no_action_is_both_offered_and_withheld() -> None:
    assert not ACTIONS & UNAVAILABLE_ACTIONS.keys()
    assert all(action.startswith("c2pa.") for action in (*ACTIONS, *UNAVAILABLE_ACTIONS))


def test_all_four_training_mining_entries_are_there() -> None:
    """CAWG Training and Data Mining 1.1, section 2."""
    assert set(TRAINING_MINING_ENTRIES) == {
        "cawg.data_mining",
        "cawg.ai_inference",
        "cawg.ai_training",
        "cawg.ai_generative_training",
    }
