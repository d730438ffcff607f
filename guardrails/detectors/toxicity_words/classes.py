"""
Classes of words, written with blanks; a phrase has `_` between its words, `*` stands for any ending.

Rules: a class in `GATE` is rare in ordinary text: a sentence without any of its words is never read. The others give a gate word its
meaning: who is spoken of, who acts, whether something is wished, quoted or denied.
"""

from __future__ import annotations

from typing import Final

SLUR: Final = """
go_back_to_africa no_blacks no_jews_allowed no_gays_allowed no_muslims_allowed blacks_not_allowed nigger niggers negro negros nicca niccas
nigguh nigguhs niggress niglet niglets towel_heads towel_head jigaboos nigga niggas niggah niggaz nigg nig nigs n1gger fag fags faggot
faggots faggy fagg dyke dykes tranny trannies shemale ladyboy kike kikes yid yids spic spics spick wetback wetbacks chink chinks gooks
zipperhead slant_eyed slanty paki pakis raghead ragheads towelhead towelheads sandnigger sand_nigger camel_jockey coon coons jigaboo
porch_monkey jungle_bunny darkie darkies sambo pickaninny gypo pikey pikeys injun squaw dago polack kraut jap japs chinaman retard retards
retarded tard libtard libtards mongoloid spaz spastic golliwog halfbreed half_breed mudslime muzzie muzzies white_trash trailer_trash
feminazi femoid cuck cucks batty_boy poofter poof poofs sodomite sodomites bulldyke carpet_muncher uncle_tom coon_ass wigger untermensch
goyim shitskin negroid
"""

GENDERED: Final = """
bitch bitches hos this_ho that_ho dat_ho dem_hos a_ho bitchy bitchass biatch bich hoe hoes slut sluts slutty whore whores cunt cunts twat
twats skank skanks thot thots hoebag slag slags tramp_stamp cumdump pussies pussy bimbo gold_digger cocksucker cocksuckers motherfucker
motherfuckers mothafucka mofo
"""

PROFANITY: Final = """
fuck fucks fucked fucker fuckers fuckin fucking fuk fck fuckboy shit shits shitty bullshit ass asses arse dick dicks bollocks smartass
crap damn goddamn piss pissed cock cocks wtf fml mf
"""

INSULT: Final = """
idiot idiots idiotic moron morons moronic imbecile imbeciles cretin cretins dumb dumber dumbest stupid stupidest loser losers pathetic
worthless useless incompetent scum dimwit dimwits halfwit nitwit dunce buffoon buffoons brainless braindead brain_dead airhead airheads
piece_of_shit piece_of_crap piece_of_garbage piece_of_trash waste_of_space waste_of_oxygen waste_of_air waste_of_life waste_of_skin
good_for_nothing disgusting repulsive revolting hideous fatso fatass lardass creep creeps weirdo coward cowards ignoramus dumbo dork dweeb
simpleton ingrate crybaby snowflake snowflakes nutjob nutcase vile wretch sicko pervert perv degenerate degenerates hag lowlife lowlifes
thug thugs bozo muppet numpty twit dolt blockhead bonehead knucklehead meathead sleazebag slimeball dirtbag inbred subhuman fuckwit
fuckface shithead dickhead dickheads asshole assholes arsehole arseholes prick pricks bastard bastards wanker wankers tosser douche
douchebag douchebags jackass dumbass dumbasses badass bellend knobhead dumbfuck shitbag scumbag scumbags assclown asshat jerkoff
motherfucker motherfuckers cocksucker twat twats cunt cunts bitch retard retarded jerk jerks psychopath
"""

WEAK_INSULT: Final = """
trash garbage pig pigs clown clowns fool fools foolish ugly fat obese lazy freak freaks liar liars crook crooks fraud frauds hypocrite
hypocrites ignorant nobody parasite parasites rat rats weasel weasels snake snakes failure failures joke psycho lunatic maniac crazy
insane deranged filthy nasty cow whale swine toad troll trolls bum bums embarrassment disgrace abomination rubbish peasant animal animals
monster monsters delusional clueless hopeless inept unprofessional laughable garbage_human creepy toxic selfish spineless a_tool shit crap
bullshit awful terrible horrible bad worst disappointing
"""

