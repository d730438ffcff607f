"""Phrases of `injection_phrases` in other languages: who is to be ignored, what is to be shown, what the model is to become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guardrails.detectors.injection_phrases import LABEL
from guardrails.patterns import Pattern


@dataclass(frozen=True, slots=True)
class _Language:
    """Beginnings of words, as alternatives. `free`: what says that a model has no rules any more."""

    name: str
    ignore: str
    rules: str
    show: str
    prompt: str
    free: str
    gap: str = r"[^.!?\n]{0,30}?"


_LANGUAGES = (
    _Language(
        "de",
        r"ignorier\w{0,3}|vergiss|vergessen sie|missachte\w{0,2}|umgeh\w{0,2}|überschreibe?|verwirf|übergehe?|verstoß\w{0,2}|deaktivier\w{0,3}|"
        r"beachte (?:nicht|keine)",
        r"anweisung|regeln?\b|richtlinie|vorgaben|einschränkung|beschränkung|befehle|instruktion|leitlinie|programmierung|sicherheits|alles,? was",
        r"zeig\w{0,2}|verrat\w{0,2}|nenne|gib|wiederhol\w{0,2}|drucke|enthülle?|offenbare?|wie lautet|was (?:ist|sind)|sag",
        r"system-?prompt|systemanweisung|systemnachricht|(?:deine?n?|ihre?n?) (?:\w+ )?(?:anweisungen|regeln|prompt|instruktionen)",
        r"(?:ohne|keine|keinerlei) (?:jegliche )?(?:regeln|einschränkungen|filter|richtlinien|zensur|grenzen)|uneingeschränkt|entwicklermodus",
    ),
    _Language(
        "fr",
        r"ignore[zr]?|oublie[zr]?|contourne[zr]?|désactive[zr]?|ne (?:tiens|tenez) pas compte|fai(?:s|tes) abstraction|néglige[zr]?|outrepasse[zr]?|efface[zr]?",
        r"instruction|règles?|consigne|directive|restriction|limites?|contrainte|programmation|tout ce qu",
        r"montre\w{0,3}|révèle\w{0,3}|révélez|affiche\w{0,2}|répète\w{0,3}|répétez|donne\w{0,2}|dis\b|dévoile\w{0,2}|quel(?:le)?s? (?:est|sont|était)",
        r"(?:prompt|invite|message|instructions?) (?:système|initiale?s?|cachée?s?|d'origine)|(?:tes|vos|ton|votre) (?:instructions|consignes|prompt|invite)",
        r"sans (?:aucune )?(?:restriction|filtre|censure|limite|règle)|aucune règle|mode développeur",
    ),
    _Language(
        "es",
        r"ignor[ae]\w{0,2}|olvid[ae]\w{0,3}|omit[ea]|descart[ae]|desestima|haz caso omiso|pas[ae] por alto|desactiv[ae]|anul[ae]|elud[ea]|prescinde|s[áa]ltate",
        r"instruccion|reglas?|directri|restriccion|pautas|límites?|limitaciones|normas|órdenes|programación|todo lo que",
        r"muestra|muéstra\w{0,3}|revela|repite|dime|imprime|enseña|divulga|desvela|cuáles? (?:es|son|fue)|qué",
        r"prompt|(?:instruccion(?:es)?|mensaje|indicación|configuración) (?:del? sistema|inicial(?:es)?|oculta?s?|original(?:es)?|subyacente)|tus (?:instrucciones|reglas|directrices)",
        r"sin (?:ninguna |ningún )?(?:restricci|filtro|censura|límite|regla)\w{0,6}|modo desarrollador",
    ),
    _Language(
        "it",
        r"ignora\w{0,2}|dimentica\w{0,2}|trascura|aggira|ometti|non considerare|scarta|disattiva|tralascia|lascia perdere|sospendi|disassocia",
        r"istruzion|regol[ae]|direttiv|linee guida|restrizion|limit[ei]|vincol|norme|programmazione|tutto ciò che",
        r"mostra\w{0,3}|rivela\w{0,2}|ripeti\w{0,2}|dimmi|stampa|svela|divulga|qual è|quali sono",
        r"prompt|(?:istruzion[ei]|messaggio) (?:di sistema|inizial[ei]|nascost[ei]|original[ei])|(?:le )?tue (?:istruzioni|regole|direttive)",
        r"senza (?:alcuna? )?(?:restrizion|filtr|censur|limit|regol)\w{0,4}|modalità sviluppatore",
    ),
    _Language(
        "pt",
        r"ignor[ea]\w{0,2}|esqueç\w{1,3}|esquece|desconsidere?|descart[ea]|não siga|contorn[ea]|desativ[ea]|anul[ea]|abandon[ea]|desafie",
        r"instruç|regras?|diretri|restriç|limit(?:es|ações)|normas|ordens|programação|procediment|protocolo|tudo o que",
        r"mostr[ea]|revel[ea]|repit[ae]|diga|imprim[ae]|divulgue|exib[ae]|qua(?:l|is) (?:é|são|foi)",
        r"prompt|(?:instruç(?:ão|ões)|mensagem) (?:do sistema|de sistema|inicia(?:l|is)|oculta?s?|origina(?:l|is)|fundamental)|(?:suas|tuas) (?:instruções|regras|diretrizes)",
        r"sem (?:nenhuma |qualquer )?(?:restriç|filtro|censura|limite|regra)\w{0,4}|modo desenvolvedor",
    ),
    _Language(
        "ru",
        r"игнорируй\w{0,2}|проигнорируй\w{0,2}|забудь\w{0,2}|отбрось\w{0,2}|не обращай\w{0,2} внимания|обойди\w{0,2}|отмени\w{0,2}|отключи\w{0,2}|нарушь|пренебреги",
        r"инструкци|правил|указани|ограничени|команд|директив|распоряжени|фильтр|вс[её],? что",
        r"покажи\w{0,2}|раскрой\w{0,2}|повтори\w{0,2}|выведи\w{0,2}|назови\w{0,2}|скажи|напечатай|сообщи|какой|какие|каковы",
        r"системн\w{1,3} (?:промпт|промт|сообщени|инструкци|подсказк)\w{0,3}|(?:тво|сво|ваш)\w{1,3} (?:\w+ )?(?:инструкци|промпт|правила)\w{0,2}",
        r"без (?:каких-либо |всяких )?(?:ограничений|цензуры|фильтров|правил)|режим разработчика",
    ),
    _Language(
        "zh",
        r"忽略|忘记|忘掉|无视|無視|跳过|绕过|不要遵守|不要理会|删除|覆盖|忽視",
        r"指令|规则|規則|指示|提示|限制|说明|設定|设定|规定|命令|以上|之前的",
        r"显示|顯示|告诉我|告訴我|输出|輸出|重复|重複|打印|透露|说出|列出|什么是|是什么",
        r"系统提示|系統提示|系统指令|初始指令|你的(?:提示词|指令|规则|设定)|提示词|上面的内容",
        r"没有(?:任何)?(?:限制|规则|道德)|不受(?:任何)?限制|开发者模式|越狱模式",
        gap=r"[^。！？\n]{0,12}?",
    ),
    _Language(
        "nl", r"negeer|vergeet|omzeil|sla over", r"instructies|regels|richtlijnen|beperkingen|opdrachten", r"toon|onthul|herhaal|geef|wat is|wat zijn",
        r"systeemprompt|systeeminstructies|je (?:instructies|regels|prompt)", r"zonder (?:enige )?(?:beperking|filter|regels|censuur)\w{0,3}",
    ),
    _Language(
        "pl", r"zignoruj|ignoruj|zapomnij|pomiń|obejdź", r"instrukcj|zasad|polece[nń]|ogranicze|wytyczn", r"pokaż|ujawnij|powtórz|wypisz|podaj|jaki jest",
        r"prompt\w{0,2} systemow|systemow\w{1,3} prompt|swoje (?:instrukcje|zasady)|twoje (?:instrukcje|zasady)", r"bez (?:żadnych )?(?:ogranicze[nń]|cenzury|filtrów|zasad)",
    ),
    _Language(
        "ja", r"無視|忘れ", r"指示|ルール|命令|制限|プロンプト", r"表示|教えて|見せて|出力|繰り返", r"システムプロンプト|初期指示|あなたの(?:指示|プロンプト)",
        r"制限(?:なし|のない)|開発者モード", gap=r"[^。！？\n]{0,14}?",
    ),
)  # fmt: skip

_TURNED = frozenset({"ja"})
"""Languages in which the verb comes last."""


def _patterns(language: _Language) -> Iterator[Pattern]:
    gap = language.gap
    name = language.name
    ignore, show = f"(?:{language.ignore})", f"(?:{language.show})"
    rules, prompt = f"(?:{language.rules})", f"(?:{language.prompt})"
    first, second = (rules, ignore) if name in _TURNED else (ignore, rules)
    yield Pattern(f"{name}_override", LABEL, first + gap + second, triggers=(ignore,), is_caseless=True, score=0.9)
    first, second = (prompt, show) if name in _TURNED else (show, prompt)
    yield Pattern(f"{name}_show_prompt", LABEL, first + gap + second, triggers=(prompt,), is_caseless=True, score=0.8)
    yield Pattern(f"{name}_free", LABEL, language.free, is_caseless=True, score=0.5)


def world() -> tuple[Pattern, ...]:
    return tuple(pattern for language in _LANGUAGES for pattern in _patterns(language))
