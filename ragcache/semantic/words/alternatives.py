"""
Groups of words that exclude each other in the same place of a question: an answer about one is wrong for the others.

A line is a group, its members apart by `|`; a member may have several spellings, apart by `=`, of one word or more. A word may be in
several groups.
A line that begins with `|` goes on with the one before.
Rules: write the base form (words are compared by stem); leave out what is often said without meaning it (`good`, `like`, `way`).
"""

from __future__ import annotations

from typing import Final

OPPOSITES: Final = """
more = bigger = greater = larger = higher | less = fewer = smaller = lower
most = biggest = greatest = largest = highest | least = fewest = smallest = lowest
increase = raise = boost = grow = gain = rise | decrease = reduce = lower = shrink = decline = drop = cut = lose = minimize
best | worst
good = great | bad = terrible = awful | evil
same | other | different
much | little
many | few
interesting | boring = dull
real | fake | imaginary = fictional
natural | artificial = synthetic
kind | cruel
brave | coward = cowardly
generous | stingy
famous | unknown = obscure
guilty | innocent
deep | shallow
sharp | blunt
tight | loose
rough | smooth
loud | quiet = silent
bright | dark = dim
simple | complex = complicated
general | specific
major | minor
required | elective
well | ill = badly
pure | impure = mixed
voluntary | forced
useful = helpful | useless = harmful
better | worse
before = prior | after = following = afterwards | during = while
begin = start = launch = open = starting | end = stop = finish = close = quit = terminate | pause = suspend | resume = continue | restart
enable = activate = turn_on = switch_on | disable = deactivate = turn_off = switch_off
on | off
up = upward | down = downward
upload | download
import | export
install = reinstall | uninstall
upgrade | downgrade
log_in = login = sign_in = signin | log_out = logout = sign_out = signout | sign_up = signup = register
connect = reconnect = attach | disconnect = detach
lock | unlock
block = ban | unblock = unban
subscribe | unsubscribe
encrypt | decrypt
encode | decode
compress = zip | decompress = unzip = extract
add = insert = append = include | remove = delete = erase = drop = exclude | edit = modify = update
create = make = build = establish | delete = destroy = remove = demolish | fix = repair = restore = recover
show = reveal = unhide = display | hide = conceal
allow = permit = accept = approve | deny = refuse = reject = forbid = prohibit = prevent = decline = disallow
enter = join = arrive | leave = exit = depart
buy = purchase | sell | rent = lease | borrow | lend
borrower | lender
send = transmit | receive
give = offer | take
deposit | withdraw = withdrawal
pay = payment | refund = reimbursement
incoming = inbound | outgoing = outbound
income = revenue = earnings = salary | expense = expenditure | profit | loss | tax
win | lose | draw
pass | fail
succeed = success | fail = failure
open | close = shut
push | pull
read | write
hire = recruit | fire = dismiss = sack | promote | demote
credit | debit
asset | liability
buyer = purchaser = customer | seller = vendor
employer | employee
landlord | tenant
teacher = professor | student = pupil
doctor = physician | patient | nurse
male = man = men = boy = guy = gentleman = he = him = his | female = woman = women = girl = lady = she = her
husband | wife
boyfriend | girlfriend
father = dad | mother = mom = mum | brother | sister | son | daughter | uncle | aunt | grandfather | grandmother
king | queen | prince | princess
parent | child = kid
adult | child = kid = pediatric = paediatric | infant = baby = newborn | teenager = teen | elderly = senior
old = older = oldest = ancient | new = newer = newest = modern | young = younger = youngest
fast = quick = rapid = faster = quickest = fastest | slow = slower = slowest
hot = hotter | cold = colder | warm | cool = cooler
heat | cool
hard = difficult = tough | easy = simple
hard | soft
heavy | light = lightweight
high | low | medium
tall = taller = tallest | short = shorter = shortest
long = longer = longest = lengthen | short = shorter = shorten = shortest
big = large = huge | small = little = tiny
wide = broad | narrow
thick | thin
rich = wealthy | poor
cheap = inexpensive = affordable | expensive = costly
cheapest | priciest
near = close = nearby | far = distant
inside = indoor = internal | outside = outdoor = external
left | right
top = upper | bottom = lower | middle
front | back = rear | side
above = over | below = under = beneath
north = northern | south = southern | east = eastern | west = western
strong = strengthen | weak = weaken
safe = safely | dangerous = unsafe = risky = harmful
healthy | unhealthy
legal = legally | illegal = illegally | criminal
true | false
right = correct | wrong = incorrect
positive | negative | neutral
advantage = benefit = pro = upside = strength | disadvantage = drawback = con = downside = risk = weakness
cause | effect = consequence = impact | symptom | treatment = cure = remedy | prevention | diagnosis
public | private
active | inactive
alive = living | dead = deceased
present = attend | absent
love | hate
friend | enemy
war | peace
always | never | sometimes
everyone = everybody | nobody | anyone
always | sometimes | rarely | often
minimum = min | maximum = max | average = mean | median
first | last | next | second | third
previous = past = former | current | next = future = upcoming
early = earlier = earliest | late = later = latest
day = daytime | night = nighttime
morning | afternoon | evening | night | noon | midnight
daily = everyday | weekly | monthly | quarterly | yearly = annual = annually | hourly
temporary = temporarily | permanent = permanently = forever
domestic | international = foreign = abroad = overseas
local | remote | global
manual = manually | automatic = automatically
online | offline
wired | wireless
single | double | triple
single = unmarried | married | divorced | widowed
marry | divorce
full | empty | partial | half
wet | dry
raw | cooked
fresh | frozen | canned
sweet | sour | salty | bitter | spicy
fat | thin = slim
gain = put_on | lose
absorb | release = emit
attack | defend = defense
import | export
supply | demand
question | answer
problem | solution
theory | practice
introvert = introverted | extrovert = extroverted
optimist | pessimist
smart = intelligent | stupid = dumb
beautiful = pretty = attractive | ugly
happy | sad = unhappy | angry | bored
polite | rude
clean | dirty
freeze | melt | boil | thaw
inhale | exhale
float | sink
expand | contract
import | export
forward | backward = reverse
horizontal | vertical
odd | even
even | odd
prime | composite
ascending | descending
input | output
client | server
frontend = front_end | backend = back_end
synchronous | asynchronous
static | dynamic
public | private
victim | perpetrator
democrat = democratic | republican
liberal | conservative
capitalism | socialism | communism
theist | atheist | agnostic
virtual | physical
original | copy = fake = counterfeit
required = mandatory = compulsory | optional
overdose | withdrawal
acid | base = alkaline
solid | liquid | gas
renewable | nonrenewable
prokaryotic | eukaryotic
mitosis | meiosis
vein | artery
type_1 | type_2
full_time = full-time | part_time = part-time
debit | credit | prepaid | gift
checking = current_account | savings
pickup | delivery = shipping
return | exchange | refund
hypothesis | theory | law
"""