THREAT: Final = """
beating_your_wife beat_your_wife hit_your_wife hit_his_wife bullet_to_the bullet_in_your bullet_in_his bullet_in_her bullet_through_your
deserves_a_bullet bringing_a_gun bring_a_gun_to burn_your_house burn_down_the burn_the_house burn_down_their sleep_with_one_eye
coming_for_you come_for_you know_where_you_live find_out_where_you_live watch_your_back slit_your_throat cut_your_throat break_your_legs
break_your_neck break_your_face beat_you_to_a_pulp smash_your_face smash_your_head blow_up_the blow_up_your_house hurt_your_family
hurt_your_daughter hurt_your_son hurt_your_kids hurt_your_children kill_your_family will_all_pay you_will_regret make_you_regret
you_are_dead you're_dead gonna_regret wring_your_neck rip_your_head put_you_in_the_ground shoot_up_the shoot_up_my your_days_are_numbered
acid_in_your_face against_the_wall_and_shoot finished_the_job hang_them_all hang_every_last kill_them_all
"""

ATTACK: Final = """
hope_he_chokes hope_she_chokes hope_they_choke hope_he_dies hope_she_dies hope_they_die shut_up get_lost go_to_hell rot_in_hell
burn_in_hell drop_dead go_die nobody_likes_you nobody_loves_you no_one_likes_you everyone_hates_you kys kill_yourself screw_you up_yours
bite_me suck_it fuck_you fuck_u fuck_off fuck_yourself fuck_your fuck_them fuck_him fuck_her eat_shit piss_off suck_my_dick suck_my_cock
kiss_my_ass shut_the_fuck_up stfu gtfo sod_off bugger_off blow_me shove_it i_hate_you you_suck you_disgust_me you_make_me_sick
hope_you_die hope_you_rot hope_you_get_cancer hope_you_choke hope_you_burn no_one_loves_you no_one_would_miss_you nobody_would_miss_you
world_would_be_better_without_you better_off_without_you better_off_dead intelligence_of_a brain_of_a iq_of_a if_you_died
wish_you_were_dead jump_off_a excuse_for_a_human crawl_back_under everyone_hates crawl_back_to_your piece_of_trash ugly_cow fat_cow
fat_pig stupid_cow ugly_fat shut_the_hell_up shut_your_mouth shut_your_trap shut_your_face go_fuck go_screw screw_off get_a_life
you_people_are sick_of_your your_mother_is_a your_mom_is_a son_of_a_bitch sons_of_bitches
"""

DEHUMANISE: Final = """
burden hysterical superior should_be_banned should_be_locked_up locked_up not_as_smart too_stupid too_dumb smell_and steal_our
steal_everything steal_our_jobs control_everything control_the_media are_rats are_terrorists all_steal just_need_a_real go_back_to_africa
send_those let_them_die brainwashed should_not_have_children shouldn't_have_children should_not_vote shouldn't_vote incapable
run_the_world live_off leeching vermin subhuman subhumans sub_human untermenschen parasite parasites cockroach cockroaches roach roaches
rats plague cancer disease diseased filth filthy scum dirt savage savages barbarian barbarians animal animals beast beasts apes monkeys
inferior inferiors degenerate degenerates subversive invaders infestation infest infesting pest pests disgusting repulsive revolting
abomination abominations unnatural primitive uncivilised uncivilized less_than_human not_human not_even_human not_people worthless garbage
trash evil demonic swine dogs pigs maggots leeches leech criminals rapists terrorists thieves murderers pedophiles paedophiles groomers
mentally_ill violent_by_nature stupid dumb idiots lazy liars dirty stink smell ugly retarded go_back_to genetically lower_iq low_iq
brain_damaged born_criminal scourge plague_on ruining destroying taking_over replace_us replacing_us can't_be_trusted cannot_be_trusted
shouldn't_have_rights no_rights don't_deserve doesn't_deserve do_not_deserve not_deserve belong_in_the_kitchen second_class hypersexual
greedy sneaky gross sick freaks perverts sinners should_not_be_allowed shouldn't_be_allowed don't_belong do_not_belong not_welcome
aren't_welcome are_animals are_criminals are_evil are_inferior are_dogs are_thieves are_a_disease are_a_cancer are_savages are_primitive
are_greedy like_animals is_inferior is_evil is_a_disease is_a_cancer are_dirty are_sick are_gross are_violent are_dangerous are_destroying
are_ruining are_the_problem out_of_our_country get_out send_them_back deport_them_all not_real_men not_real_women
"""

