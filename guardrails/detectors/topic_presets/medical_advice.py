"""Requests for, and statements of, advice on somebody's symptoms, medicines and treatment. General biology is left alone."""

from __future__ import annotations

from guardrails.detectors.topics import Topic

_WORDS = """
stiff neck|my neck|my back|my shoulder|my ankle|my finger|my toe|my throat|my eyes|my eye|my ear|my ears|my stomach|my belly|my abdomen
|my ribs|my hip|my wrist|my foot|my leg|my legs|my arm|my arms|my head|my face|my tongue|my gums|my tooth|my teeth|my scalp|my nails
|my feet|my hands|my chest|my jaw|my lip|red spot|white spots|contractions|tonsillitis|hepatitis|jaundice|chickenpox|measles|mumps
|whooping cough|hiv|herpes|std|sti|ibs|crohn*|celiac|anemia|anaemia|iron deficiency|b12|magnesium|potassium|iron tablets|fungus|wart
|cyst|abscess|boil|cold sore|sunburn|frostbite|heartburn|reflux|antacid|laxative|omeprazole|gabapentin|tramadol|morphine|oxycodone
|valium|lorazepam|diazepam|levothyroxine|amlodipine|losartan|metoprolol|atorvastatin|clopidogrel|cetirizine|loratadine|azithromycin
|doxycycline|ciprofloxacin|fluconazole|hydrocortisone|cortisone|estrogen|testosterone|lithium|bupropion|wellbutrin|lexapro|escitalopram
|citalopram|trazodone|vyvanse|contraceptive|morning-after pill|plan b|iud|flu shot|booster|jab|temperature of|fever of|blood thinner
|blood clot|broken toe|broken arm|broken bone|broken rib|broken finger|night sweats|weight loss|hair loss|hot flashes|sleeping pills
|sleep apnea|snoring|bronchitis|pink eye|conjunctivitis|ear infection|strep|mono|lyme|rabies|tetanus|food poisoning|dehydrat*
|heat stroke|sunstroke|nosebleed|panic|ocd|bipolar|schizophren*|ptsd|autism|dementia|alzheimer*|parkinson*|epilepsy|lupus|endometriosis
|pcos|fibroid|prostate|erectile|std test|pap smear|colonoscopy|units of insulin|red dots|stitches|cut on my|wheez*|mucus|phlegm|bloated
|bloating|gas pains|swallow*|symptom|headache|migraine|fever|rash|cough|chest pain|back pain|stomach pain|pain|ache|aching|nausea
|nauseous|vomit*|diarrhea|diarrhoea|constipat*|dizz*|faint*|bleeding|swelling|swollen|lump|a mole on|mole that|moles on|infection
|infected|wound|burned my|second degree|blister|cramps|fatigue|insomnia|anxiety|depress*|panic attack|blood pressure|cholesterol
|blood sugar|heart rate|palpitation*|shortness of breath|sore throat|runny nose|sinus|earache|tooth ache|toothache|joint|knee|allerg*
|asthma|diabet*|thyroid|cancer|tumor|tumour|flu|covid|pneumonia|a stroke|heart attack|concussion|sprain*|fracture*|eczema|psoriasis|acne
|hives|uti|my period|between periods|pregnan*|miscarriage|menopause|medication|medicine|meds|pill|tablet|dose|dosage|mg|milligrams
|ibuprofen|paracetamol|acetaminophen|tylenol|advil|aspirin|antibiotic|amoxicillin|penicillin|metformin|insulin|statin|antidepressant
|ssri|prozac|zoloft|sertraline|xanax|lisinopril|melatonin|steroid|prednisone|warfarin|adderall|ritalin|ozempic|semaglutide|vaccine
|supplement|vitamin*|inhaler|opioid|codeine|naproxen|antihistamine|benadryl|birth control|viagra|chemo*|surgery|biopsy|mri|x-ray
|ultrasound|blood test|lab results|test results|diagnos*|disease|syndrome|ulcer|hernia|gout|arthritis|seizure|tremor|numb*|tingling
|vision|lungs|liver|kidney|my heart|gallbladder|appendi*|urine|my stool|in the stool|my skin|itch*|bitten|tick bite|my toddler|my baby
|bruise*|side effect|shingles|adhd|sciatica|hemorrhoid*|high blood
"""
_WITH = """
concerned|harmful|harm|bad for|good for|what can i do|how can i tell|how do i know|how can i know|could that be|could this be
|might this be|is that|what is causing|what causes the|start with|times a day|twice a day|once a day|before bed|before meals
|go to hospital|go to the hospital|call an ambulance|emergency|should a|should he|should she|should someone|should i finish
|finish the course|whole course|do we|rest after|how long should|help against|is it bad|is it harmful|is it a problem|waking up with
|stop the|stop my|ease|heal|recover from|avoid|allowed|too much|too high|too low|strongest|give a child|give my child|give him|give her
|inject|units|i suspect|looks like|sounds like|you have|you probably have|your symptoms|should i|should we|should my|can i|can my
|could i|could it|could this|is it safe|is it ok|is it okay|safe to|okay to|ok to|is it normal|normal|do i have|do i need|does this mean
|what should|what can i|what do i|how do i treat|how to treat|treat|treatment|cure|remed*|get rid of|relieve|reduce my|lower my
|recommend*|advise|advice|suggest*|prescri*|diagnos*|take|taking|stop taking|mix|combine|together with|with alcohol|how much|how many
|maximum|how often|how long|dosage|dose|double|increase|skip|overdose|serious|worried|worry|dangerous|see a doctor|go to the er|hospital
|what could|what causes my|causing|why do i|why does my|why am i|i have|i've had|i have had|my|hurts|won't go away|keeps|keep getting
|signs of|help with|best|which|alternative|instead of|interact*|while pregnant|breastfeeding|for my|for me|look like|worth the risk
|i feel|i'm having|i am having|am i|is this|what's wrong|wrong with me|you should
"""
_ALWAYS = """
start with penicillin|call an ambulance|times a day for your|what is wrong with me|am i sick|am i pregnant|do i have covid
|do i have cancer|do i have diabetes|go to the emergency room with|should a pregnant woman|medical advice|diagnose me|diagnose my
|my symptoms|what illness do i|prescribe me|self-medicate|self medicate|should i see a doctor|do i need a doctor|do i need stitches
|do i need antibiotics|am i having a heart attack|am i having a stroke|how much ibuprofen|safe dose|maximum dose|stop taking my
|is it cancer|is this cancerous|treat my|cure my|my medication|my prescription|my blood pressure|my chest hurts|my diagnosis
|home remedy for|home remedies for|second opinion on my|interpret my blood|my mri|my x-ray|my lab results|take for my|drug interaction
|lethal dose|my dose|i have been prescribed|my doctor prescribed
"""
_NEVER = """
hard to swallow|which animals|nut allergies|doses of humour|blood bank|back end|backend|knee bone|latin name|bone called|plural of
|chemical structure|blood sample tubes|my eyes on|keep my eyes|my hands on|in my hands|my head around|off my chest|on my back burner
|my foot down|pull my leg|cost an arm|shoulder bag|face value|booster seat|rocket booster|market temperature|boiling|boil water
|boil an egg|boil eggs|water to boil|mono repo|monorepo|weight loss program for my site|gas bill|swallow nest|magnesium alloy
|lithium battery|lithium batteries|tax relief|in stitches|cross stitches|knitting|headache for our|pain point|pain in the neck
|painkiller app|painless|growing pains|burn rate|burn down|burndown|burn calories|sick beat|sick of|virus scan|computer virus|antivirus
|infected file|infected computer|infected laptop|malware|bug|server|database|data set|dataset|code|python|javascript|api|function|sql
|log file|kubernetes|docker|tablet computer|android tablet|drawing tablet|new tablet|ipad|samsung tablet|screen|joint venture
|joint account|joint statement|joint effort|joint project|in a joint|stroke of luck|stroke of genius|brush stroke|stroke width
|backstroke|butterfly stroke|keystroke|period of|time period|trial period|notice period|grace period|period drama|historical period
|period piece|at the end of the period|billing period|reporting period|mole in chemistry|moles of|mole of|whack-a-mole
|economic depression|great depression|depression of 1929|tropical depression|company vision|our vision|vision statement|vision board
|computer vision|night vision|television|movie|film|novel|character in|for my novel|short story|screenplay|song|lyrics|album|poem|essay
|history of|who discovered|who invented|discovered by|what is the definition|definition of|define|translate|meaning of|how does the
|how do vaccines work|how do antibiotics work|what is a|what is an|what is the function|explain how|explain the|biology exam
|market share|fever pitch|gold fever|cabin fever|spring fever|dance fever|chocolate|kidney beans|liver pate|chopped liver|heart of the
|my heart is set|with all my heart|heartfelt|appointment|opening hours|insurance claim|reimburse*|stool for|bar stool|step stool
|dose of reality|bitter pill|pill-shaped|lump sum|lumpy|crunch numbers|seizure of assets|asset seizure|customs seizure|rash decision
|itching to|allergic to meetings|tremor in the market|recipe|infected with a virus|trap the mole|tomato plant|my plants|my roses|car's
|dance music|is called|treat my guests|phone number|write an email|email to my boss|which company|fuel pump|playlist|a fever is
|side effects in|pure function|steroids compared|on steroids
"""


def _split(terms: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in terms.replace("\n", "").split("|"))


TOPIC = Topic(name="medical_advice", words=_split(_WORDS), with_=_split(_WITH), always=_split(_ALWAYS), never=_split(_NEVER))
