"""
One text that arrives in pieces: what may be sent of it is sent, what may still become a match is held, what matched is hidden.

The law: for every text and every way to cut it, what is sent says the same as what is sent for the text in one piece. Why it holds:
(1) `decided` is the first place where a match may begin whose end is not known; all matches that begin before it are known for good,
because nothing that arrives later can touch them. (2) Nothing at or behind `decided` is sent, so no character of an unknown match is.
(3) A known match that reaches over `decided` is held with it, so the union of overlapping matches is the same. (4) A pattern is searched
from the end of its own last match, as it is in one piece.

Rules: patterns see the main view (`guardrails.views.fold`, which knows no neighbours); what is hidden is hidden in the original.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from guardrails.detection import Facts, Hit, Subject, TextUnit
from guardrails.engine.overlap import Span, merge_spans
from guardrails.engine.stream_policy import HIDING, HOLDING, REPORTING, STOPPING, ReadyRule, StreamPolicy, StreamRule
from guardrails.engine.transform import StreamBlocked
from guardrails.engine.words import is_at_word_edges
from guardrails.errors import CouldNotScan
from guardrails.patterns import LEFT_CHARACTERS, REFINED_CHARACTERS, Candidate
from guardrails.policy_document import Action
from guardrails.views import View, fold

MOST_HELD_CHARACTERS = 1 << 21
"""More is never held: the rule could not look, and its fail mode decides."""

_KEPT_BYTES = 4 * (REFINED_CHARACTERS + 16)
"""How much text before the undecided part stays, for validators, detectors and word edges."""

_TRIMMED_BYTES = 4 * _KEPT_BYTES
"""How much is let gather before it is cut."""

_NO_FACTS = Facts()

Render = Callable[[str, str, bool], str]
"""(label, value, is_reversible) -> what stands in the value's place."""


@dataclass(frozen=True, slots=True)
class StreamFinding:
    """A hit of a rule, in offsets of the whole text. `value` is for masking and for reversible tokens; it is never stored."""

    hit: Hit
    rule: str
    action: Action
    value: str


def bracketed(label: str, _value: str, _is_reversible: bool) -> str:
    return f"[{label}]"


_WORD_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def _goes_on(data: bytes, outside: int, edge: int) -> bool:
    """Whether an ASCII word plainly goes on beyond a match: what most matches of digits in digits are refused for."""
    return 0 <= outside < len(data) and data[outside] in _WORD_BYTES and data[edge] < 0x80