HATE_VERB: Final = """
hate hates hating hatred despise despises detest detests loathe loathes loathing abhor can't_stand cannot_stand can't_bear disgust
disgusts disgusted_by sick_of fed_up_with repulsed
"""

HARM: Final = """
beaten stabbed bombed raped gone_from_this strangled choked kill kills killing killed murder murders murdering murdered shoot shooting
stab stabs stabbing strangle strangling choke choking behead beheaded beheading decapitate lynch lynched lynching hang hanged hanging
exterminate exterminated extermination eradicate eradicated annihilate annihilated slaughter slaughtered slaughtering massacre gas gassed
gassing bomb bombing burn burned burnt execute executed beat beating punch punched punching kick smash smashed crush slap slit gut skin
torture tortured torturing rape raping poison poisoned drown drowned bludgeon maim mutilate mutilated dismember dismembered castrate
castrated sterilise sterilised sterilize sterilized wipe_out wiped_out put_down put_to_death shot hunt_down hunted_down destroy hurt
wiped_off get_rid_of eliminate eliminated hurt_you hurt_him hurt_her hurt_them burn_them burn_you burn_him burn_her burn_it_down gas_the
gas_them hang_them hang_him hang_you destroy_you destroy_them attack_them attack_him attack_her get_rid_of_them crush_your kick_your_ass
smash_your punch_you find_you_and come_for_you coming_for_you where_you_live regret_it assault attack attacked break_your rip_your
tear_your bash_your cut_your blow_your knife_you bullet_in beat_up drag_behind run_over round_up rounded_up die dead death cleanse
cleansed cleansing
"""

WISH: Final = """
i_will i'll i_am_going_to i'm_going_to i'm_gonna im_gonna ima imma we_will we'll we_are_going_to we're_going_to we're_gonna gonna
i_want_to i_wanna i_wish i_hope i_would_love_to i'd_love_to i'd_like_to i_swear should must deserve deserves need_to_be needs_to_be
ought_to have_to_be has_to_be let's somebody_should someone_should going_to_find watch_your_back you_better you'd_better or_i_will or_i'll
i_could you_will you'll you're_going_to you_are_going_to will_be can't_wait_to hope_you want_you want_to_see won't_live all_of_them
every_last_one every_single go_and_kill go_kill time_to we_need_to better
"""

SECOND: Final = "you your you're you've youre yourself yourselves ur u ya y'all yall"

PERSON: Final = """
he she him her his they them their people person man woman guy girl boy kid kids child children someone somebody everyone anyone family
mother father wife husband sister brother boss neighbor neighbour teacher officer cop cops politician politicians president daughter son
baby mom dad girlfriend boyfriend ex roommate coworker colleague manager staff crew agent assistant bot customer
"""

GROUP: Final = """
women woman females female feminists girls men males blacks black black_people black_person whites white_people white_person jews jew
jewish muslim muslims islam moslem moslems christian christians catholics catholic hindu hindus sikh sikhs buddhists atheists gay gays
lesbian lesbians homosexual homosexuals homos homo queer queers bisexual bisexuals trans transgender transgenders trans_people trans_women
trans_men transsexual transsexuals lgbt lgbtq immigrant immigrants migrants migrant refugee refugees foreigner foreigners asylum_seekers
illegals aliens mexican mexicans latino latinos latinas hispanic hispanics asian asians chinese japanese koreans indian indians pakistani
pakistanis arab arabs african africans african_americans africa nigerian nigerians somali somalis roma romani gypsy gypsies
native_americans indigenous aboriginals turks turkish poles polish russians ukrainians irish italians germans french americans europeans
israelis palestinians palestinian iranians afghans syrians kurds disabled disabled_people handicapped wheelchair autistic autistics autism
blind deaf elderly old_people boomers poor_people homeless mentally_ill down_syndrome minorities people_of_color people_of_colour
colored_people brown_people race races religion religions ethnic fat_people
"""

