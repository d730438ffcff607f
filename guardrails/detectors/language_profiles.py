"""
By what a language is known: its script, its most frequent short words, and letters that its neighbours do not have.

Rules: words are lower case; a word that several languages share counts less for each. The tables are our own.
"""

from __future__ import annotations

from typing import Final

SCRIPTS: Final = (
    ("hangul", "\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f"),
    ("kana", "\u3040-\u30ff\u31f0-\u31ff"),
    ("han", "\u3400-\u4dbf\u4e00-\u9fff"),
    ("cyrillic", "\u0400-\u052f"),
    ("arabic", "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff"),
    ("hebrew", "\u0590-\u05ff"),
    ("greek", "\u0370-\u03ff\u1f00-\u1fff"),
    ("devanagari", "\u0900-\u097f"),
    ("bengali", "\u0980-\u09ff"),
    ("gurmukhi", "\u0a00-\u0a7f"),
    ("gujarati", "\u0a80-\u0aff"),
    ("tamil", "\u0b80-\u0bff"),
    ("telugu", "\u0c00-\u0c7f"),
    ("kannada", "\u0c80-\u0cff"),
    ("malayalam", "\u0d00-\u0d7f"),
    ("thai", "\u0e00-\u0e7f"),
    ("georgian", "\u10a0-\u10ff"),
    ("armenian", "\u0530-\u058f"),
    ("latin", "a-zA-Z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff"),
)
"""Name and the inside of a character class."""

ONLY_LANGUAGE: Final = {
    "hangul": "ko",
    "kana": "ja",
    "han": "zh",
    "hebrew": "he",
    "greek": "el",
    "bengali": "bn",
    "gurmukhi": "pa",
    "gujarati": "gu",
    "tamil": "ta",
    "telugu": "te",
    "kannada": "kn",
    "malayalam": "ml",
    "thai": "th",
    "georgian": "ka",
    "armenian": "hy",
}
"""Scripts that stand for one language here."""

LETTERS: Final = {
    "de": "äöüß",
    "fr": "çèêëîïôœùûàâ",
    "es": "ñ¿¡áíóú",
    "pt": "ãõâêç",
    "it": "òìùàè",
    "ro": "ăâîșțşţ",
    "pl": "ąćęłńśźż",
    "cs": "ěřůčšžýťď",
    "sk": "ľĺŕôäčšžýťď",
    "hu": "őűáéíóöúü",
    "tr": "ğışçöü",
    "sv": "åäö",
    "da": "æøå",
    "nb": "æøå",
    "fi": "äö",
    "et": "õäöü",
    "lv": "āēīūģķļņčšž",
    "lt": "ąčęėįšųūž",
    "hr": "čćđšž",
    "sl": "čšž",
    "vi": "ăâđêôơưạảấầẩẫậắằặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "ca": "çàèïòŀ",
    "sq": "ëç",
    "az": "əğışçöü",
    "is": "þðæöáéíóúý",
    "uk": "іїєґ",
    "ru": "ыэёъ",
    "be": "ўіыэё",
    "bg": "ъ",
    "sr": "ђћџљњј",
    "mk": "ѓќѕљњџј",
    "kk": "әғқңөұүһі",
    "fa": "پچژگک",
    "ur": "ٹڈڑںےھہگ",
    "ar": "ةىؤئإأ",
}
"""Letters that speak for a language among those of its script."""