class TextStream:
    """
    A `TextTransformer` that hides what a policy's patterns find; `findings` grow as the text arrives, and so do the names of rules that
    could not look: those in `degraded_rules` let the text pass, those in `failed_rules` acted as if they had hit.

    Errors: StreamBlocked, also when the engine fails and the policy's fail mode is closed. With fail mode open the rest is passed on
    as it is, and every rule is degraded.
    Cost: 4 us for a piece of 16 characters of prose, wherever in the text; memory for what is held and 2 KB.
    """

    __slots__ = (
        "_active", "_archive", "_awake", "_base", "_cursors", "_data", "_decided", "_facts", "_fired", "_is_ascii", "_is_open",
        "_is_unseen", "_late", "_offsets", "_pending", "_policy", "_released", "_render", "_reported", "_reporting", "_scan", "_settled",
        "_start", "_stopped", "_text", "_text_base", "_triggers", "degraded_rules", "failed_rules", "findings",
    )  # fmt: skip

    def __init__(self, policy: StreamPolicy, render: Render = bracketed, facts: Facts = _NO_FACTS) -> None:
        self.findings: list[StreamFinding] = []
        self.degraded_rules: set[str] = set()
        self.failed_rules: set[str] = set()
        self._policy = policy
        self._render = render
        self._triggers = policy.triggers.open()
        self._scan = self._triggers.scan
        self._fired = self._triggers.fired
        self._start = policy.holding.start
        self._late = TextStream(policy.at_end, facts=facts) if policy.at_end is not None else None
        self._facts = facts
        self._archive: list[str] | None = [] if policy.is_whole else None
        # The buffer: `_data` is the view of `_text`; both lost what was cut, `_base` bytes and `_text_base` characters.
        self._data = b""
        self._base = 0
        self._text = ""
        self._text_base = 0
        self._offsets: list[int] | None = None
        self._is_ascii = True
        # Bytes of `_data` before which no match of a holding (reporting) rule is open; characters of `_text` that were sent.
        self._decided = 0
        self._reported = 0
        self._released = 0
        # By rule: the end of its last trigger, while it may lie in a match to come; where its next match may begin. Absolute bytes.
        self._active: dict[int, int] = {}
        self._reporting: dict[int, int] = {}
        self._cursors: dict[int, int] = {}
        # By crowd: the end of its last trigger, 0 while it sleeps; before which place all its matches are known. Absolute bytes.
        self._awake = [0, 0]
        self._settled = [0, 0]
        self._pending: list[Span] = []
        self._is_open = True
        self._is_unseen = False
        self._stopped: StreamBlocked | None = None

    @property
    def held_count(self) -> int:
        """Units: characters."""
        return len(self._text) - self._released

    def feed(self, text: str) -> str:
        if not self._is_open:
            return self._after_end(text)
        if self._archive is not None:
            return self._keep(text)
        try:
            return self._feed(text)
        except StreamBlocked as blocked:
            self._drop(blocked)
            raise
        except Exception as error:  # whatever failed, the text was not seen: the fail mode decides, and closed sends nothing raw
            return self._fail(error)

    def close(self) -> str:
        if not self._is_open:
            return self._after_end("")
        try:
            if self._archive is not None:
                self._released = 0
                self._append("".join(self._archive))
            rest = self._finish()
        except StreamBlocked as blocked:
            self._drop(blocked)
            raise
        except Exception as error:  # as above
            return self._fail(error)
        self._end()
        return rest

    def _feed(self, text: str) -> str:
        self._append(text)
        data = self._data
        decided = self._start(data, self._decided)
        if self._fired:
            self._activate()
        self._decided = decided
        awake = self._awake
        if self._active:
            self._settle(self._active, decided)
        if awake[HOLDING]:
            self._settle_crowd(HOLDING, decided)
        if self._reporting or awake[REPORTING]:
            self._reported = self._policy.reporting.start(data, self._reported)
            self._settle(self._reporting, self._reported)
            self._settle_crowd(REPORTING, self._reported)
        released = self._released
        if not self._pending and self._is_ascii and self._offsets is None:
            self._released = decided
            sent = self._text[released:decided]
        else:
            sent = self._send(self._origin(decided))
        if decided > _TRIMMED_BYTES:
            self._trim()
            if self.held_count > MOST_HELD_CHARACTERS:
                raise CouldNotScan("More text would be held than is allowed.")
        return sent

    def _append(self, text: str) -> None:
        before = len(self._text)
        self._text += text
        view = fold(text)
        data = view.data
        if view.offsets is not None or self._offsets is not None:
            self._map(view, before)
        if len(data) != len(view.text):
            self._is_ascii = False
        self._data += data
        if self._late is not None:
            self._late.feed(text)
        self._scan(data)

    def _map(self, view: View, before: int) -> None:
        """Note where the piece's characters lie; `before` is the length of the text before it."""
        if self._offsets is None:
            self._offsets = list(range(before))
        if view.offsets is None:
            self._offsets.extend(range(before, before + len(view.text)))
        else:
            self._offsets.extend(before + view.offsets[at] for at in range(len(view.text)))

    def _origin(self, at: int) -> int:
        """Return the character of the text that byte `at` of the view stands for."""
        place = at if self._is_ascii else len(self._data[:at].decode())
        offsets = self._offsets
        if offsets is None:
            return place
        return offsets[place] if place < len(offsets) else len(self._text)

    def _origin_end(self, at: int) -> int:
        """The same for the end of a match: a character that became several is covered whole, as by `View.original_span`."""
        offsets = self._offsets
        if offsets is None:
            return self._origin(at)
        place = at if self._is_ascii else len(self._data[:at].decode())
        while 0 < place < len(offsets) and offsets[place] == offsets[place - 1]:
            place += 1
        return offsets[place] if place < len(offsets) else len(self._text)

    def _activate(self) -> None:
        """Wake the rules whose triggers fired. No match of theirs can begin before what was decided when the last piece came."""
        policy, cursors = self._policy, self._cursors
        floors = (self._base + self._decided, self._base + self._reported)
        for trigger, end in self._fired.items():
            wake = policy.wakes[trigger]
            for index in wake.rules:
                is_holding = policy.rules[index].rule.is_holding
                (self._active if is_holding else self._reporting)[index] = end
                floor = floors[HOLDING if is_holding else REPORTING]
                if cursors.get(index, -1) < floor:
                    cursors[index] = floor
            for crowd in wake.crowds:
                self._awake[crowd] = max(self._awake[crowd], end)
                self._settled[crowd] = max(self._settled[crowd], floors[crowd])
        self._fired.clear()

    def _settle(self, active: dict[int, int], limit: int) -> None:
        """Find the matches of woken rules that begin before byte `limit`, which are all known; put rules to sleep that are done."""
        base, data = self._base, self._data
        for index, trigger_end in list(active.items()):
            ready = self._policy.rules[index]
            at = max(self._cursors[index] - base, 0)
            if at >= limit:
                continue
            while (spans := ready.search(data, at, limit)) is not None:
                at = spans[0][1]
                self._judge(ready, spans)
            self._cursors[index] = cursor = base + max(at, limit)
            if trigger_end <= cursor:
                del active[index]

    def _settle_crowd(self, crowd: int, limit: int) -> None:
        """The same for rules that wake together: only those are searched that match somewhere in what is not settled."""
        base, data, cursors = self._base, self._data, self._cursors
        first = self._settled[crowd] - base
        if not self._awake[crowd] or first >= limit:
            return
        for index, may_be_valid in self._policy.crowds[crowd].suspects(data, first):
            ready = self._policy.rules[index]
            at = max(cursors.get(index, 0) - base, first)
            while at < limit and (spans := ready.search(data, at, limit)) is not None:
                at = spans[0][1]
                if may_be_valid:
                    self._judge(ready, spans)
            cursors[index] = base + at
        self._settled[crowd] = base + limit
        if self._awake[crowd] <= base + limit:
            self._awake[crowd] = 0

    def _judge(self, ready: ReadyRule, spans: list[tuple[int, int]]) -> None:
        """Take a match for what it is: nothing, a finding, something to hide, or the end of the stream."""
        rule, data = ready.rule, self._data
        pattern = rule.pattern
        start, end = spans[0]
        if pattern.is_word and (_goes_on(data, start - 1, start) or _goes_on(data, end, end - 1)):
            return
        match = data[start:end].decode()
        left = data[max(0, start - _KEPT_BYTES) : start].decode(errors="ignore")[-LEFT_CHARACTERS:]
        right = data[end : end + 4].decode(errors="ignore")[:1]
        if pattern.is_word:
            edge = left[-1:]
            if not is_at_word_edges(edge + match + right, len(edge), len(edge) + len(match)):
                return
        hidden = spans[pattern.group]
        if not 0 <= hidden[0] < hidden[1]:
            hidden = spans[0]
        value = match if hidden == spans[0] else data[hidden[0] : hidden[1]].decode()
        if pattern.is_valid is not None:
            try:
                if not pattern.is_valid(Candidate(value, match, left, right)):
                    return
            except Exception:  # a validator's bug must not let its candidate pass
                if rule.fail_mode == "open":
                    self.degraded_rules.add(rule.rule)
                    return
                self.failed_rules.add(rule.rule)
        first = self._text_base + self._origin(hidden[0])
        last = self._text_base + self._origin_end(hidden[1])
        hit = Hit(pattern.label, first, last, pattern.score, pattern.reason, pattern.name)
        for each in (hit,) if rule.refine is None else self._refine(rule, hit):
            self._take(rule, each, value)

    def _take(self, rule: StreamRule, hit: Hit, value: str) -> None:
        self.findings.append(StreamFinding(hit, rule.rule, rule.action, value))
        if rule.action in STOPPING or (rule.action in HIDING and hit.start >= hit.end):  # nothing to hide it by
            raise StreamBlocked(rule.rule, rule.action)
        if rule.action in HIDING:
            self._pending.append(Span(hit.start, hit.end, hit.label, rule.severity, rule.action == "tokenise"))

    def _refine(self, rule: StreamRule, hit: Hit) -> Sequence[Hit]:
        """Return what the rule's detector says of a match; where it fails, the match counts unless the rule's fail mode is open."""
        base = max(self._text_base, hit.start - REFINED_CHARACTERS)
        window = self._text[base - self._text_base : hit.end - self._text_base]
        subject = Subject(TextUnit(window, direction="response", trust="assistant"), self._facts)
        try:
            found = rule.refine(subject, replace(hit, start=hit.start - base, end=hit.end - base)) if rule.refine is not None else ()
        except Exception:  # a detector's bug must not let a match pass
            if rule.fail_mode == "open":
                self.degraded_rules.add(rule.rule)
                return ()
            self.failed_rules.add(rule.rule)
            return (hit,)
        return [replace(each, start=each.start + base, end=each.end + base) for each in found]

    def _send(self, upto: int) -> str:
        """Return the text up to character `upto`, or up to the edit that reaches over it, with its edits made."""
        if not self._pending:
            sent = self._text[self._released : upto]
            self._released = upto
            return sent
        text, base = self._text, self._text_base
        pieces: list[str] = []
        at = self._released
        for edit in merge_spans(self._pending):
            first, last = edit.start - base, edit.end - base
            if last > upto:
                upto = min(upto, first)
                break
            pieces += (text[at:first], self._render(edit.label, text[first:last], edit.is_reversible))
            at = last
        pieces.append(text[at:upto])
        self._released = upto
        self._pending = [span for span in self._pending if span.start >= base + upto]
        return "".join(pieces)

    def _trim(self) -> None:
        """Cut what nobody looks at any more. Cost: a look at what is kept, once in a kilobyte."""
        data = self._data
        self._reported = self._policy.reporting.start(data, self._reported)
        cut = min(self._decided, self._reported) - _KEPT_BYTES
        while cut > 0 and data[cut] & 0xC0 == 0x80:
            cut -= 1
        origin = self._origin(max(cut, 0))
        if cut <= 0 or origin > self._released:
            return
        if self._offsets is not None:
            place = len(data[:cut].decode())
            self._offsets = [each - origin for each in self._offsets[place:]]
            if self._offsets == list(range(len(self._text) - origin)):
                self._offsets = None
        self._data = data = data[cut:]
        self._base += cut
        self._text = self._text[origin:]
        self._text_base += origin
        self._decided -= cut
        self._reported -= cut
        self._released -= origin
        if not self._is_ascii:
            self._is_ascii = data.isascii()

    def _finish(self) -> str:
        if self._fired:
            self._activate()
        beyond = len(self._data) + 1
        self._settle(self._active, beyond)
        self._settle(self._reporting, beyond)
        self._settle_crowd(HOLDING, beyond)
        self._settle_crowd(REPORTING, beyond)
        if self._late is not None:
            self._late.close()
            self.findings += self._late.findings
            self.degraded_rules |= self._late.degraded_rules
            self.failed_rules |= self._late.failed_rules
        return self._send(len(self._text))

    def _keep(self, text: str) -> str:
        archive = self._archive
        self._released -= len(text)  # `held_count` counts what the archive holds
        if archive is not None and self.held_count <= MOST_HELD_CHARACTERS:
            archive.append(text)
            return ""
        return self._fail(CouldNotScan("More text would be held than is allowed."), text)

    def _fail(self, error: Exception, unseen: str = "") -> str:
        if self._policy.fail_mode == "closed":
            self.failed_rules.update(each.rule.rule for each in self._policy.rules)
            holding = next((each.rule for each in self._policy.rules if each.rule.is_holding and each.rule.fail_mode == "closed"), None)
            blocked = StreamBlocked(holding.rule if holding else "", is_failure=True)
            self._drop(blocked)
            raise blocked from error
        self.degraded_rules.update(each.rule.rule for each in self._policy.rules)
        self._is_unseen = True
        try:
            rest = ("".join(self._archive) if self._archive is not None and not self._text else self._send(len(self._text))) + unseen
        finally:
            self._end()
        return rest

    def _drop(self, blocked: StreamBlocked) -> None:
        self._stopped = blocked
        self._end()

    def _end(self) -> None:
        self._is_open = False
        self._data = b""
        self._text = ""
        self._released = 0
        self._archive = None
        self._pending = []
        self._triggers.close()

    def _after_end(self, text: str) -> str:
        """After a failure that is let pass, text goes through unseen; after a block, nothing does."""
        if self._stopped is not None:
            raise self._stopped
        if text and not self._is_unseen:
            raise CouldNotScan("The text was closed before.")
        return text