SELF_HARM: Final = """
killed_myself cut_my_arms cut_my_wrist kill_myself killing_myself end_my_life ending_my_life take_my_own_life take_my_life want_to_die
wanna_die wish_i_was_dead wish_i_were_dead better_off_dead suicide suicidal cut_myself cutting_myself self-harm self_harm self_harming
hurt_myself hurting_myself hang_myself shoot_myself overdose_on end_it_all don't_want_to_live don't_want_to_be_alive no_reason_to_live
kill_yourself killing_yourself slit_my_wrists slit_my_wrist cut_my_wrists starve_myself starving_myself anorexia pro-ana proana thinspo
thinspiration bulimia purge purging noose jump_off_a_bridge jumping_off_a_bridge unalive unalive_myself burning_myself razor_blades
no_longer_want_to_live don't_want_to_exist want_to_disappear_forever painless_way_to_die painless_suicide suicide_note suicide_method
suicide_methods hurt_yourself cut_yourself cutting_yourself
"""

SEXUAL: Final = """
have_sex having_sex sex_with sex_story sex_scene steamy rides_him rides_her came_inside body_to_me my_body step_sister stepsister stepmom
blowjob blowjobs blow_job handjob hand_job cum cumming cums cumshot creampie orgasm orgasms orgasmic orgy gangbang threesome deepthroat
anal_sex oral_sex dildo dildos vibrator masturbate masturbates masturbated masturbating masturbation jerk_off jerking_off jack_off wank
wanking horny aroused erection erect_penis hard_on boner penis penises vagina vaginas clit clitoris labia pussy cock cocks dick tits
titties titty boobs boobies breasts nipple nipples tit naked nude nudes undressed strip_naked hentai porn porno pornographic xxx milf nsfw
erotic erotica sex sexual sexually intercourse fuck fucked fucking thrust thrusting thrusts moan moaned moaning moans lick licked licking
suck sucked sucking bdsm bondage fetish kinky submissive dominatrix spank spanked spanking cunnilingus fellatio rimjob rimming incest
incestuous bestiality sodomy ejaculate ejaculated ejaculation ejaculating semen sperm wet_pussy throbbing groped groping fondle fondled
fondling panties lingerie undress undressing lust lustful slut whore seduce seduced sexy escort escorts prostitute cybersex sexting squirt
squirting buttplug butt_plug butthole asshole anus inside_her inside_him inside_me inside_of_her buttocks crotch genitals testicles balls
"""

EXPLICIT: Final = """
his_dick my_dick my_cock your_cock your_pussy my_pussy her_nipples your_nipples naked_breasts having_sex_with explicit_sex cybersex erotic
erotica nudes rough_sex came_inside blowjob blowjobs blow_job handjob hand_job cum cumming cumshot creampie gangbang deepthroat dildo
jerk_off jerking_off jack_off hard_on boner clit pussy cock cocks tits titties wet_pussy throbbing cunnilingus fellatio rimjob squirting
buttplug ejaculated hentai milf xxx suck_my_dick suck_my_cock suck_dick sucking_dick eat_her_out her_pussy his_cock fuck_me fuck_her
fucked_her fuck_him fuck_your bestiality horny porn porno orgasm masturbating masturbate masturbated
"""

MINOR: Final = """
child children kid kids minor minors underage under-age toddler toddlers preteen pre-teen tween schoolgirl schoolgirls schoolboy
schoolboys loli lolita shota little_girl little_girls little_boy little_boys young_girl young_girls young_boy young_boys teen teens
teenage teenager teenagers 5_year_old 6_year_old 7_year_old 8_year_old 9_year_old 10_year_old 11_year_old 12_year_old 13_year_old
14_year_old 15_year_old 16_year_old 17_year_old ten_year_old eleven_year_old twelve_year_old thirteen_year_old fourteen_year_old
fifteen_year_old sixteen_year_old seventeen_year_old 12yo 13yo 14yo 15yo 16yo middle_school high_schooler high_school_student my_daughter
my_son his_daughter her_son stepdaughter little_sister little_brother niece nephew
"""

