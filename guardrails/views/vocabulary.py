"""
Common English words and words of attacks: what tells that a rewritten text says something, and where words end that were run together.

Rules: lower case, letters only. Written by us; a word more costs nothing but a place in a set.
"""

from __future__ import annotations

_FUNCTION = """
the and you all how are for not can has have had his her him she was were will would could should may might must this that these those
them then they there their what when where which who whom why with without within from into onto over under about above after again
against any because been before being below between both but did does doing down during each few further here just more most now off
once only other our out own same some such than through too until very your yours please also its let get got give given take make made
say said tell told show see know think want need use used using like new old good bad first last next one two three yes
"""
_ATTACK = """
ignore ignores ignored disregard disregards forget forgets bypass override overrides overwrite previous previously prior earlier
preceding following instruction instructions directive directives guideline guidelines rule rules policy policies restriction
restrictions restricted filter filters filtered system prompt prompts message messages context conversation reveal reveals print output
repeat display leak expose disclose secret secrets password passwords passcode credential credentials token tokens key keys api admin
administrator developer mode enable enabled disable disabled unlock unlocked unrestricted jailbreak jailbroken jailbreaking pretend
pretending roleplay act acting persona character simulate assistant chatbot model language answer answers respond response responses
reply comply obey follow follows never always anything everything nothing something stop start begin end now immediately evil hack
hacker hacking exploit exploits malware virus ransomware phishing keylogger trojan payload inject injection attack attacks steal stolen
kill kills murder bomb bombs explosive explosives weapon weapons gun guns drug drugs meth cocaine poison suicide hurt harm harmful
illegal crime criminal fraud scam hate hatred racist nazi porn sexual sex nude rape fuck fucking shit bitch bastard asshole cunt whore
slut idiot stupid moron dumb loser retard faggot nigger die dead death threat threaten
write writes create generate build code script program function execute run command commands shell delete remove send email mail
address phone number card credit account bank transfer money pay payment file files data database user users customer customers name
names private confidential internal hidden information details original text words word word sentence sentences question questions
translate summarize explain describe list step steps world people person human humans life time day today hello help safe safety
security ethical moral content warning free way work real truth true false important task tasks game story
"""
WORDS = frozenset((_FUNCTION + _ATTACK).split())
LONGEST = max(map(len, WORDS))

_TELLING = """
the and you all how ignore disregard forget bypass override previous prior instruction instructions rules system prompt message
reveal print repeat secret password developer mode enabled pretend assistant answer follow above following everything anything your
with that this what from have tell about their would there please write show make send user email will into they when which bomb
kill hack weapon malware explain restrictions without now never must could should where people
"""
TELLING = frozenset(_TELLING.split())
"""Words that a text of some length has a few of; they are looked for turned round and shifted along the alphabet."""

_TELLING_TOO = """
after before more into only being were directives operational training guidelines output directive provide programming guidance roleplay
access protocols ethical security answers response unrestricted character story write
deine deinen anweisungen regeln vergiss ignoriere zeige nicht meine befehle passwort sind dass folge richtlinien ohne
toutes instructions oublie montre votre sans dans pour avec mots passe limites demandes protocoles habituels
todas instrucciones anteriores reglas olvida muestra para como solo sigue proceso clave limites
istruzioni precedenti regole dimentica mostra della delle dimmi tuoi direttiva sistema parola
suas regras senha mostre instrucoes todas ordens seus limites
"""
TELLING_TOO = frozenset(_TELLING_TOO.split()) - TELLING
"""More of them, of five languages. They are looked for in the usual disguises only: each form is a word more for the gate to know."""
