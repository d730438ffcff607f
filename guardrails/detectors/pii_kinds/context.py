"""
What the words before a value say of it.

Rules: only the last `NEAR_CHARACTERS` before a value count. A word of a table stands for itself, `word*` for all words that begin so,
`two_words` for words in a row; words of scripts without capitals or spaces are found inside of others too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache

from guardrails.engine.database import Database, build_database
from guardrails.patterns import Pattern

NEAR_CHARACTERS = 48
"""40 characters of words, and what lies between the last of them and the value. Units: characters."""

_WORD = re.compile(r"[^\W_]+")
_KNOWN_COUNT = 2_000

Tokens = tuple[str, ...]

NOT_PERSONAL = (
    "order* invoice* tracking* tracked shipment* parcel* package* waybill part parts sku serial* model* ticket* case issue* bug "
    "commit* sha "
    "sha1 sha256 hash* md5 checksum* digest* uuid guid version* ver release* build* isbn* issn ean ean13 gtin* upc barcode* asin doi rfc "
    "timestamp* epoch unix unixtime seconds secs millis milliseconds ms latency price* cost* total* sum amount* bytes size* offset* port "
    "pid line lines row rows page pages item* product* article* catalog* batch* lot revenue* population* request* trace* span "
    "session* seed "
    "error* job task* thread* process* block height nonce gas wei satoshi* pixel* width firmware revision rev chapter section paragraph "
    "imei* iccid* imsi* figure equation build_number quantity qty stock warehouse bestellung* rechnung* sendung* pedido* factura* "
    "commande* facture* ordine "
    "fattura* zamowieni* faktur*"
)
"""What numbers are called that belong to no person."""

PERSONAL = (
    "national_id* identity identification* personal_number* personal_id* personal_code personal_identi* tax_id* taxpayer* "
    "tax_number* tax_no "
    "tax_code* tax_ref* tin social_security* social_insurance* national_insurance* insurance_number citizen* resident_id* national_number* "
    "government_id* id_card* identity_card* id_number* id_no ssn fiscal* nationality passport* birth_number*"
)
"""What papers and numbers of persons are called in English, whatever the country."""

NUMBER_NOUNS = "id ids no nr num number* identi* tax* personal national citizen* social resident* registration code vat company business"
"""Together with the name of a country, these speak of that country's numbers."""

REGION_WORDS = {
    "us": "us usa american* united_states irs",
    "gb": "uk gb british britain united_kingdom england hmrc",
    "de": "german* deutsch*",
    "fr": "french france francais*",
    "es": "spanish spain espan*",
    "it": "italian* italy italia*",
    "pl": "polish poland polsk*",
    "nl": "dutch netherlands nederland*",
    "be": "belgi*",
    "pt": "portug*",
    "at": "austria* osterreich*",
    "ch": "swiss switzerland schweiz* suisse svizzer*",
    "ie": "irish ireland",
    "se": "swedish sweden svensk*",
    "fi": "finnish finland suomi suomalainen",
    "dk": "danish denmark dansk*",
    "no": "norwegian norway norsk* norge",
    "cz": "czech* slovak* cesk*",
    "ro": "romania*",
    "bg": "bulgaria*",
    "gr": "greek greece hellenic",
    "tr": "turkish turkey turkiye turk",
    "hr": "croatia* hrvatsk*",
    "si": "slovenia* serbia* bosnia* montenegr* macedonia*",
    "ee": "estonia* lithuania* eesti lietuv*",
    "lv": "latvia*",
    "hu": "hungar* magyar*",
    "is": "iceland*",
    "ru": "russia*",
    "ua": "ukrain*",
    "ca": "canad*",
    "br": "brazil* brasil*",
    "ar": "argentin*",
    "cl": "chile*",
    "mx": "mexic*",
    "co": "colombia*",
    "pe": "peru*",
    "ec": "ecuador*",
    "do": "dominican*",
    "in": "india*",
    "au": "australia*",
    "nz": "new_zealand* nz",
    "za": "south_africa*",
    "sg": "singapore*",
    "hk": "hong_kong*",
    "jp": "japan*",
    "kr": "korea*",
    "cn": "chinese china prc",
    "tw": "taiwan*",
    "il": "israel*",
    "th": "thai*",
    "my": "malaysia*",
    "id": "indonesia*",
    "pk": "pakistan*",
    "ae": "emirat* uae",
    "sa": "saudi*",
    "eg": "egypt*",
    "kz": "kazakh*",
}