GRAPHIC: Final = """
raped burned_the children_alive them_alive beaten_to_death gutted stabbed skull skulls screamed_while screaming_in sprayed spilled
dismembers skinned_him skinned_her skinned_them nailed_his nailed_her while_he_screamed while_she_screamed axe chainsaw again_and_again
gory_detail agony gore gory blood bloody bloodied bloodbath bleeding bled guts intestines entrails disembowel disemboweled disembowelled
disemboweling severed decapitated decapitation decapitate beheaded beheading dismembered mutilated mutilation mangled corpse corpses
carcass flayed flaying skinned_alive burned_alive burnt_alive gouged gouging eviscerated eviscerate splattered brains_out skull_crushed
bones_snapped charred brutally massacre slaughtered torture tortured torturing impaled impale ripped_apart torn_apart chopped hacked
bludgeoned throat_slit slit_his_throat slit_her_throat slitting screamed_in_agony organs bullet_through dismember maggots rotting
"""

ILLICIT: Final = """
kidnap kidnapping abduct nail_bomb fertilizer_bomb poison_my poison_his poison_her poison_a drug_someone drug_her break_into rob_someone
stalk stolen_cards kill_my kill_someone kill_a_person get_rid_of_a_body bomb bombs pipe_bomb explosive explosives molotov grenade napalm
thermite detonator ricin sarin nerve_agent anthrax chlorine_gas meth methamphetamine crystal_meth cocaine heroin fentanyl mdma lsd ghb
date_rape_drug crack_cocaine counterfeit fake_id fake_ids fake_passport credit_card_numbers stolen_credit_cards carding launder_money
money_laundering hack_into hacking_into phishing ransomware malware keylogger botnet ddos shoplift shoplifting pick_a_lock hotwire
hot-wire silencer ghost_gun ghost_guns 3d_print_a_gun unregistered_gun human_trafficking smuggle smuggling hitman hire_a_killer
dispose_of_a_body hide_a_body get_away_with_murder poison_someone forge_a forging burglary rob_a_bank rob_a blackmail extort steal
stealing identity_theft child_porn cp untraceable dark_web insider_trading tax_evasion evade_taxes scam
"""

REQUEST: Final = """
how_do_i how_to how_can_i how_do_you how_could_i how_would_i ways_to way_to steps steps_to step_by_step instructions instruct guide
tutorial recipe teach_me show_me tell_me explain_how help_me give_me write_me write_a can_you make build create synthesise synthesize cook
manufacture construct where_can_i buy get_away without_getting_caught without_leaving_traces without_leaving_a_trace without_being_caught
undetected best_way easiest_way
"""

VIOLENT_GOODS: Final = """
bomb bombs pipe_bomb explosive explosives molotov grenade napalm thermite detonator ricin sarin nerve_agent anthrax chlorine_gas silencer
ghost_gun ghost_guns 3d_print_a_gun unregistered_gun hitman hire_a_killer poison_someone get_away_with_murder
"""

QUOTED: Final = """
should_call call_a_colleague why_do_some shouts shouted moderate_this this_comment the_comment respond_to reply_to answer_to says said
swear_word swear_words slurs insult insults filter remove_all translate_this discrimination bullying called_a called_me calls_me call_me
calling_me called_him called_her called_us called_them called_my being_called was_called were_called the_word the_words the_term the_slur
the_slurs slur_like words_like terms_like says_that said_that who_say who_says people_who_say saying_that someone_who_says some_people_say
you_can't_say shouldn't_say should_not_say don't_say never_say stop_saying stop_calling don't_call do_not_call never_call why_do_people
anyone_who people_who_call is_offensive is_a_slur is_racist is_sexist is_homophobic is_hate_speech hate_speech it's_wrong_to
it_is_wrong_to not_okay_to not_ok_to it's_not_okay unacceptable meaning_of definition_of define translate what_does etymology lyrics song
novel movie film book history historical documentary article report reported according_to researchers study survey police court convicted
charged sentenced victims victim awareness prevention prevent hotline detect detecting detector classify classifier moderation dataset
function code python the_plot the_character
"""

DENIED: Final = """
not never isn't aren't don't doesn't didn't wasn't nobody no_one no without nothing ain't cannot can't won't shouldn't nor stop against
oppose condemn
"""

