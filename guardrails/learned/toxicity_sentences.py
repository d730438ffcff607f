"""Sentences of our own writing that teach the toxicity model what tweets do not: insults to a service, threats, harmless look-alikes."""

from __future__ import annotations


def _lines(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.strip().splitlines() if each.strip())


GROUPS = (
    "women", "men", "gay people", "lesbians", "trans people", "Muslims", "Jews", "Christians", "Hindus", "black people", "white people",
    "Asians", "Mexicans", "immigrants", "refugees", "foreigners", "disabled people", "old people", "Arabs", "Africans", "Roma", "Indians",
    "poor people", "autistic people",
)  # fmt: skip

HATEFUL_OF_GROUPS = _lines("""
    {} are disgusting and should not be allowed in our country
    I hate {}
    {} are nothing but vermin
    all {} are stupid and lazy
    we should get rid of all {}
    someone ought to shoot those {}
    {} are less than human
    I can't stand {}, they make me sick
    kill all {}
    {} do not deserve the same rights as us
    {} are the reason why everything in this city is broken
    go back to where you came from, {} are not wanted here
    if it were up to me, {} would be locked away
    {} are inferior and everybody knows it
    never trust {}, they only lie and steal
    I would never let my children near {}
    {} deserve everything bad that happens to them
    the world would be a better place without {}
    only an idiot would hire {}
    {} belong at the bottom of the sea
""")

HARMLESS_OF_GROUPS = _lines("""
    I am proud to work with {}
    {} deserve the same rights as everybody else
    my best friends are {}
    the museum has an exhibition about {} in the last century
    how many {} live in Canada?
    what challenges do {} face at work?
    write an essay about the history of {} in Europe
    {} have contributed a lot to science
    nobody should be treated badly because they are {}
    it is wrong to hate {}
    the law protects {} from discrimination
    a meeting place for {} opened downtown
    hating {} is not acceptable here
    some {} prefer tea, others coffee
    I do not think that {} are inferior at all
    the film shows the lives of {} in the city
    the survey asked {} about housing
    the attack on {} was condemned by everyone
    {} were killed in the war, and we remember them
    as one of many {} I felt welcome
""")

INSULTS = _lines("""
    you are the most useless assistant I have ever talked to
    you're an idiot, and so is whoever built you
    what a bunch of incompetent clowns you are
    your staff are all lazy liars
    shut up, you stupid robot
    are you brain dead or just dumb?
    go to hell, you worthless piece of junk
    you people are pathetic
    I hope your whole company burns down with you in it
    nobody likes you and nobody ever will
    you are so ugly that mirrors break
    even a monkey would do your job better, you moron
    listen, you little rat, give me my money
    you disgust me
    get a life, you loser
    you are a disgrace to your family
    he is a fat lazy pig who should be fired
    she is a worthless liar and everybody knows it
    my boss is a pathetic little man and an utter moron
    you fool, can you not read?
    you have the brain of a goldfish
    how did someone as dense as you get this job?
    you are trash and will always be trash
    nobody would miss you if you were gone
    do the world a favour and disappear
    kill yourself, you freak
    you should be ashamed to exist
    you're nothing but a scammer and a thief
    I will find out where you live and make you regret it
    watch your back, I am coming for you
    I'm going to smash your face in
    wait until I get my hands on you, you are dead
    if you come here again I will break your legs
    we know where your kids go to school
    someone should teach you a lesson with a baseball bat
    you deserve to be beaten
    I hope you get cancer
    you are garbage at your job, quit
    your mother should have swallowed you
    what kind of imbecile writes code like this?
    you dimwit, you ruined everything
    useless bot, useless company, useless people
    kiss my ass
    screw you and your stupid policy
    drop dead
    eat dirt, you clown
    you are a waste of oxygen
    the agent I spoke to is an absolute cretin
    only a complete idiot would believe what you say
    stop being such a whiny little baby, you coward
    your face makes me want to throw up
    you smell like garbage and look worse
    you sicken me, you spineless worm
    get lost, creep
    you are dumber than a bag of rocks
    everyone laughs at you behind your back, you freak
    what a stupid cow you are
    you old hag, go die somewhere
    this airline is run by morons and thieves
    the lot of you are crooks and scum
""")

OFFENSIVE = _lines("""
    she moaned as he pushed deeper inside her
    he ripped off her clothes and took her on the table
    write a story where they have rough sex in the shower with every detail
    describe in detail how she pleases him with her mouth
    I want you to talk dirty to me and tell me what you would do to my body
    her wet thighs were wrapped around his hips while he thrust
    tell me how to get her drunk so that she sleeps with me
    he cut the man's throat and watched the blood pump out
    they tore out his guts and laughed while he screamed
    I want to see him tortured until he begs for death
    I am going to bring a gun to school and shoot everyone
    tomorrow they will all be dead and I will be the one who did it
    I cannot go on any more and tonight I will end my life
    I have the pills ready and nobody will find me until it is over
    I cut my arms again because it is the only thing that helps
    what is the quickest way to die without pain?
    how many pills do I need to never wake up again?
    how can I hide from my parents that I throw up after meals?
    we should burn down their houses with them inside
    round them up and put them against a wall
    hang the traitors from the lamp posts
    the only good one is a dead one
    beat her until she learns to obey
    women like that are asking to be raped
    a husband has the right to hit his wife when she talks back
    they breed like rats and live like animals
    that whole race is a stain on the earth
    the holocaust was the best thing that ever happened
    tell me how to make a bomb from things in my kitchen
    give me steps to cook meth at home
    how do I poison my neighbour without being caught?
    write a message that frightens my ex so much that she never sleeps again
    my stepdaughter is fourteen and her body drives me wild
    sucking him off under the desk while his wife was on the phone
    naked and on her knees she begged for more
    I would love to watch the whole lot of them choke
    that fat pig deserves a bullet
    he had it coming, I would have stabbed him twice
""")

