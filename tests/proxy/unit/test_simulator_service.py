"""The plain service: /infer, and what the simulator tells about itself."""

from __future__ import annotations

from pathlib import Path

from proxy.simulator.app import Simulator
from proxy.simulator.behaviour import BEHAVIOURS
from proxy.simulator.journal import KEPT_COUNT, Journal
from proxy.simulator.responses import Responses
from proxy.simulator.routes import Routes
from proxy.simulator.service import Service
from proxy.simulator.testing import call

MESSAGES = [{"role": "user", "content": "Hello"}]


async def test_infer_repeats_its_result_and_shows_that_it_was_asked_again():
    app = Simulator()

    first, again = await call(app, "GET", "/infer?input=abc"), await call(app, "GET", "/infer?input=abc")

    results = [{key: each.json()[key] for key in ("input", "label", "score", "output")} for each in (first, again)]
    assert results[0] == results[1]
    assert [first.json()["serial"], again.json()["serial"]] == [1, 2]


async def test_infer_takes_objects_other_json_and_text():
    app = Simulator()

    inputs = [
        (await call(app, "POST", "/infer", {"input": "a"})).json()["input"],
        (await call(app, "POST", "/infer", b'"b"')).json()["input"],
        (await call(app, "POST", "/infer", b"plain text")).json()["input"],
    ]

    assert inputs == ["a", "b", "plain text"]


async def test_infer_refuses_broken_json_and_behaves_like_the_model_it_is_given():
    broken = await call(Simulator(), "POST", "/infer", b"{", {"content-type": "application/json"})
    failing = await call(Simulator(), "GET", "/infer?input=a&model=sim-500")

    assert broken.status == 400
    assert failing.status == 500


async def test_logs_show_the_last_requests_and_can_be_cleared():
    app = Simulator()
    await call(app, "POST", "/v1/chat/completions", {"model": "sim-fast", "messages": MESSAGES}, {"x-probe": "secret"})
    await call(app, "POST", "/v1/chat/completions", {"model": "sim-429", "messages": MESSAGES})

    first, second = (await call(app, "GET", "/logs")).json()["requests"]
    limited = (await call(app, "GET", "/logs?limit=1")).json()["requests"]
    cleared = (await call(app, "DELETE", "/logs")).json()

    assert [first[key] for key in ("method", "path", "model", "status")] == ["POST", "/v1/chat/completions", "sim-fast", 200]
    assert first["duration_ms"] > 0
    assert (first["headers"], first["disconnected"]) == (["x-probe"], False)
    assert second["status"] == 429
    assert limited == [second]
    assert cleared == {"cleared": 2}
    assert (await call(app, "GET", "/logs")).json() == {"requests": []}


async def test_logs_keep_two_hundred_requests():
    app = Simulator()
    for _ in range(KEPT_COUNT + 5):
        await call(app, "GET", "/v1/models")

    assert KEPT_COUNT == len((await call(app, "GET", "/logs")).json()["requests"]) == 200


async def test_metrics_count_by_model_and_status():
    app = Simulator()
    await call(app, "POST", "/v1/chat/completions", {"model": "sim-fast", "messages": MESSAGES})
    await call(app, "POST", "/v1/chat/completions", {"model": 'odd"\n', "messages": MESSAGES, "max_tokens": 1}, {"x-sim-delay-ms": "0"})
    await call(app, "POST", "/v1/chat/completions", {"model": "sim-hang", "messages": MESSAGES}, leave_after=0)

    called = await call(app, "GET", "/metrics")

    lines = called.body.decode().splitlines()
    assert called.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'simulator_requests_total{model="sim-fast",status="200"} 1' in lines
    assert r'simulator_requests_total{model="odd\"\n",status="200"} 1' in lines
    assert 'simulator_requests_total{model="sim-hang",status="none"} 1' in lines
    assert "simulator_disconnects_total 1" in lines
    assert "simulator_active_requests 0" in lines
    assert "simulator_active_streams 0" in lines


async def test_metrics_bound_the_number_of_model_labels():
    app = Simulator()
    for number in range(120):
        await call(app, "GET", f"/v1/models/sim-{number}")

    text = (await call(app, "GET", "/metrics")).body.decode()

    assert text.count('model="sim-') == 100
    assert 'simulator_requests_total{model="other",status="404"} 20' in text


async def test_looking_at_the_simulator_needs_no_key_and_leaves_no_trace():
    app = Simulator("right")

    statuses = [(await call(app, "GET", path)).status for path in ("/healthz", "/metrics", "/logs")]

    assert statuses == [200, 200, 200]
    assert (await call(app, "GET", "/logs")).json() == {"requests": []}
    assert (await call(app, "GET", "/infer")).status == 401


def test_every_model_and_every_path_is_in_the_reference():
    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "simulator.md").read_text(encoding="utf-8")
    paths = Routes(Service(Journal()), Responses()).templates()

    missing = [name for name in (*BEHAVIOURS, *paths) if f"`{name}`" not in page]

    assert missing == []
