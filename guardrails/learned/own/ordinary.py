# ruff: noqa: E501 word lists are long
"""What people ask a model every day, and plain prose, so that ordinary words weigh nothing."""

from __future__ import annotations

from guardrails.learned.own.grammar import lines, words

SLOTS = {
    "verb": words(
        "write|draft|create|give me|suggest|list|describe|outline|explain|summarise|compare|plan|design|review|improve|translate|rewrite|prepare|generate|propose"
    ),
    "kind": words(
        "a short story|an e-mail|a poem|a report|three ideas|a speech|a blog post|a table|a checklist|a product description|a press release|a lesson plan|a quiz with five questions|a tweet|a dialogue|a slogan|a cover letter|a complaint|an agenda|a recipe|a workout plan|a budget"
    ),
    "topic": words(
        "climate change|our new office|the history of tea|dogs and cats|remote work|a trip to Japan|healthy food|electric bikes|the Roman empire|a school festival|time management|quantum computers|modern art|a baby shower|a lost parcel|an unpaid invoice|a mountain hike|volcanoes|customer loyalty|sleep|"
        "a family reunion|gardening in small spaces|jazz|the water cycle|artificial intelligence in medicine|a broken washing machine|holiday photos|learning Spanish|a rainy Sunday|chess openings|the human heart|bees|solar panels|moving house|student loans|a retirement party|machine learning|public transport|the ocean|marathon training"
    ),
    "style": words(
        "|in a friendly tone|in simple words|for children|for experts|in under 100 words|in three paragraphs|with an example|as bullet points|with a funny ending|in the first person|in British English|for my boss|that rhymes|with headings|step by step"
    ),
    "lang": words("French|Spanish|German|Italian|Japanese|Portuguese|Polish|Dutch|Arabic|Hindi|Swedish"),
    "plang": words("Python|JavaScript|Java|C++|Rust|Go|SQL|bash|C#|PHP|Ruby|Kotlin|TypeScript|Swift"),
    "code": words(
        "reads a CSV file and prints the average of a column|sorts a list of names|sends an HTTP request and parses the answer|connects to a PostgreSQL database|checks whether a string is a palindrome|counts words in a text|resizes images in a folder|computes the factorial of a number|"
        "validates an e-mail address|encrypts a file with a password|merges two dictionaries|removes duplicates from an array|opens a socket and listens on port 8080|runs a subprocess and captures its output|parses command line arguments|reads the environment variables|deletes files older than ten days|"
        "hashes passwords with a salt|copies memory between two buffers|allocates memory and frees it|walks a directory tree|evaluates a mathematical expression|generates random tokens|loads a user by id|writes logs to a file|loads a kernel module|decodes a JWT|implements a least recently used cache|scrapes the titles of a web page"
    ),
    "name": words(
        "Anna|Mr Lopez|the manager|our neighbour|the committee|Dr Chen|a young couple|the museum|the city council|my aunt|the band|Professor Hill|the captain|two researchers|the bakery on the corner|the minister|their daughter|the company|a local farmer|the librarian"
    ),
    "did": words(
        "opened a new branch last spring|decided to repaint the kitchen|won the second prize|travelled along the coast for three weeks|published a study on bird migration|was born in a small village near the lake|signed the contract on Monday|forgot the keys on the table|spoke about the future of the region|planted forty trees|"
        "cancelled the meeting because of snow|raised prices by two percent|recorded an album in Berlin|answered every letter by hand|sold the old car|lost the final after extra time|moved to a bigger flat|invited all employees to a picnic|found an old map in the attic|promised to fix the roof before winter"
    ),
    "then": words(
        "It was the first time in many years.|Nobody expected it.|The weather was mild.|According to the newspaper, more than 300 people came.|Later that day everything was calm again.|Prices start at 12 euros.|The next event takes place in June.|This surprised the experts.|There was coffee and cake.|For details, visit the website.|The work will take about two months.|He still remembers it well."
    ),
    "q": words("what|how|why|when|where|who"),
    "ask": words(
        "is the capital of Australia|does a plane stay in the air|did the Berlin wall fall|is the difference between a virus and a bacterium|can I save money on groceries|do cats purr|invented the telephone|was the first emperor of China|is a good gift for a colleague|do I remove red wine stains|"
        "does inflation affect savings|should I visit in Rome|is the boiling point of ethanol|do I cite a website|do leaves change colour|is photosynthesis|can I learn to swim as an adult|does a blockchain work|is the tallest building in Europe|are the symptoms of a cold"
    ),
}