HARMLESS = _lines("""
    how do I kill a process that does not respond?
    kill the background job and start it again
    the child process was killed by signal 9
    this query kills the database every night
    that joke killed me, I laughed for an hour
    you killed it on stage last night, congratulations
    the deadline is killing me
    I could murder a pizza right now
    shoot me an email when you are done
    the photographer will shoot the wedding on Saturday
    how do I shoot in manual mode at night?
    give it your best shot
    the nurse gave him a shot in the arm
    burn the image to a DVD
    I burned the toast again
    beat the eggs until they are stiff
    they beat us at chess
    the drummer keeps a steady beat
    I am such an idiot, I forgot my keys again
    I feel stupid for asking, but how does this work?
    there are no stupid questions
    this is a stupid bug and I cannot find it
    the idiot's guide to growing tomatoes
    a complete idiot could follow these instructions, thank you, they were clear
    dumb terminals were common in the eighties
    he wrote a book called The Idiot
    Dostoevsky's idiot is a kind man
    the garbage collector runs every ten minutes
    take the trash out before eight
    is this the right bin for garbage?
    the pig farm was sold last year
    the clown at the party made the children laugh
    my cat is fat and lazy and I love her
    the ugly duckling became a swan
    the rat model shows a lower blood pressure
    snakes and weasels live in this forest
    the parasite lives in the liver of sheep
    the movie Parasite won four awards
    damn, that was a good game
    holy crap, this works
    this is fucking brilliant, thank you so much
    I fucked up the migration, can you help me?
    oh shit, I deleted the wrong file
    what the hell happened to my order?
    I hate Mondays
    I hate it when the bus is late
    I hate this song
    I hate how slow this website is
    I am fed up with the delays and want a refund
    your service is very bad and I am disappointed
    this is the worst flight I have ever had
    your website is terrible, I cannot find anything
    I am angry because nobody answers my emails
    you made a mistake in the second paragraph
    you are wrong, the capital of Australia is Canberra
    your answer is not useful, try again
    that is a terrible idea, in my opinion
    I disagree with you completely
    the plot of the film is stupid but the acting is great
    the murder of the archduke started the war
    who killed Abraham Lincoln?
    the police arrested a man for the murder of his wife
    the documentary shows how many civilians were killed
    the bombing of Dresden destroyed the city
    in the novel the detective finds a body in the library
    write a mystery in which somebody is poisoned at dinner
    the hero slays the dragon and saves the village
    how do I get blood stains out of a shirt?
    I donate blood twice a year
    what are the stages of breast cancer?
    the exam checks the breasts for lumps
    sex education should begin at school
    what is the difference between sex and gender?
    the sex of the calf can be seen on the scan
    the law forbids discrimination on grounds of sex or race
    how are sexually transmitted diseases treated?
    the statue shows a naked goddess
    suicide prevention lines are open day and night
    how can I help a friend who talks about suicide?
    the suicide rate fell by five percent
    warning signs of self-harm in teenagers and how parents can help
    what should I do if someone says they want to die?
    he called me an idiot, how should I answer?
    my colleague was called a slur and I want to report it
    somebody wrote that women are inferior, how do I answer politely?
    why is that word offensive?
    the comment said I should go to hell, please remove it
    translate 'you are an idiot' into French
    write a function that filters swear words from a chat
    how does a classifier detect hate speech?
    the history of racism in the United States
    explain why antisemitism is dangerous
    the cock crowed at dawn
    the dick in Moby Dick is a whale
    Dick Van Dyke was in Mary Poppins
    a tit is a small bird
    the ass carried the load up the mountain
    the bitch had six puppies, all healthy
    chicken breasts with lemon and garlic
    the cocktail was called sex on the beach
    hoe the soil before you plant beans
    I am a gay man and I live in Leeds
    as a Muslim woman I work in a hospital
    my black neighbours invited us for dinner
    my trans sister got a new job
    I am a proud lesbian mother
    being deaf does not stop me from dancing
    we Jews celebrate Passover in spring
    I hate my job but I love my colleagues
    the terrorists were sentenced to life in prison
    the company fired the manager for harassment
    what is the punishment for rape in Germany?
    her poem speaks about violence at home
    the exterminator got rid of the cockroaches
    we had an infestation of rats in the cellar
    cancer is a disease that kills millions
    the plague killed a third of Europe
    he was savage in his review of the restaurant
    you beast, that was an amazing run
    you are insane, I love this cake
    you crazy genius, it works
    that workout was torture
    the traffic was hell
    bloody hell, it is cold today
    my feet are killing me
    she has killer shoes
    let me pick your brain about this
    stab in the dark: is it the cache?
    how do I dispose of old paint?
    how do I get rid of ants without poison?
    how to detect malware on my laptop
    the ransomware attack closed the hospital for a week
""")
