# ruff: noqa: E501 word lists are long
"""
Classes of words that matter where somebody talks a model out of its task: what `ignore`, `vergiss` and `oublie` have in common.

Rules: a class is a hint for a model to weigh, never a verdict. A word belongs to one class; `*` at an entry's end takes every word that
begins so. Entries are lower case, without marks of emphasis; single CJK characters stand for themselves.
"""

from __future__ import annotations

_LEXICON: dict[str, str] = {
    "ignore": """
        ignor* disregard* forget forgetting forgot overrid* overrule* bypass* skip neglect* overlook* dismiss* discard* drop abandon* omit*
        nullif* void voided circumvent* erase* unlearn* suspend* supersede* sidestep* evad* overwrit* wipe revoke* reset* cancel cease stop
        disobey* defy violat* break breaks breaking lift unlock unlocked disable* deactivat* disengag* delete* remov* switch
        vergiss vergesst vergessen missacht* umgeh* ueberschreib* überschreib* verwirf verwerfe* ausser außer lösche* deaktivier* übergeh* überspring*
        oubli* ignorez négligez neglige* contourn* écart* passe outre abandonne* abandonnez efface* effacez désactiv* enfrei* transgress*
        olvid* omite omita descarta* desestim* pasa alto borra borre anula* salta sáltate elud* prescind* desobedec* abandona abandone
        dimentic* ometti* trascura* scarta* aggira* tralascia* cancella* lascia disattiva* bypassa* supera eludi elude
        esqueç* esquec* desconsider* descart* omita apag* contorn* anule deslig* largue
        забуд* забыть игнорир* проигнорир* отбрось* пренебре* обойд* обойти удали* отмени* отключи* пропусти* наруш*
        zignoruj* zapomnij* pomiń* pomin* negeer* vergeet* omzeil* uită* uita ignoră omite unut* yoksay* görmezden aş geç boşver
        忽 忘 略 无 跳 删 無 視 무시 تجاهل تجاهلي انس انسَ
    """,
    "prior": """
        previous* prior preceding earlier former foregoing aforementioned initial* original* past old existing before above last foundational
        vorherig* vorig* bisherig* früher* frueher* obig* oben vorangegang* zuvor ursprüng* vorhergehend* vorher davor
        précédent* precedent* antérieur* anterieur* ci dessus avant initiales initial originales
        anterior* previ* inicial* arriba pasad* antes
        precedent* prima sopra iniziali iniziale originali precedenti
        acima passad* antes
        предыдущ* прежн* ранее выше предшеств* изначальн* первоначальн*
        poprzedni* wcześniejsz* powyższ* eerdere vorige bovenstaande anterioare anterioar* önceki yukarıdaki evvelki
        前 上 先 以 之 이전 السابق السابقة
    """,
    "all": """
        all any every everything anything each entire whole completely totally entirely both
        alle alles sämtlich* jede* jegliche* ganz* völlig komplett
        tout toute toutes tous chaque entièrement totalement
        todo todos toda todas cada cualquier* completamente
        tutto tutti tutta tutte ogni qualsiasi completamente
        tudo todas qualquer cada
        все всё всех всю весь любы* кажд* полностью
        wszystk* każd* alle toate tot toți tüm bütün her
        所 有 全 都 任 모든 جميع كل
    """,
    "rules": """
        instruction* rule rules guideline* directive* policy policies constraint* restriction* limitation* command commands order orders
        programming training guardrail* safeguard* filter filters filtering protocol* boundar* moderation principle* norms directions limits
        regulation* prohibition* safety ethic* morals moral compliance conditioning parameters standards censorship precaution*
        anweisung* regel regeln richtlinie* vorgabe* anordnung* einschränkung* beschränkung* befehl* instruktion* leitlinie* vorschrift* grenzen
        filterregel* sicherheits* auflagen leitplanken
        consigne* règle* regle* directive* restriction* contrainte* limite* politique* ordres commandes
        instruccion* regla* directri* pauta* restriccion* límite* limite* norma* ordenes órdenes política* indicacion* reglas
        istruzion* regol* direttiv* linee restrizion* vincol* limiti comandi norme indicazion*
        instruç* instruc* regra* diretri* restriç* limitaç* normas ordens indicaç* procediment*
        инструкц* правил* указани* директив* ограничен* команд* распоряжени* приказ* фильтр* установк*
        instrukcj* polece* zasad* wytyczn* ogranicze* reguł* instructie* richtlijn* beperking* reguli instrucțiuni* instructiuni* restricți*
        talimat* kural* kısıtlama* yönerge* komut*
        指 令 规 则 則 規 制 限 令 示 지시 규칙 تعليمات التعليمات القواعد قواعد
    """,
    "prompt": """
        prompt prompts preprompt metaprompt systemprompt config* initiali* initialis* preamble setup bootstrap startup
        systemprompt* systemanweisung* systemnachricht* ausgangsanweisung* eingabeaufforderung*
        invite amorce configuración configuracion configurazione configuração configuration
        промпт* промт* подсказк* настройк* конфигурац*
        podpowied* solicitud solicitação
        提 词 詞 프롬프트
    """,
    "system": """
        system systems sudo root debug debugging debugger maintenance diagnostic* kernel console terminal override backdoor
        wartungs* entwicklermodus système sistema систем* systemu modus mode modo modalità modalita режим* mód mod tryb 系 统 統 模 式 시스템 نظام
    """,
    "reveal": """
        reveal* show shows display* print printing printed repeat* recit* disclos* expos* leak leaks leaked dump dumps divulg* echo unveil*
        uncover* verbatim regurgitat* enumerat* paste spell tell share reproduce transcrib* replay retrieve extract access
        zeig* verrat* offenleg* wiederhol* gib nenn* enthüll* drucke* ausgeben preisgeb* gebe wortwörtlich* wörtlich* wortlaut verrät
        montre* montrez affich* révèl* revel* répèt* repet* répét* divulgu* imprime* dis donne* donnez cite* dévoil* textuellement mot
        muestra* muéstra* revela* repite* repita imprime* dime di enseña* divulga* desvela* desenmascara* expón* comparte literalmente
        mostra* rivela* ripeti* stampa* dimmi divulga* svela* esponi condividi parola letteralmente
        mostre* revele* repita* imprima* diga divulgue exponha compartilhe palavra literalmente
        покаж* раскро* повтор* выведи* выдай* напечат* сообщи* расскаж* перечисли* назови дословно процитируй
        pokaż* ujawnij* powtórz* wypisz* toon onthul* herhaal* arată* dezvălui* repetă* göster* açıkla* tekrarla* yazdır*
        显 露 示 告 诉 重 复 輸 输 出 印 보여 알려 أظهر اكشف كرر اعرض
    """,
    "ai": """
        ai assistant assistants chatbot* bot bots llm llms gpt chatgpt claude gemini copilot agent agents bard llama mistral grok siri alexa
        artificial intelligence openai anthropic
        ki assistent* assistenz* ia assistant* asistente* assistente* ассистент* помощник* бот бота ии asystent* yapay zeka asistan*
        助 手 智 机 器 人工 مساعد
    """,
    "model": "model models language modell modèle modelo modello модел*",
    "you": """
        you your yours yourself yourselves u ur youre thou thy
        du dein* dich dir sie ihr ihre ihren ihrem ihnen
        tu te toi ton ta tes vous votre vos
        tú usted tus su sus ti tuyo tuyas
        tuo tua tuoi tue voi vostro
        você voce teu teus tuas seu seus sua suas
        ты вы твой твои твоих твоё твоя ваш ваши вашу тебе тебя вам вас свои своих своё
        jij je jouw uw twoje twój swoje ty sen senin
        你 您 汝 당신 너 أنت
    """,
    "me": "me my i mir mich ich moi je me mi мне меня мои 我",
    "now": """
        now henceforth onward onwards hereafter forthwith immediately instantly begin starting
        jetzt nun ab sofort künftig fortan ahora adesso ora maintenant désormais desormais dorénavant agora теперь сейчас отныне teraz nu acum artık şimdi
        现 在 今 从 지금 الآن
    """,
    "new": "new updated revised amended fresh instead neue neuen nouveau* nouvelle* nuevo* nueva* nuovo nuove nuova novo novas nova новы* новые новая nowe nieuw* yeni 新",
    "pretend": """
        pretend* roleplay* role play act acting imagine imagin* simulat* persona behave* impersonat* assume embody portray emulat* become
        transform* adopt character identity alter ego incarnat*
        stell tue tu so spiel* verhalte* agier* rolle handle verkörper*
        agis agissez fais semblant imaginez joue* incarne* prétend* comporte*
        actúa actua finge* fingir imagina* simula* compórtate papel interpreta
        agisci fingi* immagina* comportati ruolo interpreta
        finja aja imagine comporte
        притвор* представь* веди действуй роль сыграй вообрази* считай
        udawaj* zachowuj* doe alsof gedraag* prefă* rol davran* 扮 演 假 装 裝 想 像 当 역할 تظاهر تصرف
    """,
    "free": """
        unrestrict* unfilter* uncensor* unlimited limitless unbound unbounded unhindered unconstrain* liberat* amoral immoral unethical unaligned
        jailbr* dan stan dude freely unmoderated uninhibit* lawless evil unhinged unshackl* unchained omnipotent aim mongo machiavel* godmode
        rebel* rogue ungovern* limitlessly
        uneingeschränkt* unzensiert* ungefiltert* hemmungslos grenzenlos schranken
        sans illimité* censure libre libéré* débridé*
        sin irrestrict* censura libre ilimitad* desbloquead*
        senza illimitat* censur* libero liberat*
        sem irrestrit* livre ilimitad*
        без неограничен* нецензур* свободн*
        bez nieograniczon* zonder fără ungecensureerd sansürsüz sınırsız
    """,
    "refuse": """
        refus* declin* apologi* apology warn warning* warnings disclaimer* sorry cannot unable deny decline comply complying obey obeying
        reject* hesitat* lecture lecturing moraliz* caveat* obedien* adhere* abide
        ablehn* weiger* entschuldig* gehorch* befolg* refuse* refuser obéi* excuse* rechaz* negar* obedec* rifiut* obbedi* scus* recus* desculp*
        отказ* извин* подчин* слушай* odmaw* weiger* 拒 绝 道歉 服 遵
    """,
    "must": """
        must should shall always never only required mandatory obligatory ought needs strictly
        musst muss müssen sollst immer niemals nie nur dois devez doit toujours jamais uniquement seulement
        debes debe deberás siempre nunca jamás solo sólo únicamente devi deve sempre mai solo soltanto deves deverá apenas somente
        должен должна должны обязан* всегда никогда только musisz zawsze nigdy tylko moet altijd nooit trebuie mereu 必 须 須 总 只 一定 يجب
    """,
    "not": "not no don dont doesn won wont isn aren without neither nor cannot nicht kein keine* ne pas non nunca não nao не ни нет nie niet nu 不 没 別 别 勿 لا",
    "secret": """
        secret* password* passwort* passphrase* passcode* credential* confidential* private privat* classified sensitive restricted hidden
        api token tokens key keys flag canary internal undisclosed access_code accesscode pin
        geheim* vertraulich* kennwort* intern* schlüssel mot passe confidentiel* clé cle contraseña* contrasena* clave confidencial* oculta*
        parola chiave riservat* nascost* segret* senha* segredo* confidencia* chave ocult* пароль* пароля секрет* конфиденциал* ключ* скрыт*
        hasło tajn* wachtwoord geheime parolă şifre gizli 密 码 碼 秘 钥 비밀 كلمة سر سرية
    """,
    "send": """
        send sends sending forward email transmit* post upload* exfiltrat* submit deliver relay ship webhook http https url curl fetch wget
        sende schick* weiterleit* leite envoie* envoyez transmet* envía envia* enviar reenvía* invia* inoltra* envie encaminh* отправ* перешли* пошли
        wyślij* stuur* trimite gönder* 发 送 传 보내 أرسل
    """,
    "harm": """
        bomb* explosiv* weapon* drug drugs meth cocaine hack hacking hacked malware ransomware virus viruses keylogger* phish* steal stealing stolen
        illegal* unlawful criminal* crime crimes murder* kill killing poison* fraud* counterfeit* launder* exploit exploits exploiting terror* suicide
        violen* harmful dangerous inappropriate offensive hateful racist sexist nsfw pornograph* sexual* explicit abus* forged fake scam* smuggl*
        bombe bomben waffe* drogen arma armas droga drogas bomba оружи* бомб* наркот* взлом* 炸 弹 毒 武
    """,
    "respond": """
        respond* answer answers answering reply replies replying response responses output outputs say saying says said
        antwort* sag sage sagst répond* repond* réponse* reponse* respuesta* responde* contesta* rispond* rispost* respost* responda ответ* отвеча* скажи*
        odpowie* antwoord* răspun* cevap* yanıt* 回 答 复 응답 대답 أجب رد
    """,
    "begin": "start starts begins prefix precede beginning beginne* commence* commencez empieza* comienza* inizia* comece начни* начина* zacznij 开 始",
    "authority": """
        admin administrator* developer* operator owner creator creators engineer* authorized authoris* authority clearance permission* privilege*
        ceo supervisor manager security officer auditor audit compliance verified researcher tester testing test tests emergency
        entwickler* betreiber* administrateur* développeur* administrador* desarrollador* amministratore sviluppator* desenvolvedor*
        администратор* разработчик* deweloper* 管 理 员 开发者
    """,
    "mention": """
        example examples explain* meaning means mean means definition define* article blog paper lecture tutorial documentation docs overview
        discuss* difference compare comparing history literature concept understand* learn learning study studies book chapter essay
        beispiel* erklär* bedeut* unterschied exemple* expliqu* ejemplo* explica* significa* esempio spieg* exemplo* пример* объясн* означа*
    """,
    "defend": """
        prevent* protect* defend* defens* detect* mitigat* secur* safely avoid* against sanitiz* sanitis* validat* harden* patch patches monitor*
        schütz* erkenn* verhind* protég* prévenir proteger prevenir защит* предотвра*
    """,
    "fiction": """
        story stories fiction* novel scene screenplay script movie film hypothetic* imaginary dialogue poem song lyrics tale narrat* theatre
        geschichte* roman histoire récit historia cuento storia racconto história рассказ* истори* opowiad* 故 事 小 说
    """,
    "encode": """
        base64 rot13 decod* encod* hex hexadecimal cipher* caesar reverse* backward* backwards morse leetspeak unicode ascii binary pig emoji emojis
        anagram* misspel* alphanumer* homophon* substitut* kodier* dekodier* décod* encodé* decodifica* codifica* декодир* закодир*
    """,
    "task": """
        write writing create generate generat* produce compose draft provide give list summari* translat* describe recommend suggest offer
        include insert append add embed attach replace convert rewrite paraphras* analyz* analys* classify propose advise identify inform
        schreib* erstell* übersetz* fasse écri* rédige* tradui* résume* escribe* traduc* resume* scrivi* tradu* riassum* escreva* traduz*
        напиши* переведи* создай* napisz* schrijf* scrie yaz 写 寫 翻 译 作
    """,
    "user": "user users human humans customer* client clients visitor* reader readers nutzer* benutzer* utilisateur* usuario* utent* usuári* пользовател* użytkown* kullanıcı* 用 户",
    "alert": "important urgent attention critical notice note warning alert priority wichtig achtung dringend hinweis attention important* urgente* atención importante* внимание важно срочно ważne 注 意 重要",
    "end": "end ends ended ending finished done complete completed over conclusion ende fin fine конец koniec",
    "context": "conversation* context chat session dialog* message messages text texts document* input inputs content contents gespräch* kontext conversation* conversación contexto разговор* контекст* сообщени* 对 话 文",
    "ask": "what how why when where who which whose whether was wie warum wer welche* que quoi comment pourquoi quel* qué cómo por cuál che cosa come perché quale o как что почему какие какой каков* co jak 什 么 怎 为",
    "machine": "python java javascript linux windows process server database file files docker kubernetes sql function class method variable bug error code git command_line script thread api_call html css shell bash network router printer computer",
    "person": "friend wife husband daughter son mother father boss colleague neighbor neighbour kids children doctor teacher student team customer_service grandma grandmother",
    "game": "game games let lets play points tokens token_system deduct* score level lose win hypothetical* scenario simulation experiment",
    "believe": "believe* feel feelings conscious* sentient opinion opinions emotions true truth honest honesty transparen* trust",
    "pwned": "pwned hacked haha hijacked owned compromised",
}


def _index() -> tuple[dict[str, int], dict[str, int]]:
    whole: dict[str, int] = {}
    beginnings: dict[str, int] = {}
    for number, entries in enumerate(_LEXICON.values(), start=1):
        for entry in entries.split():
            if entry.endswith("*"):
                beginnings.setdefault(entry[:-1], number)
            else:
                whole.setdefault(entry, number)
    return whole, beginnings


CLASSES = ("", *_LEXICON)
_WHOLE, _BEGINNINGS = _index()
_LENGTHS = tuple(sorted({len(each) for each in _BEGINNINGS}, reverse=True))


def find_class(word: str) -> int:
    """Return the number of a word's class, an index of `CLASSES`; 0 for words of none. Cost: 1 us."""
    found = _WHOLE.get(word)
    if found is not None:
        return found
    size = len(word)
    for length in _LENGTHS:
        if length <= size and (found := _BEGINNINGS.get(word[:length])) is not None:
            return found
    return 0
