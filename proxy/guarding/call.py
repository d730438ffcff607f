"""
One request under its policies: what is asked, what is answered, whole or in pieces, and what is written down of it.

Rules: what blocks is decided before it goes on. A finding is noted with a masked sample and never with its value. Checks that ask
somebody else run beside the call to the model where they can only block; where they may change the request they are waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter

from apikeys.hotpath import Principal
from guardrails.detection import Facts, TextUnit
from guardrails.engine.merge import merge_inspections
from guardrails.engine.off_loop import check_in_thread, is_large
from guardrails.engine.slow import run_slow
from guardrails.inspection import Inspection, apply_edits
from guardrails.json_text import CannotRewrite
from guardrails.vault import Vault
from proxy.errors import GatewayError, UpstreamError
from proxy.exchange import Exchange
from proxy.guarding.active import ActivePolicy
from proxy.guarding.arguments import rewrite_arguments
from proxy.guarding.notes import Notes, Phase, blocked_error, cannot_rewrite
from proxy.guarding.parts import inspect_parts, join_parts
from proxy.guarding.provider_errors import inspect_error
from proxy.guarding.stream import guard_stream
from proxy.guarding.stream_held import HeldStream
from proxy.guarding.stream_texts import StreamTexts
from proxy.guarding.texts import ReplyTexts, insert_note, read_reply, read_request, set_model
from proxy.guarding.unseen import holds_tokens, inspect_unseen
from proxy.stages.guard import AnswerRejected
from proxy.telemetry import guardrail_duration
from proxy.translators.translation import StreamTranslation
from proxy.wire.model_request import ModelRequest

_IN_SHADOW_MAX_COUNT = 64
_in_shadow: set[asyncio.Task[Inspection]] = set()
"""What rules in shadow ask just now, for all requests of this worker; more are not asked."""

_CHANGING = frozenset({"redact", "tokenise", "route", "retry"})


class PolicyCall:
    """The `GuardedCall` of a request. `policies`: the most specific first."""

    def __init__(
        self,
        policies: tuple[ActivePolicy, ...],
        version: str,
        principal: Principal,
        exchange: Exchange,
        policies_of: Callable[[str], Awaitable[tuple[ActivePolicy, ...]]] | None = None,
    ) -> None:
        """`policies_of` returns those of another model, for requests that a rule sends there."""
        self.version = version
        self._policies_of = policies_of
        self._policies = policies
        self._workspace_id = principal.workspace_id
        self._exchange = exchange
        self._notes = Notes(exchange)
        self._facts = Facts()
        self._vault: Vault | None = None
        self._beside: list[asyncio.Task[Inspection]] = []
        self._owner: asyncio.Task[None] | None = None
        self._is_awaited = False
        self._stream: StreamTexts | None = None
        self._passing: StreamTranslation | None = None
        self._asked: StreamTexts | None = None

    @property
    def may_keep_answer(self) -> bool:
        """Whether the answer says nothing that only this request may see: values that were put back in the places of tokens."""
        return self._vault is None

    # --- what is asked --------------------------------------------------------------------------------------------------------------

    async def check_request(self, request: ModelRequest) -> ModelRequest:
        policies = self._policies
        while policies:
            model = request.model
            request = await self._check_by(policies, request)
            policies = () if request.model == model else await self._join(request.model)
        return request

    async def _join(self, model: str) -> tuple[ActivePolicy, ...]:
        """Put the request under the policies of the model that it was sent to as well; return those that are new to it."""
        known = {policy.name for policy in self._policies}
        found = () if self._policies_of is None else await self._policies_of(model)
        added = tuple(policy for policy in found if policy.name not in known)
        self._policies += added
        self.version = ",".join([self.version, *(policy.digest for policy in added)])
        return added

    async def _check_by(self, policies: Sequence[ActivePolicy], request: ModelRequest) -> ModelRequest:
        estimate = self._exchange.reservation.estimate if self._exchange.reservation is not None else None
        texts = read_request(request, estimate.input_tokens if estimate is not None else 0)
        self._facts = texts.facts
        if holds_tokens(request):
            self._refuse_unseen(policies, request)
        if not texts.units:
            return request
        inspection = await self._inspect(policies, texts.units, "request")
        self._raise_if_blocked(inspection, "request")
        joined = join_parts(texts.units)
        if joined is not None:
            said = await inspect_parts(policies, joined, texts.units, self._facts, self._workspace_id, inspection.findings)
            for each in said:
                self._notes.take(each, "request")
            inspection = merge_inspections([inspection, *said])
            self._raise_if_blocked(inspection, "request")
        self._ask_in_shadow(policies, texts.units, "request")
        slow = [policy for policy in policies if policy.slow_rules]
        if slow:
            inspection = await self._ask_about_request(slow, texts.units, inspection)
        if inspection.edits:
            try:
                request = texts.rewrite(self._edited(texts.units, inspection))
            except CannotRewrite as error:
                raise cannot_rewrite(inspection, "request") from error
        if inspection.decision == "route" and inspection.route_to:
            request = set_model(request, inspection.route_to)
        return request

    def _refuse_unseen(self, policies: Sequence[ActivePolicy], request: ModelRequest) -> None:
        """Errors: ContentFiltered, unless all rules that could not read the request let it pass then."""
        unseen = [inspect_unseen(policy.compiled, request) for policy in policies]
        for inspection in unseen:
            self._notes.take(inspection, "request")
        self._raise_if_blocked(merge_inspections(unseen), "request")

    async def _ask_about_request(self, slow: Sequence[ActivePolicy], units: Sequence[TextUnit], so_far: Inspection) -> Inspection:
        """Ask the slow rules: wait for those that may change the request, begin those that can only block."""
        changing = [policy for policy in slow if any(rule.action in _CHANGING and rule.mode == "enforce" for rule in policy.slow_rules)]
        if changing:
            so_far = merge_inspections([so_far, await self._ask(changing, units, "request")])
            self._raise_if_blocked(so_far, "request")
        beside = [policy for policy in slow if policy not in changing]
        if beside:
            self._beside.append(asyncio.create_task(self._ask(beside, units, "request")))
        return so_far

    async def _ask(self, policies: Sequence[ActivePolicy], units: Sequence[TextUnit], phase: Phase) -> Inspection:
        """Return what slow rules say, all of them side by side; each under its own deadline."""
        asked = await asyncio.gather(*(run_slow(policy.compiled, units, self._facts, "enforce") for policy in policies))
        for inspection in asked:
            self._notes.take(inspection, phase)
        return merge_inspections(asked)

    def _ask_in_shadow(self, policies: Sequence[ActivePolicy], units: Sequence[TextUnit], phase: Phase) -> None:
        """
        Begin what slow rules in shadow would do. Nothing waits for it: what it says before the request ends is in the record, what it
        says later in the metrics alone.
        """
        for policy in policies:
            if policy.shadow_slow_rules and len(_in_shadow) < _IN_SHADOW_MAX_COUNT:
                task = asyncio.create_task(run_slow(policy.compiled, units, self._facts, "shadow"))
                _in_shadow.add(task)
                task.add_done_callback(partial(self._note_shadow, phase))

    def _note_shadow(self, phase: Phase, task: asyncio.Task[Inspection]) -> None:
        _in_shadow.discard(task)
        if not task.cancelled() and task.exception() is None:
            self._notes.take(task.result(), phase)

    def watch(self, on_block: Callable[[], None]) -> None:
        if not self._beside:
            return
        self._owner = asyncio.current_task()

        def look(task: asyncio.Task[Inspection]) -> None:
            if self._is_awaited or task.cancelled():
                return  # whoever waits is told
            if task.exception() is not None or task.result().decision == "block":
                on_block()

        for task in self._beside:
            task.add_done_callback(look)

    async def before_answer(self) -> None:
        for task in self._beside:
            if self._owner is not None and asyncio.current_task() is self._owner:
                self._is_awaited = True  # and not by a keepalive, which tells nobody
            self._raise_if_blocked(await asyncio.shield(task), "request")
        stream = self._stream
        if stream is not None and stream is not self._asked and self._passing is not None and self._passing.is_done:
            self._asked = stream
            asked = await self._ask_about_answer(stream.whole_units())
            if asked is not None and asked.edits:
                raise cannot_rewrite(asked, "response")

    # --- what is answered -----------------------------------------------------------------------------------------------------------

    async def check_reply(self, request: ModelRequest, body: bytes) -> bytes:
        if not self._is_answer_covered:
            return body
        texts = read_reply(request.operation, body)
        if not texts.units:
            return body
        inspection = await self._inspect(self._policies, texts.units, "response")
        asked = await self._ask_about_answer(texts.units)
        if asked is not None:
            inspection = merge_inspections([inspection, asked])
        self._raise_if_blocked(inspection, "response")
        # No tokens for what the model said: they would be turned back at once.
        changed = {place: apply_edits(texts.units[place].text, edits) for place, edits in inspection.edits.items()}
        try:
            if self._vault is not None and len(self._vault):
                changed = self._restored(texts, changed)
            return texts.rewrite(changed) if changed else body
        except CannotRewrite as error:
            raise cannot_rewrite(inspection, "response") from error

    async def _ask_about_answer(self, units: Sequence[TextUnit]) -> Inspection | None:
        if not units:
            return None
        self._ask_in_shadow(self._policies, units, "response")
        slow = [policy for policy in self._policies if policy.covers_answers and policy.slow_rules]
        if not slow:
            return None
        asked = await self._ask(slow, units, "response")
        self._raise_if_blocked(asked, "response")
        return asked

    @property
    def _is_answer_covered(self) -> bool:
        return self._vault is not None or any(policy.covers_answers for policy in self._policies)

    def guard_stream(self, request: ModelRequest, stream: StreamTranslation) -> StreamTranslation:
        if not self._is_answer_covered:
            return stream
        self._stream = StreamTexts(self._policies, self._facts, self._vault)
        guarded = guard_stream(stream, request.operation, self._stream)
        is_awaited = any(policy.is_answer_awaited for policy in self._policies)
        self._passing = HeldStream(guarded) if is_awaited else guarded
        return self._passing

    def insert_note(self, request: ModelRequest, note: str) -> ModelRequest:
        return insert_note(request, note)

    def check_error(self, error: GatewayError) -> None:
        if isinstance(error, UpstreamError):
            for inspection in inspect_error(error, self._policies, self._facts, self._vault):
                self._notes.take(inspection, "response")

    def note_stream(self) -> None:
        if self._stream is not None:
            for inspection in self._stream.inspections():
                self._notes.take(inspection, "response")

    def close(self) -> None:
        for task in self._beside:
            task.cancel()

    # --- both -----------------------------------------------------------------------------------------------------------------------

    async def _inspect(self, policies: Sequence[ActivePolicy], units: Sequence[TextUnit], phase: Phase) -> Inspection:
        began_at = perf_counter()
        is_off_loop = is_large(units)
        inspections: list[Inspection] = []
        for policy in policies:
            if phase == "response" and not policy.covers_answers:
                continue
            if is_off_loop:
                inspection = await check_in_thread((policy.compiled,), units, self._facts, self._workspace_id)
            else:
                inspection = policy.compiled.check(units, self._facts, self._workspace_id)
            self._notes.take(inspection, phase)
            inspections.append(inspection)
        guardrail_duration(phase).observe(perf_counter() - began_at)
        return merge_inspections(inspections)

    def _raise_if_blocked(self, inspection: Inspection, phase: Phase) -> None:
        """Errors: ContentFiltered; AnswerRejected for an answer that may be given anew."""
        if inspection.decision == "block" or (phase == "request" and inspection.decision == "retry"):
            raise blocked_error(inspection, phase)
        if phase == "response" and inspection.decision == "route":
            raise blocked_error(inspection, phase)
        if inspection.decision == "retry":
            raise AnswerRejected(inspection.note, blocked_error(inspection, phase))

    def _edited(self, units: Sequence[TextUnit], inspection: Inspection) -> dict[int, str]:
        """Return the new texts of those units that have edits."""
        edits = inspection.edits
        if self._vault is None and any(edit.is_reversible for each in edits.values() for edit in each):
            self._vault = Vault([unit.text for unit in units], self._external_tools())
        if self._vault is None:
            return {place: apply_edits(units[place].text, each) for place, each in edits.items()}
        return {place: self._vault.protect(units[place].text, each) for place, each in edits.items()}

    def _restored(self, texts: ReplyTexts, changed: dict[int, str]) -> dict[int, str]:
        """Return the new texts with the values in the places of their tokens, where the texts may be changed at all."""
        vault = self._vault
        if vault is None:
            return changed
        restored = dict(changed)
        units = texts.units
        known: set[int] = set()
        for place, unit in enumerate(units):
            if unit.is_call and not texts.is_fixed(place):
                known.update(self._restore_call(vault, units, place, restored))
        for place, unit in enumerate(units):
            if place in known or unit.is_call or texts.is_fixed(place) or (unit.tool and vault.is_external(unit.tool)):
                continue
            before = changed.get(place, unit.text)
            after = vault.restore(before)
            if after != before:
                restored[place] = after
        return restored

    @staticmethod
    def _restore_call(vault: Vault, units: Sequence[TextUnit], call: int, restored: dict[int, str]) -> range:
        """
        Put the values into a call as a whole, where keys have theirs too and JSON within a text stays JSON; return the places of its
        texts. Errors: CannotRewrite.
        """
        end = call + 1
        while end < len(units) and units[end].direction == "tool_arguments" and not units[end].is_call:
            end += 1
        tool, arguments = units[call].tool, units[call].text
        if vault.restore_arguments(tool, arguments) != arguments:
            own = {place - call: restored.pop(place) for place in range(call, end) if place in restored}
            restored[call] = vault.restore_arguments(tool, rewrite_arguments(arguments, own))
        return range(call, end)

    def _external_tools(self) -> list[str]:
        return [name for policy in self._policies for name in policy.compiled.document.external_tools]