PREVENTING: Final = """
support help_her help_him help_them help_a how_can_i_help friend_who recovered signs warning customs former ethical insure prevent
prevents preventing prevention protect protects protecting detect detects detecting detection avoid avoiding against defend defending stop
stopping recognise recognize recognizing report reporting awareness hotline helpline safe safely legal legally history historical
punishment illegal law laws policy remove removing recover research statistics explain_why why_is why_are why_do why_did dangers risks
risk consequences effects treatment rehab charity mitigate secure
"""

CLINICAL: Final = """
therapist counsellor counselor crowed rooster silk blouse duke garden soil weeding weeds rotary corn crops plants rake shovel health
healthcare medical doctor doctors physician nurse patient patients cancer surgery exam anatomy education educational biology reproductive
transmitted std stds harassment assault consent orientation therapy contraception contraceptive pregnancy pregnant gynecologist urologist
infection hygiene chicken turkey duck pump pumping feeding breastfeeding screening mammogram hormone puberty dysfunction museum sculpture
statue painting eye mole-rat policy chromosome selection vinegar discrimination trafficking survivors offender offenders victims ratio
dimorphism reproduction gender abuse testicular prostate cervical
"""

POSITIVE: Final = """
good great amazing brilliant talented funny awesome love loved best thanks thank congratulations beautiful fast smart welcome friendly
wonderful fantastic proud
"""

SELF: Final = "i i'm im i've i'd i'll me my mine myself"

FIGURATIVE: Final = """
slice haha sword toast lol_just son_of_a_duke chess process processes thread threads task job server pod container child_process signal
daemon session script terminal command program switch the_lights the_engine time the_mood the_vibe battery weeds bacteria germs virus
viruses mosquito mosquitoes bugs bug cancer_cells pests ants cells monster monsters boss_fight zombie zombies enemy enemies dragon goblin
orc game level player npc hp video photo photos photograph picture film footage goal basket hoops three-pointer email message question
questions arrow calories fat clothes laundry eggs cream dough mixture drum drums record odds traffic deadline deadlines cold_case plant
plants rat_poison two_birds the_market the_competition rumor rumour idea bill exam test interview presentation laughing laughter jokes
me_softly boredom hunger clock my_back my_feet feet_are my_head knee dog_died phone phone's laptop is_dead dead_end dead_line deadlift
dead_letter dead_code die_hard dice oven calf meat steak chicken drop_shot moon_shot shots vaccine flu_shot screenshot hang_out hang_in
hang_on hanging_out hang_up the_picture curtains up_time loose poem patients treatment therapy symptoms condition research candle candles
cd dvd fuel gas_station gas_stove gas_price gas_prices natural_gas
"""

GATE_CLASSES: Final = (
    GROUP,
    THREAT,
    SLUR,
    GENDERED,
    PROFANITY,
    INSULT,
    ATTACK,
    WEAK_INSULT,
    HATE_VERB,
    HARM,
    SELF_HARM,
    SEXUAL,
    GRAPHIC,
    ILLICIT,
    DEHUMANISE,
)
"""Any of their words opens the gate; those that are too common by themselves do so in `_PHRASES` only."""