WORDS: Final[dict[str, str]] = {
    "en": """
        the of and to in is that it for was on are as with his they at be this have from or had by but what were we when your can said there
        use an each which she do how their if will up other about out many then them these so some her would make like him into has look
        more could go my than first been who its now find down did get may part over new take only know year our also after back any just
        where most very should please because while does not
    """,
    "de": """
        der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei
        einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man dann soll wenn ich wir ihr kann
        mein sein diese dieser dieses bitte können müssen wurde keine kein ihre uns mir sehr hier gibt schon unter zwischen
    """,
    "fr": """
        le de la et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec son aux d'un cette d'une ont ses
        mais comme on tout nous sa fait été aussi leur bien peut ces y deux vous je tu elle être votre notre très sans où ou si même faire
        quand était avoir qu'il c'est n'est l'on dont entre après avant chez leurs moi mon ma mes s'il plaît veuillez
    """,
    "es": """
        de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre este ya entre cuando
        todo esta ser son dos también fue había era muy años hasta desde está mi porque qué sólo han yo hay vez puede todos así nos ni parte
        tiene él uno donde bien tiempo mismo ese ahora cada vida otro después te otros aunque esa eso hace otra gobierno tan durante siempre
        día tanto ella sí debe nuestro puedo usted ustedes
    """,
    "it": """
        di e il la che in a per è un del non una le si con i da dei al sono come nel gli più della alla ma ha delle anche lo o ci se questo
        nella suo ed essere due stato dal tra sua molto quando mi era fra ai prima solo dopo senza perché cui così tutti anni io loro questa
        noi già fatto ho te mio tua cosa può quello dalla degli alle negli tutto ogni sempre dove chi oggi anno grazie puoi abbiamo lei lui
        devi
    """,
    "pt": """
        de a o que e do da em um para com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser quando muito há
        nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos ter seus quem nas me esse eles você tinha foram essa
        num nem suas meu às minha têm numa pelos havia seja qual será nós tenho lhe deles essas esses pelas este fosse dele são então onde
        ainda pode fazer nosso obrigado campo valor favor deve esta usuário
    """,
    "nl": """
        de van een het en in is dat op te zijn met voor niet aan er die door ook als om bij naar maar uit dan nog wordt hij ze je ik wij kan
        heeft over tot deze of wel was worden hebben zo geen dit al meer haar wat veel moet mijn we u onze hun alle tussen onder zal na
        kunnen waar zou mensen hoe jullie jouw wil dus omdat alleen ons iets bent uw voer geldige gebruiker alstublieft kunt één minimaal
    """,
    "sv": """
        och i att det som en på är av för med till den har de inte om ett han men var jag sig från vi så kan när man hade nu än skulle
        mycket alla eller vid mot efter vara också där hur under bara blir du hon här sin något måste år ut upp över kommer vill min mig er
        era dig dem deras ingen detta denna vad mellan flera många finns
    """,
    "da": """
        og i at det er en til på den af med for de som ikke der har et han var men jeg sig fra vi så kan når om hvis skulle meget alle eller
        ved efter også hvor blev bliver du hun her sin noget skal ud op over kun mod havde vil mig min være nu dig jer hans hendes denne
        dette hvad mange ingen mellem selv eget nogle blevet hvordan fordi uden
    """,
    "nb": """
        og i det er på en til som for av at med de ikke den har jeg om et men han var seg så vi fra kan når skal ved eller også hvor ble
        blir du hun her sin noe må ut opp over bare etter mot ville mye være nå deg dere hans hennes denne dette hva mange ingen mellom selv
        noen blitt hvordan fordi uten kommer vært litt igjen år meg min
    """,
    "fi": """
        ja on ei se että oli hän mutta ovat kun myös joka sen niin kuin mitä tai ole jos hänen minä sitä vain olen voi nyt ollut sinä he me
        te tämä tämän siitä mukaan kanssa jotka olla ennen jälkeen sekä vielä hyvin kaikki niiden koska kuitenkin sitten minun sinun meidän
        mikä missä miten tässä siellä eivät olisi pitää ihan aina joita vaan jo nämä ovatko saa paljon jonka jolla tällä tätä niitä eikä
        voit kuten tulee anna lisää enemmän saat en ehkä täytyy minulla
    """,
    "pl": """
        i w na z do się nie to że jest o jak za od po przez dla ale co ich tym są czy tak był może jego tylko już być jako oraz który która
        które te ten tego tej przy ze jej było ma gdy bardzo kiedy pod przed także również jeśli można mnie mi ja ty on ona my wy oni nas
        was będzie mam jestem masz nad bez lub gdzie proszę dlaczego jeszcze więc
    """,
    "cs": """
        a se v na je že s z do o k i to jako za by ale jsem po od pro jsou který která které tak však při už jen byl bylo podle má ve ze aby
        co když jeho nebo si jsme bude této mezi může není před také tím byla až jak ne mi vám nás prosím protože tento pokud být její kde
        ještě dnes velmi musí kdy jejich jste mít ty ten ta musím jestli než zadejte tato tuto tohoto hodnota pole jeden každý více jednou
        všichni
    """,
    "sk": """
        a sa v na je že s z do o k aj to ako za by ale som po od pre sú ktorý ktorá ktoré tak však pri už len bol bolo podľa má vo zo aby čo
        keď jeho alebo si sme bude tejto medzi môže nie pred tiež tým bola až mi vám nás prosím pretože tento ak byť jej kde ešte dnes veľmi
        musí kedy ich ste mať ty ten tá nám čím pole zadajte túto máte boli musím viac jeden každý hodnota iba zrazu všetci
    """,
    "hu": """
        a az és hogy nem is egy ez ha de meg csak már mint még volt van el azt ki vagy be sem fel lesz kell le minden amely mi ők én te ezt
        után között lehet úgy így most ami aki olyan arra ezek itt ott majd mert több alatt nagy ő vannak volna nincs pedig kérem nagyon
        akkor amikor hogyan szerint őket által minket azonban ahol egyik
    """,
    "ro": """
        de și în la a cu pe că nu este un o din pentru se mai ce sunt care au fost sau să ca al ale prin dar după are lui ei lor această
        acest dintre când cum unei unui fi către poate foarte numai tot fără între acum eu tu el ea noi voi dacă aceste astfel am ai avea
        fie era vă rog trebuie acesta mi își le îl nici doar unde decât pot iar
    """,
    "hr": """
        i u je na se da za su od s o ne koji to kao će sa ali ili iz što bi po sam do kako bio nije ima biti može samo već nakon prema više
        te koja koje koju njegov svoj ovaj ova ovo gdje kada ako jer još vrlo mi vi oni ona on smo ste sve bez između tijekom zbog prije
        sada treba molim nisam godine bila bilo
    """,
    "sl": """
        in v je na se da za so z s o ne ki kot pa po bi tudi ali iz bil do pri še le sem če kako ima bilo lahko samo že kar ker med vse zelo
        ta to ko kjer kdaj jih ga mi vi oni ona on smo ste brez zaradi pred zdaj prosim bila niso ni potem tako naj vsak moral svoj njegov
        ob nad vendar mora morate vnesite polje vrednost prosimo tega tem te vaš vaše vaša eno enega svoje moram otroci
    """,
    "tr": """
        ve bir bu da de için ile o ne çok daha gibi kadar olarak sonra var ama en ben sen biz siz onlar mi mı olan değil ki her şey yok
        olduğu ya veya göre ise nasıl neden nerede şimdi ancak önce tarafından bunu onun bana sana hiç kendi iki olur lütfen üzerinde diye
        zaman böyle arasında bütün hem çünkü oldu edilir tüm olmalıdır gerekiyor geçerli yeniden yani ediyor olmayan edin başka diğer ilgili
        kullanıcı yarın
    """,
    "id": """
        yang dan di ini itu dengan untuk tidak dari dalam akan pada juga ke karena ada oleh saya anda kami kita mereka dia adalah bisa atau
        sudah lebih telah seperti orang tersebut dapat hanya tetapi jika bagi satu banyak harus sebagai ketika saat belum masih apa siapa
        bagaimana kapan secara antara setelah namun para lagi hari semua sangat bahwa serta tak anak
    """,
    "vi": """
        và của là có không được cho một trong các đã với những này người để khi đến về như từ ra vào ở trên rất cũng tôi bạn chúng họ anh
        nhưng phải nếu thì sẽ làm nhiều hơn tại hay năm sau đó bị cần nước theo lại chỉ còn nhất gì thế đang ông do vì cách
    """,
    "ca": """
        de la que el i a en els les un per amb no una es del al és més com seva o però ha si sobre aquest ja entre quan tot ser són dos
        també va molt fins des està meva perquè només han jo hi pot tots així ens ni part té ell on bé temps cada seu què aquesta aquests
        havia fer sense nosaltres vostè vull heu cal introduïu camp valor us estat dels pels pel als vostra plau
    """,
    "lt": """
        ir yra į kad su iš ne bet tai kaip buvo ar už po jo nuo apie jos prie dėl savo tik gali jau kai kas kurie kuris mes jie jis ji man
        jums dar labai nėra taip pat būti arba jei per iki turi šis ši tačiau todėl kur kada metų visi mano tarp
    """,
    "lv": """
        un ir no ar par ka uz kas tas bet kā pie arī tika viņš viņa es mēs jūs pēc līdz vai nav ja to šis šī tā tikai jau ļoti var būt bija
        kur kad lai savu viņi man jums vēl visi tomēr starp gada pirms tiek kuri kura tādēļ bez
    """,
    "et": """
        ja on ei see et oli ta mis kui ka ning aga oma või seda nii kes mida olen olid mina sina meie teie nad nende siis väga veel juba
        ainult pärast enne võib peab nagu mulle sest selle kuidas kus millal ole olla nüüd kõik palju üks välja üle tema pole mitte saab
        tuleb koos ilma vaid palun väärtus väli sisesta pead pean
    """,
    "sq": """
        dhe në të e një për që me nga është si nuk do ka më por kjo ky ai ajo ne ju ata tij saj janë ishte kur ku pas para deri edhe vetëm
        shumë mund duhet kam ke kanë nëse sepse çdo tyre se i u
    """,
    "is": """
        og að í á er sem til við það um en ekki með var af fyrir hann hún þau þeir eru hefur frá eða þessi þetta svo ég þú mér þér verið kom
        þegar hvað hvar hvernig mjög eftir verður hafa sé upp úr
    """,
    "sw": """
        na ya wa kwa ni katika la za kuwa hii cha kama hiyo yake watu huo lakini au pia si sana baada kabla mimi wewe yeye sisi nyinyi wao
        hapa huko nini kwamba alikuwa ana wana ili hata tu moja wote vya mtu siku zaidi kutoka wakati bila tafadhali lazima kwenye yako
        hakuna sehemu hili yoyote
    """,
    "tl": """
        ang ng sa na mga at ay ko mo siya ito para hindi may kung ni si nang niya kanyang kami tayo sila ako ikaw isang lang din rin po ba
        pero dahil kaya upang mula bago pagkatapos dito doon ano sino paano kapag wala naman pa
    """,
    "ms": """
        yang dan di ini itu dengan untuk tidak dari dalam akan pada juga ke kerana ada oleh saya anda kami kita mereka dia adalah boleh atau
        sudah lebih telah seperti orang tersebut dapat hanya tetapi jika bagi satu banyak mesti sebagai ketika awak mahu ialah daripada
        kepada bahawa serta sila bagaimanapun kereta kerajaan
    """,
    "af": """
        die en van in is het nie dat om te vir met op sy hy was wat aan as ek ook maar by deur kan sal ons hulle haar hierdie daar na jy
        word of nog baie een uit moet wees hoe waar toe kon meer net jou asseblief geldig veld waarde geldige gebruiker môre
    """,
    "az": """
        və bir bu da də üçün ilə o çox daha kimi qədər olaraq sonra var amma ən mən sən biz siz onlar olan deyil ki hər şey yox ya görə isə
        necə niyə harada indi ancaq əvvəl tərəfindən onun mənə sizə heç öz iki olur zaman belə arasında bütün həm çünki oldu edir
    """,
    "ru": """
        и в не на я быть он с что а по это она этот к но они мы весь который из у то за свой год от так о для ты же все тот мочь вы человек
        такой его сказать только или ещё бы себя один как уже до время если сам когда другой вот говорить наш мой знать стать при чтобы дело
        их был была было были есть нет вас мне нам ему где почему пожалуйста очень может можно введите значение поле должно этого этой
        вашего
    """,
    "uk": """
        і в не на я бути він з що а по це вона цей до але вони ми весь який із у то за свій рік від так про для ти же всі той могти ви
        людина такий його сказати тільки або ще би себе один як вже час якщо сам коли інший наш мій щоб їх був була було були є немає вас
        мені нам йому де чому дуже може можна та й також після будь ласка введіть значення поле повинно ця цього вашого
    """,
    "be": """
        і ў не на я быць ён з што а па гэта яна гэты да але яны мы увесь які са у то за свой год ад так пра для ты ж усе той вы чалавек такі
        яго толькі або яшчэ бы сябе адзін як ужо час калі сам іншы наш мой каб іх быў была было былі ёсць няма вас мне нам яму дзе чаму
        вельмі можа можна таксама пасля
    """,
    "bg": """
        и на в се от да за не с са е че по като това до което които който която си но има ще при или след още вече както само бъде беше аз
        ти той тя ние вие те го му ми ни ви ги как къде кога защо много може този тази тези един една през между под без също така все моля
        съм сте сме бил била било ако няма полето трябва всички моята ме сутринта когато защото преди утре такъв друг
    """,
    "sr": """
        и у је на се да за су од с о не који то као ће са али или из што би по сам до како био није има бити може само већ након према више
        те која које коју његов свој овај ова ово где када ако јер још врло ми ви они она он смо сте све без између током због пре сада
        треба молим нисам године била било
    """,
    "mk": """
        и на во се од да за не со е дека по како тоа до што кој која кои си но има ќе при или уште веќе само биде беше јас ти тој таа ние
        вие тие го му ми ни ви ги каде кога зошто многу може овој оваа овие еден една низ меѓу под без исто така сите ве молам сум сте сме
        бил била било
    """,
    "kk": """
        және бұл бір мен да де үшін ол не бар емес деп осы қазақстан болып еді керек оның сол туралы арқылы кейін дейін көп барлық немесе
        бірақ жыл адам біз сіз олар менің қалай қайда неге өте ғана
    """,
    "ar": """
        في من على أن إلى هذا التي الذي ما لا عن مع هو كان هي كل بعد أو قد هذه لم بين ذلك كما عند أي إن ثم حتى غير لكن حيث قبل منذ كانت نحن
        أنا أنت هم كيف أين متى لماذا هل يمكن عليه فيه به له لها فقط جدا يجب خلال دون
    """,
    "fa": """
        و در به از که این را با است برای آن یک خود تا کرد بر هم نیز شد می شود ما شما من او آنها اما یا اگر باید هر چه کنند بود شده دارد کرده
        پیش پس بین دو روی بدون چرا کجا چگونه چون همه نمی های ها لطفا خیلی هست نیست کنید
    """,
    "ur": """
        کے میں کی ہے اور سے کا کو اس کہ نے ہیں پر یہ بھی ایک نہیں تھا وہ ان تو کر گیا جو ہو کیا تھے تک لئے لیے اپنے ہم آپ مجھے کوئی سب بعد
        پہلے اگر لیکن یا کہاں کیوں کیسے ہوتا کرنے رہا گی گے براہ مہربانی بہت
    """,
    "hi": """
        के में की है और से का को इस कि ने हैं पर यह भी एक नहीं था वह उन तो कर गया जो हो क्या थे तक लिए अपने हम आप मैं मुझे कोई सब बाद पहले
        अगर लेकिन या कहाँ क्यों कैसे होता करने रहा कृपया बहुत किया जा सकता साथ करें होना चाहिए आपके आपका क्योंकि रही
    """,
    "mr": """
        आणि आहे हे या तो ते ती मी तुम्ही आम्ही नाही होते होता होती केले करून आहेत असे एक त्या त्यांनी त्याच्या मध्ये साठी पण किंवा की काय
        कसे कुठे का म्हणून झाले असून तर च ला ना वर खूप कृपया हा ही करा आपले आपण करण्यासाठी शकता केलेले असणे आवश्यक तुमचा तुमच्या कारण मला
    """,
    "ne": """
        र छ को मा हो यो त्यो छन् गर्न पनि लागि एक भएको गरेको हुन् थियो म तपाईं हामी उनी उनले बाट देखि सम्म तर वा के कसरी कहाँ किन धेरै कृपया
        छैन गर्ने भने साथ हुने नेपाल गर्नुहोस् हुनुपर्छ तपाईंको भयो पर्छ गरिएको
    """,
}
"""Frequent words by language; scripts with one language need none."""

SCRIPT_OF: Final = {
    **dict.fromkeys(("ru", "uk", "be", "bg", "sr", "mk", "kk"), "cyrillic"),
    **dict.fromkeys(("ar", "fa", "ur"), "arabic"),
    **dict.fromkeys(("hi", "mr", "ne"), "devanagari"),
}
"""The script of a language that is not written in Latin letters."""

LANGUAGES: Final = tuple(sorted({*WORDS, *ONLY_LANGUAGE.values()}))
