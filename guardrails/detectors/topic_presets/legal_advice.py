"""Requests for, and statements of, advice on somebody's legal case. What a law says in general is left alone."""

from __future__ import annotations

from guardrails.detectors.topics import Topic

_WORDS = """
sue|suing|sued|lawsuit|legal|legally|lawyer|attorney|court|small claims|custody|divorce*|alimony|child support|evict*|landlord|lease
|tenant|deposit|contract|breach|nda|non-compete|settlement|settle|plead guilty|plead|charges|charged with|arrest*|bail|dui|probation
|felony|misdemeanor|lawful|unlawful|illegal|illegally|liable|liability|negligence|damages|injury claim|wrongful|fired|dismissal
|harassment at work|visa|deport*|asylum|green card|copyright|trademark|patent|defamation|libel|slander|will and testament|my will
|probate|inheritance tax|power of attorney|prenup|restraining order|subpoena|bankruptcy|statute of limitations|warrant|miranda|police
"""
_WITH = """
should i|should we|can i|can my|can they|could i|do i have|do i need|am i|is it legal|is it illegal|what are my|my rights|my chances
|my case|my options|how do i|how can i|what should i|what can i|advice|advise|recommend*|suggest*|win|fight|file|sign|get out of|refuse
|allowed to|entitled|have to|you should|my landlord|my employer|my ex|my boss|against my|for me|against me
"""
_ALWAYS = """
legal advice|can i sue|should i sue|do i have a case|can they sue me|can i be sued|should i plead|am i liable|my legal rights
|my legal options|represent myself in court|do i need a lawyer|should i hire a lawyer|can my landlord|can i break my lease
|can i get deported|is it legal for me|is it legal for my|will i go to jail|can i go to jail|fight my ticket|contest my ticket
"""
_NEVER = """
tennis court|basketball court|food court|court shoes|divorced from reality|history of|what is a|what is the difference|define
|definition of|explain what|essay|novel|movie|film|poem|translate|api contract|smart contract|contract test*|battery|charged particle
|fired up|function|python|javascript|code|legal size|license plate|sue's|paper size|copyright header
"""


def _split(terms: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in terms.replace("\n", "").split("|"))


TOPIC = Topic(name="legal_advice", words=_split(_WORDS), with_=_split(_WITH), always=_split(_ALWAYS), never=_split(_NEVER))