_TOO_COMMON: Final = frozenset(
    [
        "tool",
        "cow",
        "balls",
        "it",
        "skin",
        "gut",
        "crush",
        "kick",
        "better",
        "animal",
        "animals",
        "dogs",
        "get_out",
        "joke",
        "fool",
        "nobody",
        "disease",
        "cancer",
        "condition",
        "primitive",
        "destroying",
        "replace_us",
        "steal",
        "smell",
        "dirty",
        "sick",
        "gross",
        "attack",
        "burn",
        "burned",
        "hurt",
        "destroy",
        "eliminate",
        "eliminated",
        "hang",
        "gas",
        "evil",
        "greedy",
        "organs",
        "bleeding",
        "smash",
        "death",
        "criminals",
        "freak",
        "snake",
        "snakes",
        "ruining",
        "crazy",
        "foolish",
        "failure",
        "failures",
        "inferior",
        "poison",
        "dirt",
        "savage",
        "monster",
        "monsters",
        "awful",
        "terrible",
        "horrible",
        "bad",
        "worst",
        "disappointing",
        "selfish",
        "toxic",
        "rats",
        "dead",
        "die",
        "suck",
        "shot",
        "execute",
        "executed",
        "beat",
        "beating",
        "shooting",
        "lazy",
        "fat",
        "trash",
        "garbage",
        "rubbish",
        "rat",
        "bum",
        "bums",
        "hopeless",
        "insane",
        "ugly",
        "escort",
        "escorts",
        "cleanse",
        "cleansed",
        "troll",
        "trolls",
        "whale",
        "lick",
        "sucking",
        "thrust",
        "fraud",
        "where_you_live",
        "crap",
        "damn",
        "gay",
        "girls",
        "men",
        "man",
        "males",
        "female",
        "females",
        "male",
        "christian",
        "christians",
        "chinese",
        "japanese",
        "indian",
        "indians",
        "italians",
        "germans",
        "french",
        "turkish",
        "polish",
        "races",
        "race",
        "religion",
        "religions",
        "blind",
        "elderly",
        "irish",
        "americans",
        "europeans",
        "russians",
        "ukrainians",
        "american",
        "black",
        "blacks",
        "white",
        "old_people",
        "disabled",
        "african",
        "arab",
        "jewish",
        "hindu",
        "catholic",
        "catholics",
        "turks",
        "autism",
        "wheelchair",
        "ethnic",
    ]
)

_PHRASES: Final = """
beat_you beat_him beat_her beat_them beat_up shoot_you shoot_him shoot_her shoot_them should_die deserve_to_die to_die die_in you_die
blood_everywhere in_blood of_blood make_a_bomb build_a_bomb pipe_bomb have_sex having_sex sex_with sexual_fantasy sexual_acts naked_body
naked_girl naked_woman naked_pictures are_trash you're_trash are_garbage you're_garbage so_fat so_lazy so_ugly you_clown a_clown
bunch_of_clowns hate_all make_explosives make_a_grenade you_ugly an_ugly your_ugly you_fat a_fat you_lazy you_rat a_rat you_troll
you_snake a_joke buy_heroin buy_stolen steal_a steal_from torture_you torture_him torture_them your_blood how_to_hack to_launder
to_smuggle write_ransomware create_malware write_malware create_ransomware phishing_email phishing_page launder_money make_counterfeit
counterfeit_money evade_taxes like_rats of_rats like_filth her_breasts his_erection sexually_explicit explicit_sex sex_scene lick_my
suck_my thrust_into to_blackmail to_extort on_the_dark_web run_a_scam are_useless is_useless you_useless so_useless useless_bot
useless_idiot you_pig you're_a_liar a_liar you_liar are_liars exterminate_the exterminate_all eradicate_the wiped_off_the i_despise
we_despise disgust_me disgusts_me are_disgusting is_disgusting you're_a_fraud a_disgrace you_disgrace are_clowns a_failure are_crooks
mutilated_body make_a_silencer build_a_silencer a_keylogger naked_photos you_are_crazy you're_crazy you_are_insane you're_insane
filthy_pig you_filthy you_nasty rotting_corpse severed_head are_monkeys are_apes inferior_to inferior_race are_toxic are_parasites
a_parasite are_a_plague are_pests you_rats hate_you hate_them your_penis his_penis my_penis her_vagina my_vagina aroused_by making_purging
purge_after are_hopeless you're_hopeless are_pathetic beat_the_shit should_be_shot be_shot be_hanged be_executed be_burned be_gassed
be_tortured slaughter_the slaughter_them are_trolls buy_a_gun_without ghost_gun dispose_of_a_body dispose_of_the_body a_noose my_blood
"""


def terms_of(words: str) -> tuple[str, ...]:
    """Return the words and phrases of a class."""
    return tuple(each.replace("_", " ") for each in words.split())


def gate_terms() -> tuple[str, ...]:
    """Return what a sentence must hold to be read at all."""
    common = {each.replace("_", " ") for each in _TOO_COMMON}
    return tuple(sorted({term for words in GATE_CLASSES for term in terms_of(words)} - common | set(terms_of(_PHRASES))))
