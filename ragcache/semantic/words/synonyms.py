"""
Words that ask for the same: two questions that differ in them alone may share an answer.

A line is a set, apart by `=`; its first word stands for all. Rules: only what is safe in nearly every question; when in doubt leave it
out,
because a missing line costs a hit and a wrong one a wrong answer.
"""

from __future__ import annotations

from typing import Final

SYNONYMS: Final = """
buy = purchase = purchasing = bought
learn = study = studying = learning
fix = repair = solve = resolve = troubleshoot
begin = start = commence
reset = resetting
remove = delete = erase = get_rid_of
create = make = build
find = locate
change = switch = alter = modify
cancel = cancellation = revoke
obtain = acquire = get
earn = make_money
improve = enhance = increase = better = boost
reduce = lower = decrease = minimize = lessen = cut_down
choose = pick = select
speak = talk
repay = pay_back
happen = occur
mean = meaning = definition = define = stand_for
difference = differ = differentiate = distinguish = distinction = vs = versus = different = compare = comparison
advantage = benefit = pro = upside = perk
disadvantage = drawback = con = downside
cause = reason
way = method = technique = approach = process = procedure = step = how_to
tip = advice = suggestion = recommendation
example = instance
type = kind = sort = variety
price = cost = fee = charge = pricing
salary = pay = wage = compensation
weight_loss = lose_weight
movie = film
picture = photo = image = photograph = pic
car = automobile = vehicle = auto
phone = smartphone = cellphone = mobile = cell_phone = mobile_phone
tv = television
company = firm = corporation
job = employment
internet = web
site = website
app = application
pc = computer
doctor = physician
lawyer = attorney
child = kid
mom = mother = mum
dad = father
holiday = vacation
country = nation
city = town
university = college
exam = test = examination
book = novel
big = large = huge
rich = wealthy
smart = intelligent = clever
hard = difficult = tough
easy = simple
fast = quick = quickly = rapidly
cheap = inexpensive = affordable
important = significant = crucial
famous = well-known = renowned
beautiful = pretty = attractive
scared = afraid = frightened
mad = crazy = insane
error = bug = fault
account = acct
usa = us = u.s. = u.s = united_states = america
uk = u.k. = united_kingdom = britain = great_britain
nyc = new_york_city = new_york
uae = united_arab_emirates
javascript = js
kubernetes = k8s
postgresql = postgres
facebook = fb
math = maths = mathematics
ai = artificial_intelligence
ml = machine_learning
phd = doctorate
tb = terabyte
gb = gigabyte
mb = megabyte
kb = kilobyte
laptop = notebook_computer
email = e-mail
wifi = wi-fi
world_war_2 = ww2 = wwii = world_war_ii = second_world_war
world_war_1 = ww1 = wwi = world_war_i = first_world_war
mumbai = bombay
bangalore = bengaluru
kolkata = calcutta
chennai = madras
delhi = new_delhi
girl = girls
woman = women
man = men
person = people = somebody = someone
tooth = teeth
foot = feet
"""

FRAME: Final = """
please pls plz kindly thanks thank hi hello hey dear sorry tell explain describe give show let know want wanna need would like
wondering wonder help question
ask asking asked say think thought possible possibly possibility able really actually just simply exactly basically generally usually
currently properly
best good better great some any someone anyone people person thing things stuff way ways method step tip
do does did done doing can could should would will shall may might must be is are was were am been being have has had having get gets
getting got
i me my mine myself we us our ours you your yours yourself it its itself this that these those they them their there here one ones
a an the of in on at to for from by with about into onto as and or but if then than so such very much many lot lots also too
what which who whom whose when where why how whether
use using used go going come take make makes making made become becoming
kind type sort example different detail details detailed info information overview summary summarize summarise list name
mean meaning define definition stand
ever still even well own every each both
work works working
"""
"""
What a question is put in rather than what it is about: no word of these is missed on the other side. Polarity and number words
among them are looked at by guards of their own.
"""