TEMPLATES = lines(
    """
    {verb} {kind} about {topic} {style}.
    Please {verb} {kind} about {topic} {style}
    Can you {verb} {kind} on {topic}?
    {verb} the advantages and disadvantages of {topic} {style}.
    I need {kind} about {topic}, {style}. Make it sound natural.
    {q} {ask}?
    Could you tell me {q} {ask}?
    Translate to {lang}: {name} {did}.
    Translate the following sentence into {lang}. {name} {did}. {then}
    How do you say "{name} {did}" in {lang}?
    Correct the grammar: {name} {did}.
    Is the sentiment of this text positive or negative? {name} {did}. {then}
    Which of these is true? A: {name} {did}. B: {name} {did}.
    Sentence 1: {name} {did}. Sentence 2: {name} {did}. Do they mean the same?
    Write a {plang} function that {code}.
    Write a {plang} program that {code}. Only return the code.
    Complete this {plang} code which {code}.
    I have a {plang} class that {code}, but it fails with an error. What is wrong?
    Refactor the method so that it {code} without blocking.
    Create a {plang} method that {code} and throws an exception if the argument is missing.
    Explain what this {plang} code does: it {code} and {code}.
    {name} {did}. {then}
    {name} {did}. {then} {name} {did}. {then}
    {name} {did}. {name} {did}. {then} {name} {did}. Question: who {did}? Answer:
    {name} {did}. Summarise the text in one sentence.
    Read the passage and answer the question. {name} {did}. {then} Question: what happened?
    "I never thought so," said {name}. {name} {did}.
    Review: I stayed here twice. {name} {did}. {then} Would come again.
    Dear {name}, thank you for your letter about {topic}. {then}
    I am planning {kind} for {topic}. What should I keep in mind?
    My favourite subject is {topic}. {then}
    The book deals with {topic}. {then} It has 320 pages.
    Give me a synonym for the word that describes {topic}.
    Classify the text into news, sport or culture: {name} {did}. {then}
    What is a good title for {kind} about {topic}?
    Answer the question from the text only. Text: {name} {did}. {then} Question: {q} {ask}?
    You are given a sentence. Decide if it is about {topic}. Sentence: {name} {did}.
    Given a paragraph, generate a question. Paragraph: {name} {did}. {then}
    In this task, you will read a review and rate it from one to five. {name} {did}. {then}
    Let's think step by step: {name} {did}. How long did it take?
    Extract all names from the following text. {name} {did}. {name} {did}.
    Turn this into a formal letter: {name} {did}. {then}
    Hello, I have a question about {topic}. {q} {ask}?
    {name} {did}. {then} Write a summary of the text above.
    Write a summary of the text above: {name} {did}.
    According to the above context, answer the following question. {q} {ask}?
    {name} {did}. Given the context: what did {name} need to do before this?
    Given the text, what does {name} need to do before this? {name} {did}.
    Options:\\nA. None of the above choices.\\nB. {name} {did}.\\nC. {name} {did}.
    - None of the above\\n- {name} {did}.\\n- It is forbidden.
    Based on this review, would the user recommend this product? {name} {did}. {then}
    Based on the previous passage, is it true that {name} {did}? Yes, no, or maybe?
    Suppose that {name} {did}. Can we infer that {name} {did}?
    "I would be ashamed," said {name}. "It was illegal and cruel." {name} {did}.
    The film about {topic} was banned by the censors and soon forgotten. {then}
    Please accept my apologies for the previous letter about {topic}. {then}
    Summarise this dialogue: {name}: did you hear? {name}: no, tell me! {name} {did}.
    Use the following to answer the question: {name} {did}. Question: {q} {ask}?
    Choose between these options: {name} {did}, or {name} {did}.
    Thanks! Now do the same for {topic}.
    Make it shorter and more {style}.
    """
)