KINDS: Final = """
january = jan | february = feb | march | april = apr | june | july | august = aug | september = sept | october = oct | november = nov
| december = dec
monday | tuesday | wednesday | thursday | friday | saturday | sunday
spring | summer | autumn = fall | winter | monsoon
second = sec | minute = min | hour = hr | day | week | month | year | decade | century
millimeter = mm | centimeter = cm | meter = metre | kilometer = km | inch | foot = feet | yard | mile
milligram = mg | gram = gm | kilogram = kg = kilo | ounce = oz | pound = lb = lbs | ton = tonne
milliliter = ml | liter = litre | gallon | pint | cup | tablespoon = tbsp | teaspoon = tsp
celsius = centigrade | fahrenheit | kelvin
kilobyte = kb | megabyte = mb | gigabyte = gb | terabyte = tb
thousand | million | billion | trillion | lakh | crore
dollar = usd = bucks | euro = eur | sterling = gbp | rupee = inr = rs | yen = jpy | yuan = cny = rmb | franc | peso | won = krw
| bitcoin = btc | ethereum = eth | dogecoin | litecoin
red | blue | green | yellow | orange | purple | pink | brown | black | white | gray = grey | violet | gold | silver
dog = puppy | cat = kitten | horse | cow | pig | sheep | goat | chicken | duck | rabbit | hamster | fish | snake | lizard | turtle
| bird | parrot | lion | tiger | bear | wolf | fox | elephant | monkey | shark | whale | dolphin | spider | ant | bee | mosquito
| cockroach | rat | mouse | spider | frog | snail
python | java | javascript = js | typescript | c++ = cpp | c# = csharp | golang | rust | ruby | php | swift | kotlin | scala | perl
| matlab | haskell | julia | lua | sql | html | css | bash | powershell
django | flask | fastapi | rails | laravel | spring | express | node.js = nodejs = node | react = reactjs | angular = angularjs | vue
| svelte | jquery | bootstrap
mysql | postgresql = postgres | sqlite | mongodb = mongo | oracle | redis | cassandra | mariadb | dynamodb | elasticsearch
| snowflake | bigquery
aws = amazon_web_services | azure | gcp = google_cloud | heroku | digitalocean | vercel | netlify | cloudflare
docker | kubernetes = k8s | podman | vagrant | terraform | ansible | jenkins
git | svn | mercurial
github | gitlab | bitbucket
windows | macos = mac_os = mac = osx | linux | ubuntu | debian | fedora | android | ios | chromeos
chrome | firefox | safari | edge | opera | brave
iphone | ipad | android | macbook | ipod | imac | pixel | galaxy | kindle
apple | microsoft | google | amazon | facebook = meta | samsung | sony | nokia | huawei | xiaomi | oneplus | intel | amd | nvidia
| ibm | dell | hp | lenovo | asus | acer | tesla | netflix | adobe | salesforce
facebook | twitter | instagram | snapchat | whatsapp | telegram | youtube | tiktok | linkedin | reddit | quora | pinterest | tinder
| skype | zoom | slack | discord | messenger | wechat | tumblr | signal | viber
gmail | outlook = hotmail | yahoo | protonmail | icloud
email = mail | sms = text_message | phone | fax | letter
paypal | stripe | venmo | paytm | zelle | square | apple_pay | google_pay
uber | lyft | ola
amazon | ebay | flipkart | walmart | alibaba | etsy | snapdeal | target | costco
visa | mastercard | amex = american_express | discover | maestro
excel | word | powerpoint | onenote | access
pdf | docx | jpg = jpeg | png | gif | mp3 | mp4 | csv | json | xml | yaml
ps3 | ps4 = playstation_4 | ps5 = playstation_5 | xbox | nintendo | switch
usa = us = u.s. = u.s = united_states = america = american | uk = u.k. = united_kingdom = britain = british = england = english
| india = indian | china = chinese | japan = japanese | germany = german | france = french | italy = italian | spain = spanish
| portugal = portuguese | canada = canadian | mexico = mexican | brazil = brazilian | argentina | chile | peru | colombia | venezuela
| cuba | russia = russian | ukraine = ukrainian | poland = polish | sweden = swedish | norway = norwegian | finland
| denmark = danish | netherlands = dutch = holland | belgium | switzerland = swiss | austria = austrian | greece = greek
| turkey = turkish | israel = israeli | palestine | iran = iranian | iraq = iraqi | syria = syrian | saudi_arabia = saudi
| uae = dubai | qatar | kuwait | egypt = egyptian | nigeria | kenya | south_africa | ethiopia | ghana | morocco
| australia = australian | new_zealand | pakistan = pakistani | bangladesh = bangladeshi | sri_lanka | nepal | afghanistan
| thailand = thai | vietnam = vietnamese | indonesia | malaysia | singapore | philippines = filipino | south_korea = korea = korean
| north_korea | taiwan | hong_kong | mongolia | ireland = irish | scotland = scottish | wales = welsh | iceland | hungary | romania
| bulgaria | serbia | croatia | czech | slovakia | europe = european | asia = asian | africa = african | antarctica | emea | apac
new_york = nyc | los_angeles | chicago | houston | boston | seattle | san_francisco | washington | miami | dallas | austin | denver
| atlanta | philadelphia | phoenix | detroit | las_vegas | london | paris | berlin | munich | madrid | barcelona | rome | milan
| venice | amsterdam | vienna | zurich | geneva | dublin | edinburgh | manchester | moscow | istanbul | tokyo | kyoto | osaka
| beijing | shanghai | seoul | bangkok | singapore | hong_kong | sydney | melbourne | toronto | vancouver | montreal
| mumbai = bombay | delhi = new_delhi | bangalore = bengaluru | hyderabad | chennai = madras | kolkata = calcutta | pune | ahmedabad
| jaipur | lucknow | goa | karachi | lahore | dubai | cairo | lagos | nairobi | johannesburg
california | texas | florida | arizona | nevada | oregon | ohio | michigan | georgia | virginia | alaska | hawaii | utah | colorado
| illinois | pennsylvania | massachusetts | kerala | gujarat | punjab | maharashtra | karnataka | rajasthan | bihar
mercury | venus | earth | mars | jupiter | saturn | uranus | neptune | pluto | moon | sun
oxygen | hydrogen | nitrogen | carbon | helium | sodium | potassium | calcium | iron | copper | zinc | magnesium | gold | silver
| aluminum = aluminium | lead | uranium | lithium | platinum | steel
math = mathematics = maths | physics | chemistry | biology | history | geography | economics | psychology | philosophy | sociology
| law | medicine | astronomy | statistics
algebra | geometry | calculus | trigonometry
mechanical | electrical | civil | chemical | electronics | aerospace | biomedical
engineer = engineering | doctor | lawyer | nurse | teacher | accountant | architect | designer | pilot | chef | actor | writer
| journalist | scientist | developer
football = soccer | cricket | basketball | tennis | baseball | hockey | golf | volleyball | rugby | badminton | swimming | boxing | chess
guitar | piano | violin | drums | flute | saxophone | ukulele
christian = christianity | muslim = islam = islamic | hindu = hinduism | buddhist = buddhism | jewish = judaism = jew
| sikh = sikhism | jain
breakfast | lunch | dinner | brunch | snack
coffee | tea | beer | wine | whiskey = whisky | vodka | rum | milk | juice | water | soda
rice | bread | pasta | potato | corn | wheat | oats
beef | pork | chicken | lamb | turkey | fish | tofu
apple | banana | mango | grape | strawberry | lemon | pineapple | watermelon
cake | pizza | burger | soup | salad | sandwich | pie | cookie
vitamin_a | vitamin_b | vitamin_c | vitamin_d | vitamin_e | vitamin_k
ibuprofen | paracetamol = acetaminophen = tylenol | aspirin | amoxicillin | metformin | lisinopril | insulin | antibiotics
| antidepressants
flu = influenza | cold | covid = coronavirus | malaria | dengue | tuberculosis | cancer | diabetes | asthma | arthritis | hiv = aids
| hepatitis | pneumonia | measles
depression | anxiety | adhd | ocd | bipolar | schizophrenia | autism
head | neck | shoulder | arm | elbow | wrist | hand | finger | chest | stomach | hip | leg | thigh | knee | ankle | foot | toe | eye
| ear | nose | mouth | tooth = teeth | skin | hair
heart | liver | kidney | lung | brain
shirt | pants | jeans | shoes | boots | jacket | coat | dress | skirt | hat | socks
cotton | wool | silk | leather | denim | polyester | linen
laptop | desktop | tablet | phone = smartphone | tv = television | camera | printer | monitor | keyboard | headphones | router
car | bike = bicycle | motorcycle = motorbike | bus | train | plane = airplane = flight | truck | boat | ship | taxi | scooter
house | apartment = flat | condo | room | hotel | office
kitchen | bathroom | bedroom | garage | garden
bachelor = bachelors | master = masters = ms | phd = doctorate | mba | diploma | ca | cfa
gre | gmat | sat | act | toefl | ielts | jee | neet | gate | upsc | cat | lsat | mcat | ias | cpa
mit | harvard | stanford | yale | princeton | cambridge | oxford | caltech | berkeley | iit | nit | bits
elementary | primary | secondary | undergraduate | graduate | postgraduate
mortgage | auto_loan | student_loan | personal_loan | payday_loan
stock | bond | crypto | forex | mutual_fund | etf | real_estate
visa | passport | license = licence | green_card | citizenship
checking_account | savings_account | business_account | joint_account
basic | standard | premium | enterprise | pro | economy | business_class
production | staging | sandbox | development
admin = administrator | user | guest | moderator | owner
username | password | pin | otp
trump | obama | clinton | biden | bush | sanders | modi | putin | hitler | gandhi | nehru
"""