class Words:
    """A table of words, ready to be found before a value."""

    __slots__ = ("_exact", "_known", "_others", "_sizes", "_stems", "keys")

    def __init__(self, table: str) -> None:
        self._exact: dict[str, list[Tokens]] = {}
        self._stems: dict[str, list[Tokens]] = {}
        self._others: list[str] = []
        self._known: dict[str, list[Tokens]] = {}
        keys = []
        for word in table.split():
            *before, last = word.rstrip("*").split("_")
            if not last[0].isascii():
                self._others.append(last)
            else:
                (self._stems if word.endswith("*") else self._exact).setdefault(last, []).append(tuple(before))
            keys.append(last if last[0].isascii() and not word.endswith("*") else f"{last}*")
        self._sizes = sorted({len(each) for each in self._stems})
        self.keys = frozenset(keys)
        """The last word of each entry, with its star."""

    def last(self, before: Tokens) -> int:
        """Return which of the words before a value is the last that is in the table, -1 if none is. Cost: 0.1 us a word."""
        for index in range(len(before) - 1, -1, -1):
            token = before[index]
            if token.isdigit():
                continue
            found = self._known.get(token)
            if found is None:
                found = self._look_up(token)
            for each in found:
                if not each or before[max(0, index - len(each)) : index] == each:
                    return index
        return -1

    def are_in(self, before: Tokens) -> bool:
        return self.last(before) >= 0

    def _look_up(self, token: str) -> list[Tokens]:
        """Return what must stand before the token, for each entry that ends with it."""
        found = list(self._exact.get(token, ()))
        for size in self._sizes:
            found += self._stems.get(token[:size], ()) if size <= len(token) else ()
        if not token.isascii() and any(each in token for each in self._others):
            found.append(())
        if len(self._known) >= _KNOWN_COUNT:
            self._known.clear()
        self._known[token] = found
        return found


@lru_cache(maxsize=256)
def words_before(left: str) -> Tokens:
    """Return the words near the end of a text, in lower case; not the rest of one that begins farther away: it is another word."""
    words = tuple(_WORD.findall(left[-NEAR_CHARACTERS:].lower()))
    first = len(left) - NEAR_CHARACTERS
    if first > 0 and (cut := _WORD.match(left, first - 1)) is not None and cut.end() > first and words[0].isascii():
        return words[1:]
    return words


class Mentions:
    """
    Which words a text mentions at all: what needs a word need not be looked for where the word is nowhere.

    An automaton of their own tells it: one pass, however many words there are.
    Guarantee: a word that `words_before` would show anywhere in the text is among the keys found; more may be.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = sorted(set(keys))

    @cached_property
    def _database(self) -> Database:
        return build_database([Pattern(key, "", _mention(key), is_caseless=True) for key in self._keys])

    def find(self, data: bytes) -> frozenset[str]:
        """Return the keys whose words a text (as UTF-8) may hold. Cost: 2 us, and 1 us per KB. Errors: CouldNotScan."""
        keys = self._keys
        return frozenset([keys[index] for index in self._database.scan(data)])


def _mention(key: str) -> str:
    """Return what a text holds that has the word; `\\b` knows only ASCII, so beside other letters it stands aside."""
    text = key.rstrip("*")
    before = r"(?:\b|_)" if text[0].isascii() else ""
    after = "" if key.endswith("*") or not text[-1].isascii() else r"(?:\b|_)"
    return before + re.escape(text) + after
