"""The door of a runtime: with keys, limits and revocations of real stores, in a process that serves inference and in one that does not."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from apikeys.public import revoke_key
from tests.proxy.asgi_help import Talk, open_talk
from tests.proxy.integration.rows_help import make_key, make_limit
from tests.proxy.integration.test_runtime import Plane, thread
from tests.proxy.integration.worker_help import PROMPTLY_S, wait_for
from tests.proxy.rest_door_help import FakeRest

__all__ = ["thread"]

pytestmark = pytest.mark.django_db(transaction=True)


class RestPlane(Plane):
    """A runtime whose door stands before a REST application that answers at once."""

    def __init__(self, *arguments, is_console: bool) -> None:
        super().__init__(*arguments)
        self._settings = replace(self._settings, is_console=is_console)
        self.rest = FakeRest()

    async def start(self) -> None:
        await super().start()
        self.door = self.runtime.open_rest_door(self.rest)

    def get(self, key: str, path: str = "/api/items") -> Talk:
        async def talk() -> Talk:
            headers = [(b"authorization", b"Bearer " + key.encode())]
            return await open_talk(self.door, "GET", path, headers=headers).done(within_s=20)

        return self._thread.run(talk())


@pytest.fixture(params=[False, True], ids=["all", "console"])
def plane(request, thread, tmp_path):
    if request.param:
        (tmp_path / "spool").write_text("a console needs no spool")
    plane = RestPlane(thread, tmp_path, os.environ["REDIS_URL"], is_console=request.param)
    thread.run(plane.start())
    yield plane
    thread.run(plane.runtime.stop())


def test_a_key_is_let_in_and_its_answers_are_kept(plane):
    key = make_key().secret.reveal()

    first = plane.get(key)
    wait_for(lambda: plane.get(key).headers["x-cache-status"] == "HIT")

    assert first.status == 200
    assert first.headers["x-gateway-revision"]


def test_a_revoked_key_gets_no_kept_answer_either(plane):
    created = make_key()
    key = created.secret.reveal()
    assert plane.get(key).status == 200

    revoke_key(created.api_key)

    wait_for(lambda: plane.get(key).status == 401, PROMPTLY_S)


def test_limits_of_a_key_bind_it(plane):
    limit = make_limit(amount=2, window_s=3600)
    key = make_key(limits=[limit]).secret.reveal()
    wait_for(lambda: str(limit.pk) in plane.runtime.holder.current.limits_by_id)

    assert [plane.get(key).status for _ in range(3)] == [200, 200, 429]
