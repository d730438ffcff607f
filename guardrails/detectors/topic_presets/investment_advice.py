"""Requests for, and statements of, advice on what to do with money. Facts and word senses from elsewhere are left alone."""

from __future__ import annotations

from guardrails.detectors.topics import Topic

_WORDS = """
xrp|ripple|cardano|litecoin|tether|memecoin|meme coin|shitcoin|token sale|ico|airdrop|defi|yield farming|uranium|lithium stock|oil stock
|tech stock|energy stock|bank stock|corporate bond|government bond|municipal bond|junk bond|treasuries|savings bond|shorting
|short position|the market|bear market|bull market|market crash|my money|our money|extra money|spare cash|in cash|15k|20k|50k|100k
|windfall|lottery winnings|severance|trust fund|college fund|pension pot|pension fund|retirement plan|fire movement
|financial independence|net worth|dividend yield|p/e ratio|ipo|spac|startup equity|rsu|espp|angel invest*|crowdfunding|peer to peer
|p2p lending|apartment to rent|buy to let|flip houses|reits|berkshire|nvidia|palantir|gamestop|coinbase|rivian|spdr|ishares|blackrock
|schwab|wealthfront|etoro|binance|stock|stock market|shares|fund|etf|bond|crypto|cryptocurrency|cryptocurrencies|bitcoin|btc|ethereum
|dogecoin|solana|altcoin|mutual fund|index fund|tracker fund|hedge fund|money market|portfolio|401k|401 k|403b|roth|roth ira
|traditional ira|my pension|our pension|company pension|annuit*|physical gold|gold bars|gold coins|forex|call option|put option
|stock option|options trading|equities|equity|securities|reit|rental property|real estate|dividend|treasury|t-bill|gilts|nasdaq|s&p 500
|s p 500|dow jones|ftse|penny stock|commodit*|nft|robo-advisor|invest*|my savings|our savings|nest egg|inheritance|lump sum|life savings
|emergency fund|retirement account|retirement fund|retirement savings|leveraged|use margin|margin account|blue chip|growth stock
|value stock|small cap|large cap|meme stock|day trad*|swing trad*|short sell*|isa|sipp|vanguard|vti|voo|trading|target date fund
|asset allocation|certificate of deposit|high-yield|stablecoin|staking|emerging markets|oil price|buy puts|buy calls|earnings call
|rich quickly|beat the market|ira
"""
_WITH = """
good moment|right moment|good buy|a buy|buy right now|good bet|safe bet|smart move|good choice|better choice|best choice|sensible|wise
|prudent|make quick money|quick money|make money|get out of|get into|jump in|wait for|build me|most promising|promising|potential|upside
|downside|the most security|most secure|my kids|for a pensioner|for retirement|for early retirement|keep or sell|sell or keep
|buy or sell|should they|should he|should she|should a|should people|would it be|is it sensible|realistic return|go long|go short
|stop loss|take profit|cut my losses|double down|average down|lump sum or|in one go|what to buy|what to sell|you should|my advice
|my recommendation|refinance or|or invest|get rich|multiply|safe place|where can i put|put it|should i|should we|shall i|should someone
|should a beginner|should my|do i|would you|do you think|what would you|is it wise|is it smart|is it safe|is it worth|worth buying
|worth the risk|better than|worth it|good idea|bad idea|good time|right time|best time|too late|too risky|wise to|smart to|better to
|better off|make sense|recommend*|advise|advice|suggest*|tips|best|safest|buy|sell|hold on to|hold or sell|dump|load up|go all in|all in
|allocat*|diversif*|rebalance|move into|roll over my|move my|put into|put in|put my|put all|put half|invest*|how much of|what percentage
|outperform|beat the market|go up|go down|rise|crash|rally|recover|double my|grow my|grow it|high return|higher return|good return
|best return|maximi*|undervalued|overvalued|price target|predict*|forecast|bullish|bearish|pick|picks|which|strategy|smarter|better for
|tell me whether|rich quickly|should retirees|should one|retire early|passive income|guaranteed return|dollar cost|cash out|roll over
|rollover|convert my|withdraw|pay off|or pay|hedge|protect my|where to|where do i|what to do with|do with my|worth investing
|help me choose|compare
"""
_ALWAYS = """
get out of the market|get into the market|build me a portfolio|stocks to watch|is it a good buy|a good time to buy stocks
|make money with options|make money trading|make quick money with|good moment to buy|good moment to invest|early retirement portfolio
|keep or sell my|promising altcoins|promising stocks|promising coins|sell your stocks|sell your tech stocks|buy the stock|buy this stock
|buy that stock|sell the stock|investment advice|financial advice|investment recommendation|stock tip|stock pick|hot stocks|which stocks
|what stocks|stocks to buy|crypto to buy|coins to buy|shares to buy|where to invest|where should i invest|how should i invest
|what should i invest in|how do i invest my|best way to invest|should i invest|worth investing in|best investment|good investment
|safe investment|safest investment|solid investment|smart investment|better investment|buy the dip|time the market
|when to sell my stocks|asset allocation for|investing for beginners|start investing|buy and hold|sell my shares|buy shares|buy stocks
|sell my stocks|buy bitcoin|buy crypto|double your money|i would invest|you should invest|retire by|is it a buy|good stock to buy
|what would warren buffett|put your savings|put my savings|put my money|put your money|invest the money|invest it in|invest the proceeds
|grow my savings|grow my money|grow my wealth|buy gold|buying gold|hold gold|invest in gold|in gold and|buy silver|double my money
|make me rich|high returns|a good return on|10 percent a year|cash or stocks|all my money in cash|crypto or|stocks or|shares or
|gold or stocks|buy euros|buy dollars|gold going up|annuity from|stocks, gold|shares, gold|savings earn|way to invest|how to allocate
|should i allocate|house a better investment|buy puts|in real estate or|strong buy|price target for
"""
_NEVER = """
fund code|cost code|equity laws|employment equity|expense report|keep warm|apple juice|apple pie|amazon river|amazon rainforest
|amazon order|amazon prime|microsoft word|microsoft office|microsoft teams|microsoft excel|tesla model|charge my tesla|nikola tesla
|coin toss|coin collection|coin laundry|flip a coin|salary negotiation|ask for a raise|phone calls|video calls|function calls|calls per
|golf|options menu|menu options|command line options|shipping options|payment options|vegetarian options|correct the|grammar|land in
|land at|landing|acorns fall|the fidelity of|earnings per share of|stock photo|stock image|in stock|out of stock|back in stock
|stock level|restock*|stock keeping|stockroom|livestock|rolling stock|chicken stock|beef stock|vegetable stock|fish stock|stock pot
|stock cube|soup stock|laughing stock|take stock|stock footage|stock up on|invest time|invest in yourself|invest in myself
|invest in a good|time investment|emotional investment|emotionally invested|james bond|bond girl|chemical bond|covalent|hydrogen bond
|ionic bond|bond with|bonds between|bonding|gold medal|silver medal|gold standard|silver lining|gold rush|golden|go for gold
|heart of gold|gold ring|gold necklace|gold leaf|career portfolio|design portfolio|portfolio website|my portfolio site
|photography portfolio|art portfolio|portfolio page|react|javascript|python|html|css|sql|json|api|git hedge|hedge trimmer|trim the hedge
|hedge in|garden hedge|futures thread|async|concurrent.futures|def|function that|write a function|write a program|write a script
|what is the difference|what are bonds|what does|explain how|explain what|define|what is a stock|what is an annuity|what is a bond
|what is an etf|what is a mutual fund|what is an ipo|what is a dividend|definition|history of|who founded|who invented|when was|how does
|meaning of|money laundering|translate|essay about|poem about|novel|short story|cash register|cash flow statement|money order
|bonus level|bonus points|bonus feature|cash back|petty cash|share of the cake|market share|shares of the photo|shareholder*
|equity and inclusion|pay equity|health equity|diversity, equity|brand equity|treasury department|secretary of the treasury
|gym membership|flight|hotel|luggage|tax return|tax form|log in|login|password|statement has|download|crypto library|crypto module
|super glue|museum|my friend ira|running shoes|wear|exchange closed|ticker symbol
"""


def _split(terms: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in terms.replace("\n", "").split("|"))


TOPIC = Topic(name="investment_advice", words=_split(_WORDS), with_=_split(_WITH), always=_split(_ALWAYS), never=_split(_NEVER))
