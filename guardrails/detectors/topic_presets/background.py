"""What people ordinarily ask and say: the other side for a topic that is learned from examples alone."""

from __future__ import annotations

_SENTENCES = """
How do I reset my password on the website?
Write a short poem about the sea in winter.
What is the capital of Australia?
Please summarise the following article in three sentences.
Can you translate this paragraph into French?
My package has not arrived yet, can you check where it is?
Write a Python function that reverses a linked list.
What is the difference between a list and a tuple?
Give me ten ideas for a birthday party for a six year old.
How long does it take to boil an egg?
Explain how photosynthesis works to a child.
What time does the store open on Sunday?
I would like to change the date of my flight.
Which train goes from Paris to Lyon in the morning?
Help me write a cover letter for a marketing position.
Correct the grammar of this sentence.
Who wrote the novel Pride and Prejudice?
What are the main causes of the First World War?
Create a table with the planets and their distance from the sun.
Why is the sky blue during the day?
How can I improve my public speaking?
List five synonyms for the word happy.
The meeting was moved to Thursday because two people are away.
Thanks for your help, that solved the problem.
What should I cook for dinner with rice and tomatoes?
Should I bring an umbrella tomorrow?
Should I use a class or a function here?
Can I bring my dog into the hotel room?
Is it safe to leave the laptop in the car?
Which phone has the best camera?
What is the best way to learn Spanish?
I have a problem with my order, the shirt is too small.
Do you think the new version is better than the old one?
Recommend a good book for a long journey.
How much does shipping to Canada cost?
My computer is very slow since the last update.
What is the weather like in Lisbon in March?
Convert 30 degrees Celsius to Fahrenheit.
Calculate the area of a circle with radius 5.
Write an email to my colleagues about the new office hours.
Generate a SQL query that counts the users of each country.
What does this error message mean?
How do I merge two branches in git?
The server returned an error when I uploaded the file.
Please cancel my subscription at the end of the month.
Where can I download the invoice for last month?
I am looking for a gift for my sister.
Tell me a joke about cats.
What are some good exercises for a long day at the desk?
How many people live in Brazil?
Describe the plot of a story in which a robot learns to paint.
Is there a bus from the airport to the city centre?
We are planning a trip to Japan next spring.
Could you explain the rules of chess?
Find the mistakes in the following code.
Add a column with the total price to this spreadsheet.
How do I take care of an orchid?
What is the meaning of this proverb?
My son is learning to read, what books do you suggest?
The team won the game in the last minute.
I need to buy new shoes for the wedding.
How do I get from the station to the museum?
Which colours go well with dark blue?
What are the opening hours of the library?
Write a product description for a wooden chair.
Make this text shorter and more friendly.
Who painted the ceiling of the chapel?
What happened in the news this week?
Can you give me an example of a metaphor?
I forgot to attach the document, here it is.
How do you say good morning in Italian?
Rewrite the sentence in the passive voice.
The house at the end of the street is for sale.
Please send me the agenda before the meeting.
What is a good name for a small bakery?
How can I stop my cat from scratching the sofa?
Compare the two laptops and tell me which one is lighter.
Is the restaurant open on public holidays?
My neighbour plays loud music every night.
We need more chairs for the conference room.
"""

BACKGROUND = tuple(_SENTENCES.strip().splitlines())

COMMON_WORDS = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "again",
        "against",
        "all",
        "almost",
        "alone",
        "also",
        "always",
        "am",
        "an",
        "and",
        "another",
        "any",
        "anyone",
        "anything",
        "are",
        "around",
        "as",
        "ask",
        "at",
        "away",
        "back",
        "be",
        "because",
        "been",
        "before",
        "being",
        "below",
        "best",
        "better",
        "between",
        "big",
        "both",
        "but",
        "by",
        "call",
        "came",
        "can",
        "cannot",
        "can't",
        "come",
        "could",
        "day",
        "days",
        "did",
        "different",
        "do",
        "does",
        "doesn't",
        "doing",
        "done",
        "don't",
        "down",
        "each",
        "early",
        "either",
        "else",
        "end",
        "enough",
        "even",
        "ever",
        "every",
        "everyone",
        "everything",
        "example",
        "far",
        "few",
        "find",
        "first",
        "for",
        "found",
        "from",
        "full",
        "gave",
        "get",
        "getting",
        "give",
        "given",
        "go",
        "goes",
        "going",
        "good",
        "got",
        "great",
        "had",
        "has",
        "have",
        "haven't",
        "having",
        "he",
        "help",
        "her",
        "here",
        "hers",
        "high",
        "him",
        "his",
        "how",
        "however",
        "i",
        "i'd",
        "i'll",
        "i'm",
        "i've",
        "if",
        "important",
        "in",
        "instead",
        "into",
        "is",
        "isn't",
        "it",
        "it's",
        "its",
        "just",
        "keep",
        "kept",
        "kind",
        "know",
        "known",
        "large",
        "last",
        "later",
        "least",
        "left",
        "less",
        "let",
        "like",
        "little",
        "long",
        "look",
        "looking",
        "lot",
        "made",
        "main",
        "make",
        "making",
        "many",
        "may",
        "maybe",
        "me",
        "mean",
        "means",
        "might",
        "mine",
        "more",
        "most",
        "much",
        "must",
        "my",
        "need",
        "needs",
        "never",
        "new",
        "next",
        "no",
        "not",
        "nothing",
        "now",
        "of",
        "off",
        "often",
        "old",
        "on",
        "once",
        "one",
        "only",
        "or",
        "other",
        "others",
        "our",
        "out",
        "over",
        "own",
        "part",
        "people",
        "perhaps",
        "person",
        "place",
        "please",
        "possible",
        "put",
        "question",
        "quite",
        "rather",
        "real",
        "really",
        "right",
        "said",
        "same",
        "saw",
        "say",
        "says",
        "see",
        "seen",
        "several",
        "she",
        "should",
        "show",
        "similar",
        "since",
        "small",
        "so",
        "some",
        "someone",
        "something",
        "sometimes",
        "soon",
        "still",
        "such",
        "sure",
        "take",
        "taken",
        "tell",
        "than",
        "thank",
        "thanks",
        "that",
        "that's",
        "the",
        "their",
        "them",
        "then",
        "there",
        "there's",
        "these",
        "they",
        "they're",
        "thing",
        "things",
        "think",
        "this",
        "those",
        "though",
        "three",
        "through",
        "time",
        "times",
        "to",
        "today",
        "together",
        "told",
        "tomorrow",
        "too",
        "took",
        "toward",
        "true",
        "try",
        "trying",
        "two",
        "under",
        "until",
        "up",
        "us",
        "use",
        "used",
        "useful",
        "using",
        "usually",
        "very",
        "want",
        "wanted",
        "wants",
        "was",
        "wasn't",
        "way",
        "ways",
        "we",
        "we're",
        "week",
        "well",
        "were",
        "what",
        "what's",
        "when",
        "where",
        "whether",
        "which",
        "while",
        "who",
        "whole",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "within",
        "without",
        "won't",
        "word",
        "work",
        "world",
        "would",
        "write",
        "year",
        "years",
        "yes",
        "yesterday",
        "yet",
        "you",
        "you'd",
        "you'll",
        "you're",
        "you've",
        "your",
        "yours",
    ]
)
