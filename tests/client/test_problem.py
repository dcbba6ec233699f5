from __future__ import annotations

import httpx
import pytest

from sigillo_client import Problem
from sigillo_client.problem import raise_for_problem


def test_problem_is_kept_whole() -> None:
    members = {"type": "urn:x", "title": "No", "detail": "because", "status": 422, "field": "title"}
    with pytest.raises(Problem) as refused:
        raise_for_problem(httpx.Response(422, json=members))
    problem = refused.value
    assert (problem.status, problem.type, problem.title, problem.detail) == (422, "urn:x", "No", "because")
    assert problem.members["field"] == "title"
    assert str(problem) == "No: because"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff"])
def test_what_is_no_problem_is_one_all_the_same(body: bytes) -> None:
    with pytest.raises(Problem, match="Bad Gateway") as refused:
        raise_for_problem(httpx.Response(502, content=body))
    assert refused.value.type == "about:blank"


def test_success_passes() -> None:
    raise_for_problem(httpx.Response(204))
